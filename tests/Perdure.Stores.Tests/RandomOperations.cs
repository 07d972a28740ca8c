using Perdure.Storage;

namespace Perdure.Stores.Tests;

/// <summary>Makes operations on a store at random from a seed, some of them wrong: old leases, keys that exist, rows that do not.</summary>
internal sealed class RandomOperations
{
    public const int ShardCount = 3;
    private const int Shards = ShardCount + 1; // the last one is made when it is first taken
    private const int Ids = 12;
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Random _random;
    private readonly List<ShardLease> _leases = [];
    private readonly long[] _batches = new long[Shards];
    private readonly List<(long Run, int Shard, string Id, int Positions)> _runs = [];
    private readonly RandomJobs _jobs;
    private readonly RandomEvents _events;
    private IReadOnlyList<ShardBatch> _group = [];
    private long _lastRun;

    public RandomOperations(int seed)
    {
        _random = new Random(seed);
        _jobs = new RandomJobs(_random, Time);
        _events = new RandomEvents(_random, Time);
    }

    public (string Name, Func<IStore, Task<object>> Operation) Next()
    {
        _group = [];
        int choice = _leases.Count == 0 ? 0 : _random.Next(100);
        return choice switch
        {
            < 6 => Take(),
            < 8 => Release(),
            < 55 => Commit(),
            < 60 => ReadFlows(),
            < 66 => ReadWaking(),
            < 75 => _events.Read(_random.Next(Shards)),
            < 86 => _jobs.Read(_random.Next(Shards)),
            < 89 => Ask("inbox", _random.Next(Shards), (store, shard) => store.ReadInboxAsync(shard, default)),
            < 92 => List(),
            < 97 => Ask("count", Filter(), async (store, filter) => (object)await store.CountAsync(filter, default)),
            _ => Ask("versions", 0, (store, _) => store.ReadOpenVersionsAsync(default)),
        };
    }

    /// <summary>Takes note of an answer, so that most of what follows fits what is stored.</summary>
    public void Learn(object answer)
    {
        if (answer is IReadOnlyList<ShardLease> leases)
        {
            _leases.RemoveAll(lease => _random.Next(4) > 0 && leases.Any(taken => taken.Shard == lease.Shard));
            _leases.AddRange(leases);
            return;
        }

        if (answer is not IReadOnlyList<CommitAnswer> answers || answers.Count == 0 || answers[0].Outcome != CommitOutcome.Committed)
        {
            return;
        }

        foreach (ShardBatch batch in _group)
        {
            _batches[batch.Lease.Shard] = batch.Number;
            _jobs.Learn(batch);
            _events.Learn(batch);
            _runs.AddRange(batch.NewFlows.Select(flow => (flow.Run, flow.Shard, flow.Key.Id, 0)));
            foreach (HistoryRow row in batch.History)
            {
                int i = _runs.FindIndex(run => run.Run == row.Run);
                _runs[i] = _runs[i] with { Positions = Math.Max(_runs[i].Positions, row.Position + 1) };
            }
        }
    }

    private static (string, Func<IStore, Task<object>>) Ask<TArgument, T>(string name, TArgument argument, Func<IStore, TArgument, Task<T>> ask)
        where T : notnull =>
        ($"{name} {argument}", async store => await ask(store, argument));

    private (string, Func<IStore, Task<object>>) Take()
    {
        List<int> shards = [.. Enumerable.Range(0, Shards).Where(_ => _leases.Count == 0 || _random.Next(2) == 0)];
        byte[] token = new byte[16];
        _random.NextBytes(token);
        return Ask("take", shards, (store, asked) => store.TakeShardsAsync(asked, new Guid(token), default));
    }

    private (string, Func<IStore, Task<object>>) Release()
    {
        List<ShardLease> leases = [.. _leases.Where(_ => _random.Next(2) == 0)];
        return Ask("release", leases, async (store, given) =>
        {
            await store.ReleaseShardsAsync(given, default);
            return given.Count;
        });
    }

    private (string, Func<IStore, Task<object>>) Commit()
    {
        List<ShardBatch> group = [];
        foreach (IGrouping<int, ShardLease> leases in _leases.GroupBy(lease => lease.Shard).OrderBy(_ => _random.Next()))
        {
            if (group.Count == 0 || _random.Next(2) == 0)
            {
                group.Add(Batch(_random.Next(6) == 0 ? leases.First() : leases.MaxBy(lease => lease.Epoch)!));
            }
        }

        _group = group;
        return Ask("commit", group, (store, batches) => store.CommitAsync(batches, default));
    }

    private ShardBatch Batch(ShardLease lease)
    {
        int shard = lease.Shard;
        ShardBatch batch = new(lease, _batches[shard] + (_random.Next(25) == 0 ? _random.Next(3) : 1), Time())
        {
            Suspect = _random.Next(8) == 0 ? new Suspect(_random.Next(50), _random.Next(-1, 5), _random.Next(3)) : null,
            Recovered = _random.Next(10) == 0,
        };
        for (int i = _random.Next(3); i > 0; i--)
        {
            AddFlow(batch, shard);
        }

        foreach ((long run, _, _, int positions) in _runs.Where(run => run.Shard == shard).OrderBy(_ => _random.Next()).Take(2).ToList())
        {
            AddInputs(batch, run, positions);
        }

        if (_random.Next(40) == 0)
        {
            batch.Updates.Add(new FlowUpdate(100_000, State()));
        }

        for (int i = _random.Next(3); i > 0; i--)
        {
            batch.Sent.Add(new InboxRow(_random.Next(Shards), $"m{_random.Next(8)}", (MessageKind)_random.Next(9), Key())
            {
                From = _random.Next(2) == 0 ? new ParentRef(Key(), _random.Next(9)) : null,
                Name = Text(),
                Payload = Bytes(),
            });
            batch.Received.Add($"m{_random.Next(8)}");
        }

        _jobs.AddTo(batch);
        _events.AddTo(batch);
        return batch;
    }

    private void AddFlow(ShardBatch batch, int shard)
    {
        long[] known = [.. _runs.Where(run => run.Shard == shard).Select(run => run.Run)];
        long run = known.Length > 0 && _random.Next(30) == 0 ? known[_random.Next(known.Length)] : ++_lastRun;
        string id = _random.Next(25) == 0 ? $"id{_random.Next(Ids)}" : $"run{run}";
        batch.NewFlows.Add(new FlowRow(run, shard, new FlowKey(_random.Next(2) == 0 ? "A" : "B", id), _random.Next(1, 3), Time())
        {
            Parent = _random.Next(3) == 0 ? new ParentRef(Key(), _random.Next(9)) : null,
            TraceParent = Text(),
            Correlation = Text(),
            Cause = Text(),
            State = State(),
        });
        batch.History.Add(Input(run, 0));
    }

    private void AddInputs(ShardBatch batch, long run, int positions)
    {
        batch.History.Add(Input(run, _random.Next(20) == 0 ? 0 : positions));
        batch.History.Add(Input(run, positions + 1));
        if (_random.Next(2) == 0)
        {
            batch.Updates.Add(new FlowUpdate(run, State()));
        }

        if (_random.Next(3) == 0)
        {
            batch.Decided.Add(Input(run, _random.Next(positions + (_random.Next(20) == 0 ? 9 : 1))));
        }

        int ask = _random.Next(3);
        if (_random.Next(2) == 0)
        {
            batch.Backoffs.Add(new BackoffRow(run, ask, _random.Next(5), Time(), Time(), Bytes() ?? []));
        }
        else
        {
            batch.EndedBackoffs.Add((run, ask));
        }
    }

    private (string, Func<IStore, Task<object>>) ReadFlows()
    {
        List<FlowKey> keys = [.. Enumerable.Range(0, _random.Next(6)).Select(_ => Key())];
        FlowParts parts = (FlowParts)_random.Next(4);
        return Ask($"read {parts}", keys, (store, asked) => store.ReadFlowsAsync(asked, parts, default));
    }

    private (string, Func<IStore, Task<object>>) ReadWaking()
    {
        int shard = _random.Next(Shards);
        WakingFlow? after = _random.Next(3) == 0
            ? null
            : new WakingFlow(_random.Next(2) == 0 ? FlowRow.Busy : Time(), _random.Next((int)_lastRun + 2), Key());
        DateTimeOffset until = _random.Next(3) == 0 ? DateTimeOffset.MaxValue : Time();
        int limit = _random.Next(3) == 0 ? int.MaxValue : _random.Next(4);
        return Ask($"waking after {after} until {until} limit {limit}", shard, (store, asked) => store.ReadWakingAsync(asked, after, until, limit, default));
    }

    private (string, Func<IStore, Task<object>>) List() => Ask("list", Filter(), (store, filter) => RandomJobs.RowsAsync(store.ListAsync(filter, default)));

    private FlowFilter Filter() => new()
    {
        Type = _random.Next(3) == 0 ? "A" : null,
        Statuses = _random.Next(2) == 0 ? null : [.. Enumerable.Range(0, _random.Next(4)).Select(_ => (FlowStatus)_random.Next(7))],
        Correlation = _random.Next(4) == 0 ? Text() : null,
        StartedFrom = _random.Next(4) == 0 ? Time() : null,
        StartedBefore = _random.Next(4) == 0 ? Time() : null,
        Limit = _random.Next(3) == 0 ? _random.Next(6) : null,
    };

    private HistoryRow Input(long run, int position) => new(run, position, Time(), (InputKind)_random.Next(9))
    {
        Ask = _random.Next(-1, 9),
        Name = Text(),
        SenderId = Text(),
        Attempts = _random.Next(4),
        StartedAt = _random.Next(2) == 0 ? Time() : null,
        Payload = Bytes(),
        Asks = Text(),
        Result = Bytes(),
    };

    private FlowState State()
    {
        FlowStatus status = (FlowStatus)_random.Next(7);
        DateTimeOffset? wakeAt = status >= FlowStatus.Stuck || _random.Next(5) == 0 ? null : _random.Next(2) == 0 ? FlowRow.Busy : Time();
        return new FlowState(status, wakeAt, status >= FlowStatus.Completed ? Time() : null, Text(), Text());
    }

    private FlowKey Key()
    {
        string id = _runs.Count == 0 || _random.Next(4) == 0 ? $"id{_random.Next(Ids)}" : _runs[_random.Next(_runs.Count)].Id;
        return new FlowKey(_random.Next(2) == 0 ? "A" : "B", id);
    }

    private DateTimeOffset Time() => Start.AddTicks(_random.Next(40) * TimeSpan.TicksPerMicrosecond);

    private string? Text() => _random.Next(4) switch { 0 => null, 1 => "", 2 => "plain", _ => "ünïcödé 🎉\n" };

    private byte[]? Bytes() => _random.Next(4) switch { 0 => null, 1 => [], 2 => [1, 2, 3], _ => new byte[_random.Next(6_000)] };
}
