using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>What every group of facts about a store begins with: an open store whose shards are taken.</summary>
internal abstract class StoreSuite : IAsyncDisposable
{
    /// <summary>How many shards the store under test gets.</summary>
    protected const int ShardCount = 4;

    /// <summary>The time that <see cref="At"/> counts from.</summary>
    protected static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Dictionary<int, long> _numbers = [];
    private Func<IStore> _connect = null!;

    /// <summary>The store under test.</summary>
    protected IStore Store { get; private set; } = null!;

    /// <summary>What the store said when it was opened.</summary>
    protected StoreInfo Info { get; private set; } = null!;

    /// <summary>The leases on all its shards.</summary>
    protected IReadOnlyList<ShardLease> Leases { get; private set; } = [];

    /// <summary>Opens a store that is empty, and takes its shards.</summary>
    /// <param name="connect">Makes an object over the store: empty the first time, and with what was committed after that.</param>
    public async Task OpenAsync(Func<IStore> connect)
    {
        _connect = connect;
        Store = connect();
        Info = await Store.OpenAsync(ShardCount, default);
        await TakeAsync();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Store is not null)
        {
            await Store.DisposeAsync();
        }
    }

    /// <summary>Closes the store and opens it again, as a process that starts anew does. Leases are not taken.</summary>
    protected async Task ReopenAsync(int shardCount = ShardCount)
    {
        await Store.DisposeAsync();
        Store = _connect();
        Info = await Store.OpenAsync(shardCount, default);
    }

    /// <summary>Takes all shards under a new token.</summary>
    protected async Task<IReadOnlyList<ShardLease>> TakeAsync()
    {
        Leases = await Store.TakeShardsAsync([.. Enumerable.Range(0, Info.ShardCount)], Guid.NewGuid(), default);
        foreach (ShardLease lease in Leases)
        {
            _numbers[lease.Shard] = lease.Batch;
        }

        return Leases;
    }

    /// <summary>Begins the next batch of a shard.</summary>
    protected ShardBatch Batch(int shard = 0, int at = 0) => new(Leases[shard], _numbers[shard] + 1, At(at));

    /// <summary>Commits batches and gives the outcomes.</summary>
    protected async Task<IReadOnlyList<CommitOutcome>> CommitAsync(params ShardBatch[] batches)
    {
        IReadOnlyList<CommitAnswer> answers = await Store.CommitAsync(batches, default);
        answers.Count.ShouldBe(batches.Length);
        foreach ((ShardBatch batch, CommitAnswer answer) in batches.Zip(answers))
        {
            if (answer.Outcome == CommitOutcome.Committed)
            {
                _numbers[batch.Lease.Shard] = batch.Number;
            }
            else
            {
                answer.Reason.ShouldNotBeNullOrWhiteSpace();
            }
        }

        return [.. answers.Select(answer => answer.Outcome)];
    }

    /// <summary>Commits one batch that the caller expects to be taken.</summary>
    protected async Task MustCommitAsync(ShardBatch batch) => (await CommitAsync(batch)).ShouldBe([CommitOutcome.Committed]);

    /// <summary>Commits a batch of a shard that must be taken.</summary>
    protected Task MustCommitAsync(int shard, Action<ShardBatch> fill)
    {
        ShardBatch batch = Batch(shard);
        fill(batch);
        return MustCommitAsync(batch);
    }

    /// <summary>Reads a list to its end.</summary>
    protected static async Task<List<T>> RowsAsync<T>(IAsyncEnumerable<T> list)
    {
        List<T> rows = [];
        await foreach (T row in list)
        {
            rows.Add(row);
        }

        return rows;
    }

    /// <summary>Reads one flow whole; null where there is none.</summary>
    protected async Task<StoredFlow?> ReadAsync(string id, FlowParts parts = FlowParts.All) =>
        (await Store.ReadFlowsAsync([Key(id)], parts, default)).Single();

    /// <summary>Reads all that wakes in a shard.</summary>
    protected Task<IReadOnlyList<WakingFlow>> ReadWakingAsync(int shard = 0) =>
        Store.ReadWakingAsync(shard, after: null, DateTimeOffset.MaxValue, int.MaxValue, default);

    /// <summary>Lists the numbers of runs.</summary>
    protected async Task<List<long>> ListAsync(FlowFilter filter) => (await RowsAsync(Store.ListAsync(filter, default))).ConvertAll(row => row.Run);

    /// <summary>Compares rows with what their arrays hold.</summary>
    protected static void ShouldBeSame(HistoryRow actual, HistoryRow expected)
    {
        actual.Payload.ShouldBe(expected.Payload);
        actual.Result.ShouldBe(expected.Result);
        (actual with { Payload = null, Result = null }).ShouldBe(expected with { Payload = null, Result = null });
    }

    /// <summary>A time, some microseconds after the start.</summary>
    protected static DateTimeOffset At(long microseconds) => Start.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);

    /// <summary>The key of a flow of the type most facts use.</summary>
    protected static FlowKey Key(string id) => new("Order", id);

    /// <summary>A running flow that is busy.</summary>
    protected static FlowRow Flow(long run, string? id = null, int shard = 0) =>
        new(run, shard, Key(id ?? $"f{run}"), 1, At(run)) { State = new FlowState(FlowStatus.Running, FlowRow.Busy) };

    /// <summary>An input with something in each column.</summary>
    protected static HistoryRow Input(long run, int position) => new(run, position, At(position), InputKind.Completed)
    {
        Ask = position,
        Name = $"name {position}",
        SenderId = "sender",
        Attempts = 2,
        StartedAt = At(position + 1),
        Payload = [1, 2, 3],
        Asks = "s charge\nt limit",
        Result = [4, 5],
    };
}
