using System.Runtime.CompilerServices;

namespace Perdure.Storage;

/// <summary>A store that keeps everything in memory, for tests.</summary>
/// <remarks>
/// It means the same as the other stores to the letter, but what it holds lives as long as the object: closing it keeps its
/// content, so an engine that is started again over the same object finds what the last one left. Every call is answered before it returns.
/// </remarks>
public sealed class MemoryStore : IStore
{
    private readonly Lock _gate = new();
    private readonly Guid _storeId;
    private MemoryTables? _tables;

    /// <summary>Makes an empty store.</summary>
    /// <param name="storeId">The number it gives as its own; all zeros unless set, so that test runs repeat exactly.</param>
    public MemoryStore(Guid storeId = default)
    {
        _storeId = storeId;
    }

    private MemoryTables Tables => _tables ?? throw new InvalidOperationException("The store is not open: call OpenAsync first.");

    /// <inheritdoc/>
    public Task<StoreInfo> OpenAsync(int shardCount, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shardCount, 1);
        return Answer(() =>
        {
            _tables ??= new MemoryTables(shardCount);
            return new StoreInfo(_storeId, _tables.Shards.Length, "none: in memory");
        }, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(shards);
        return Answer<IReadOnlyList<ShardLease>>(() =>
        {
            foreach (int shard in shards)
            {
                ArgumentOutOfRangeException.ThrowIfNegative(shard, nameof(shards));
                ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(shard, Tables.Shards.Length, nameof(shards));
            }

            return [.. shards.Select(shard => Tables.Shards[shard].Take(shard, token))];
        }, cancellationToken);
    }

    /// <inheritdoc/>
    public Task ReleaseShardsAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(leases);
        return Answer(() =>
        {
            foreach (ShardLease lease in leases)
            {
                Tables.Find(lease)?.Release();
            }

            return true;
        }, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batches);
        return Answer<IReadOnlyList<CommitAnswer>>(() => MemoryCommit.Run(Tables, batches), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredFlow?>> ReadFlowsAsync(IReadOnlyList<FlowKey> keys, FlowParts parts, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return Answer<IReadOnlyList<StoredFlow?>>(() => [.. keys.Select(key => Tables.Read(key, parts))], cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<WakingFlow>> ReadWakingAsync(
        int shard, WakingFlow? after, DateTimeOffset until, int limit, CancellationToken cancellationToken)
    {
        return Answer<IReadOnlyList<WakingFlow>>(() =>
        {
            (long, long) from = after is null ? (long.MinValue, long.MinValue) : (after.WakeAt.UtcTicks, after.Run);
            return
            [
                .. Tables.Shards[shard].Waking.GetViewBetween(from, (long.MaxValue, long.MaxValue))
                    .SkipWhile(entry => entry.CompareTo(from) <= 0)
                    .TakeWhile(entry => entry.WakeTicks <= until.UtcTicks)
                    .Take(Math.Max(0, limit))
                    .Select(entry => new WakingFlow(new DateTimeOffset(entry.WakeTicks, TimeSpan.Zero), entry.Run, Tables.Flows[entry.Run].Key)),
            ];
        }, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<InboxRow>> ReadInboxAsync(int shard, CancellationToken cancellationToken)
    {
        return Answer<IReadOnlyList<InboxRow>>(() => [.. Tables.Shards[shard].Inbox.Values.Select(RowCopy.Of)], cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<FlowRow> ListAsync(FlowFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        foreach (FlowRow row in await Answer<IReadOnlyList<FlowRow>>(() => [.. Find(filter).Select(RowCopy.Of)], cancellationToken))
        {
            yield return row;
        }
    }

    /// <inheritdoc/>
    public Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return Answer(() => Find(filter).LongCount(), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<OpenVersion>> ReadOpenVersionsAsync(CancellationToken cancellationToken)
    {
        return Answer<IReadOnlyList<OpenVersion>>(() =>
        [
            .. Tables.Flows.Values.Where(flow => flow.State.Status < FlowStatus.Completed)
                .GroupBy(flow => (flow.Key.Type, flow.Version))
                .Select(group => new OpenVersion(group.Key.Type, group.Key.Version, group.LongCount()))
                .OrderBy(version => version.Type, StringComparer.Ordinal).ThenBy(version => version.Version),
        ], cancellationToken);
    }

    /// <summary>Does nothing: the content stays for the next engine that opens the same object.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private IEnumerable<FlowRow> Find(FlowFilter filter)
    {
        IEnumerable<FlowRow> found = Tables.Flows.Values.Where(flow =>
            (filter.Type is null || flow.Key.Type == filter.Type)
            && (filter.Statuses is not { Count: > 0 } || filter.Statuses.Contains(flow.State.Status))
            && (filter.StartedFrom is null || flow.CreatedAt >= filter.StartedFrom)
            && (filter.StartedBefore is null || flow.CreatedAt < filter.StartedBefore));
        return found.OrderByDescending(flow => flow.Run).Take(Math.Max(0, filter.Limit ?? int.MaxValue));
    }

    private Task<T> Answer<T>(Func<T> call, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled<T>(cancellationToken);
        }

        lock (_gate)
        {
            return Task.FromResult(call());
        }
    }
}
