using System.Threading.Channels;
using Perdure.Storage;

namespace Perdure.Postgres.Tests;

/// <summary>Commits to two shards, a group at a time, through whatever befalls the server, and knows what must be there.</summary>
internal sealed class Writer(PostgresStore store, int first)
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly Guid _token = Guid.NewGuid();
    private IReadOnlyList<ShardLease> _leases = [];
    private readonly Channel<long> _committed = Channel.CreateUnbounded<long>();
    private long _number;

    /// <summary>How many groups had an unknown outcome.</summary>
    public int Unknown { get; private set; }

    /// <summary>How many of those had landed.</summary>
    public int Landed { get; private set; }

    /// <summary>How many groups were answered as not now.</summary>
    public int NotNow { get; private set; }

    /// <summary>Lets <see cref="MoreAsync"/> count from here.</summary>
    public void Forget()
    {
        while (_committed.Reader.TryRead(out _))
        {
            // What came before counts for nothing.
        }
    }

    /// <summary>Completes when one more group was answered as committed.</summary>
    public Task MoreAsync() => _committed.Reader.ReadAsync().AsTask();

    /// <summary>Commits until it is told to stop. While the server is down it waits until that is over.</summary>
    public async Task RunAsync(Func<Task> serverIsUp, CancellationToken stop)
    {
        await TakeAsync(serverIsUp);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                IReadOnlyList<CommitAnswer> answers = await store.CommitAsync([.. _leases.Select(lease => Batch(lease, _number + 1))], default);
                answers.Select(answer => answer.Outcome).Distinct().ShouldHaveSingleItem();
                if (answers[0].Outcome == CommitOutcome.Committed)
                {
                    _number++;
                    _committed.Writer.TryWrite(_number);
                }
                else
                {
                    answers[0].Outcome.ShouldBe(CommitOutcome.NotNow, answers[0].Reason);
                    NotNow++;
                    await serverIsUp();
                }
            }
            catch (StoreException)
            {
                Unknown++;
                await TakeAsync(serverIsUp);
            }
        }
    }

    /// <summary>Compares what is stored with what was committed: each run, input and job once, and nothing else.</summary>
    public async Task CheckAsync()
    {
        List<long> runs = [];
        await foreach (FlowRow flow in store.ListAsync(new FlowFilter(), default))
        {
            runs.Add(flow.Run);
        }

        foreach (int shard in new[] { first, first + 1 })
        {
            long[] expected = [.. Enumerable.Range(1, (int)_number).Select(number => Run(shard, number))];
            runs.Where(run => run / 1_000_000 == shard).Order().ShouldBe(expected);
            (await store.ReadJobsAsync(shard, 0, int.MaxValue, default)).Select(job => job.Number).ShouldBe(expected);
            IReadOnlyList<StoredFlow?> flows = await store.ReadFlowsAsync([.. expected.Select(run => Key(run))], FlowParts.All, default);
            flows.ShouldAllBe(flow => flow != null && flow.History.Count == 1 && flow.History[0].Payload!.Length == 500);
        }
    }

    private static long Run(int shard, long number) => (shard * 1_000_000L) + number;

    private static FlowKey Key(long run) => new("Order", $"{run}");

    private static ShardBatch Batch(ShardLease lease, long number)
    {
        long run = Run(lease.Shard, number);
        ShardBatch batch = new(lease, number, Start.AddSeconds(number));
        batch.NewFlows.Add(new FlowRow(run, lease.Shard, Key(run), 1, Start) { State = new FlowState(FlowStatus.Running, FlowRow.Busy) });
        batch.History.Add(new HistoryRow(run, 0, Start, InputKind.Started) { Payload = new byte[500] });
        batch.NewJobs.Add(new JobRow(run, lease.Shard, "mail", "Send", Start));
        return batch;
    }

    /// <summary>Takes the shards again, as the engine does after an unknown outcome: their batch number says whether the last group landed.</summary>
    private async Task TakeAsync(Func<Task> serverIsUp)
    {
        while (true)
        {
            try
            {
                _leases = await store.TakeShardsAsync([first, first + 1], _token, default);
                break;
            }
            catch (StoreException)
            {
                await serverIsUp();
            }
        }

        long batch = _leases.Select(lease => lease.Batch).Distinct().ShouldHaveSingleItem("a group is committed whole or not at all");
        batch.ShouldBeInRange(_number, _number + 1);
        Landed += (int)(batch - _number);
        _number = batch;
    }
}
