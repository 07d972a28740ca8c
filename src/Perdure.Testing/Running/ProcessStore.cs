using Perdure.Storage;

namespace Perdure.Testing.Running;

/// <summary>A store as one process sees it: once the process is dead, nothing reaches the store, and nothing answers. Another process goes on with the same data.</summary>
internal abstract class ProcessStore(IStore inner) : IStore
{
    protected abstract bool IsDead { get; }

    public Task<StoreInfo> OpenAsync(int shardCount, CancellationToken cancellationToken) => Alive(() => inner.OpenAsync(shardCount, cancellationToken));

    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
        => Alive(() => inner.TakeShardsAsync(shards, token, cancellationToken));

    public virtual Task ReleaseShardsAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken)
        => IsDead ? Task.CompletedTask : inner.ReleaseShardsAsync(leases, cancellationToken);

    public virtual Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
        => Alive(() => inner.CommitAsync(batches, cancellationToken));

    public Task<IReadOnlyList<StoredFlow?>> ReadFlowsAsync(IReadOnlyList<FlowKey> keys, FlowParts parts, CancellationToken cancellationToken)
        => Alive(() => inner.ReadFlowsAsync(keys, parts, cancellationToken));

    public Task<IReadOnlyList<WakingFlow>> ReadWakingAsync(int shard, WakingFlow? after, DateTimeOffset until, int limit, CancellationToken cancellationToken)
        => Alive(() => inner.ReadWakingAsync(shard, after, until, limit, cancellationToken));

    public Task<IReadOnlyList<InboxRow>> ReadInboxAsync(int shard, CancellationToken cancellationToken) => Alive(() => inner.ReadInboxAsync(shard, cancellationToken));

    public IAsyncEnumerable<FlowRow> ListAsync(FlowFilter filter, CancellationToken cancellationToken) => inner.ListAsync(filter, cancellationToken);

    public Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken) => inner.CountAsync(filter, cancellationToken);

    public Task<IReadOnlyList<OpenVersion>> ReadOpenVersionsAsync(CancellationToken cancellationToken) => Alive(() => inner.ReadOpenVersionsAsync(cancellationToken));

    public Task<IReadOnlyList<JobRow>> ReadJobsAsync(int shard, long after, int limit, CancellationToken cancellationToken)
        => Alive(() => inner.ReadJobsAsync(shard, after, limit, cancellationToken));

    public Task<IReadOnlyList<byte[]?>> ReadPayloadsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
        => Alive(() => inner.ReadPayloadsAsync(shard, numbers, cancellationToken));

    public Task<IReadOnlyList<JobEndRow?>> ReadJobEndsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
        => Alive(() => inner.ReadJobEndsAsync(shard, numbers, cancellationToken));

    public Task<IReadOnlyList<long>> ReadForgettableAsync(int shard, DateTimeOffset until, int limit, CancellationToken cancellationToken)
        => Alive(() => inner.ReadForgettableAsync(shard, until, limit, cancellationToken));

    public IAsyncEnumerable<JobRow> ListJobsAsync(JobFilter filter, CancellationToken cancellationToken) => inner.ListJobsAsync(filter, cancellationToken);

    public IAsyncEnumerable<JobEndRow> ListJobEndsAsync(JobFilter filter, CancellationToken cancellationToken) => inner.ListJobEndsAsync(filter, cancellationToken);

    public Task<IReadOnlyList<MemoRow>> ReadMemosAsync(int shard, CancellationToken cancellationToken)
        => Alive(() => inner.ReadMemosAsync(shard, cancellationToken));

    public Task<IReadOnlyList<TopicRange>> ReadTopicsAsync(int shard, CancellationToken cancellationToken)
        => Alive(() => inner.ReadTopicsAsync(shard, cancellationToken));

    public virtual Task<IReadOnlyList<EventRow>> ReadEventsAsync(int shard, string topic, long after, int limit, CancellationToken cancellationToken)
        => Alive(() => inner.ReadEventsAsync(shard, topic, after, limit, cancellationToken));

    public IAsyncEnumerable<EventRow> ListEventsAsync(EventFilter filter, CancellationToken cancellationToken) => inner.ListEventsAsync(filter, cancellationToken);

    public Task<IReadOnlyList<DeliveryRow>> ReadDeliveriesAsync(int shard, string topic, long first, long last, CancellationToken cancellationToken)
        => Alive(() => inner.ReadDeliveriesAsync(shard, topic, first, last, cancellationToken));

    public Task<IReadOnlyList<EventWaitRow>> ReadEventWaitsAsync(int shard, CancellationToken cancellationToken)
        => Alive(() => inner.ReadEventWaitsAsync(shard, cancellationToken));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Calls, if the process lives.</summary>
    protected Task<T> Alive<T>(Func<Task<T>> call) => IsDead ? new TaskCompletionSource<T>().Task : call();
}
