using Perdure.Storage;

namespace Perdure.Bench.Stores;

/// <summary>Counts what a store commits; everything else passes through.</summary>
internal sealed class CountingStore(IStore store) : IStore
{
    private long _commits;

    public long Commits => Volatile.Read(ref _commits);

    /// <summary>How the store makes a commit durable, in its own words.</summary>
    public string Durability { get; private set; } = "unknown";

    public async Task<StoreInfo> OpenAsync(int shardCount, CancellationToken cancellationToken)
    {
        StoreInfo info = await store.OpenAsync(shardCount, cancellationToken);
        Durability = info.Durability;
        return info;
    }

    public Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
        => CommitAsync(batches, static () => { }, cancellationToken);

    public Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, Action placed, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _commits);
        return store.CommitAsync(batches, placed, cancellationToken);
    }

    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
        => store.TakeShardsAsync(shards, token, cancellationToken);

    public Task ReleaseShardsAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken)
        => store.ReleaseShardsAsync(leases, cancellationToken);

    public Task<IReadOnlyList<StoredFlow?>> ReadFlowsAsync(IReadOnlyList<FlowKey> keys, FlowParts parts, CancellationToken cancellationToken)
        => store.ReadFlowsAsync(keys, parts, cancellationToken);

    public Task<IReadOnlyList<WakingFlow>> ReadWakingAsync(int shard, WakingFlow? after, DateTimeOffset until, int limit, CancellationToken cancellationToken)
        => store.ReadWakingAsync(shard, after, until, limit, cancellationToken);

    public Task<IReadOnlyList<InboxRow>> ReadInboxAsync(int shard, CancellationToken cancellationToken)
        => store.ReadInboxAsync(shard, cancellationToken);

    public IAsyncEnumerable<FlowRow> ListAsync(FlowFilter filter, CancellationToken cancellationToken)
        => store.ListAsync(filter, cancellationToken);

    public Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken)
        => store.CountAsync(filter, cancellationToken);

    public Task<IReadOnlyList<OpenVersion>> ReadOpenVersionsAsync(CancellationToken cancellationToken)
        => store.ReadOpenVersionsAsync(cancellationToken);

    public Task<IReadOnlyList<JobRow>> ReadJobsAsync(int shard, long after, int limit, CancellationToken cancellationToken)
        => store.ReadJobsAsync(shard, after, limit, cancellationToken);

    public Task<IReadOnlyList<byte[]?>> ReadPayloadsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
        => store.ReadPayloadsAsync(shard, numbers, cancellationToken);

    public Task<IReadOnlyList<JobEndRow?>> ReadJobEndsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
        => store.ReadJobEndsAsync(shard, numbers, cancellationToken);

    public Task<IReadOnlyList<long>> ReadForgettableAsync(int shard, DateTimeOffset until, int limit, CancellationToken cancellationToken)
        => store.ReadForgettableAsync(shard, until, limit, cancellationToken);

    public IAsyncEnumerable<JobRow> ListJobsAsync(JobFilter filter, CancellationToken cancellationToken) => store.ListJobsAsync(filter, cancellationToken);

    public IAsyncEnumerable<JobEndRow> ListJobEndsAsync(JobFilter filter, CancellationToken cancellationToken) => store.ListJobEndsAsync(filter, cancellationToken);

    public Task<IReadOnlyList<MemoRow>> ReadMemosAsync(int shard, CancellationToken cancellationToken)
        => store.ReadMemosAsync(shard, cancellationToken);

    public Task<IReadOnlyList<TopicRange>> ReadTopicsAsync(int shard, CancellationToken cancellationToken)
        => store.ReadTopicsAsync(shard, cancellationToken);

    public Task<IReadOnlyList<EventRow>> ReadEventsAsync(int shard, string topic, long after, int limit, CancellationToken cancellationToken)
        => store.ReadEventsAsync(shard, topic, after, limit, cancellationToken);

    public IAsyncEnumerable<EventRow> ListEventsAsync(EventFilter filter, CancellationToken cancellationToken) => store.ListEventsAsync(filter, cancellationToken);

    public Task<IReadOnlyList<DeliveryRow>> ReadDeliveriesAsync(int shard, string topic, long first, long last, CancellationToken cancellationToken)
        => store.ReadDeliveriesAsync(shard, topic, first, last, cancellationToken);

    public Task<IReadOnlyList<EventWaitRow>> ReadEventWaitsAsync(int shard, CancellationToken cancellationToken)
        => store.ReadEventWaitsAsync(shard, cancellationToken);

    public ValueTask DisposeAsync() => store.DisposeAsync();
}
