using Perdure;
using Perdure.Storage;

namespace Likes.JobStore;

/// <summary>Whether the job store is up; it is at first.</summary>
public sealed class JobStoreSwitch
{
    private volatile bool _isDown;
    private volatile TaskCompletionSource? _silence;

    public bool IsDown
    {
        get => _isDown;
        set => _isDown = value;
    }

    /// <summary>Whether commits neither end nor fail; those that came meanwhile go on afterwards.</summary>
    public bool IsSilent
    {
        get => _silence is not null;
        set
        {
            TaskCompletionSource? next = value ? _silence ?? new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously) : null;
            TaskCompletionSource? last = _silence;
            _silence = next;
            if (next is null)
            {
                last?.TrySetResult();
            }
        }
    }

    internal Task Spoken => _silence?.Task ?? Task.CompletedTask;
}

/// <summary>A store that can be taken down while it is open: every call fails then, as on a disk that is gone, or no commit ends.</summary>
public sealed class SwitchedStore(IStore inner, JobStoreSwitch position) : IStore
{
    private IStore Inner => position.IsDown ? throw new StoreException("PRD5005", "the job store is switched off") : inner;

    public Task<StoreInfo> OpenAsync(int shardCount, CancellationToken cancellationToken) => Inner.OpenAsync(shardCount, cancellationToken);

    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
        => Inner.TakeShardsAsync(shards, token, cancellationToken);

    public Task ReleaseShardsAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken) => Inner.ReleaseShardsAsync(leases, cancellationToken);

    public async Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
    {
        await position.Spoken;
        return await Inner.CommitAsync(batches, cancellationToken);
    }

    public Task<IReadOnlyList<StoredFlow?>> ReadFlowsAsync(IReadOnlyList<FlowKey> keys, FlowParts parts, CancellationToken cancellationToken)
        => Inner.ReadFlowsAsync(keys, parts, cancellationToken);

    public Task<IReadOnlyList<WakingFlow>> ReadWakingAsync(int shard, WakingFlow? after, DateTimeOffset until, int limit, CancellationToken cancellationToken)
        => Inner.ReadWakingAsync(shard, after, until, limit, cancellationToken);

    public Task<IReadOnlyList<InboxRow>> ReadInboxAsync(int shard, CancellationToken cancellationToken) => Inner.ReadInboxAsync(shard, cancellationToken);

    public IAsyncEnumerable<FlowRow> ListAsync(FlowFilter filter, CancellationToken cancellationToken) => Inner.ListAsync(filter, cancellationToken);

    public Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken) => Inner.CountAsync(filter, cancellationToken);

    public Task<IReadOnlyList<OpenVersion>> ReadOpenVersionsAsync(CancellationToken cancellationToken) => Inner.ReadOpenVersionsAsync(cancellationToken);

    public Task<IReadOnlyList<JobRow>> ReadJobsAsync(int shard, long after, int limit, CancellationToken cancellationToken) => Inner.ReadJobsAsync(shard, after, limit, cancellationToken);

    public Task<IReadOnlyList<byte[]?>> ReadPayloadsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
        => Inner.ReadPayloadsAsync(shard, numbers, cancellationToken);

    public Task<IReadOnlyList<JobEndRow?>> ReadJobEndsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
        => Inner.ReadJobEndsAsync(shard, numbers, cancellationToken);

    public Task<IReadOnlyList<long>> ReadForgettableAsync(int shard, DateTimeOffset until, int limit, CancellationToken cancellationToken)
        => Inner.ReadForgettableAsync(shard, until, limit, cancellationToken);

    public IAsyncEnumerable<JobRow> ListJobsAsync(JobFilter filter, CancellationToken cancellationToken) => Inner.ListJobsAsync(filter, cancellationToken);

    public IAsyncEnumerable<JobEndRow> ListJobEndsAsync(JobFilter filter, CancellationToken cancellationToken) => Inner.ListJobEndsAsync(filter, cancellationToken);

    public Task<IReadOnlyList<MemoRow>> ReadMemosAsync(int shard, CancellationToken cancellationToken) => Inner.ReadMemosAsync(shard, cancellationToken);

    public Task<IReadOnlyList<TopicRange>> ReadTopicsAsync(int shard, CancellationToken cancellationToken)
        => Inner.ReadTopicsAsync(shard, cancellationToken);

    public Task<IReadOnlyList<EventRow>> ReadEventsAsync(int shard, string topic, long after, int limit, CancellationToken cancellationToken)
        => Inner.ReadEventsAsync(shard, topic, after, limit, cancellationToken);

    public IAsyncEnumerable<EventRow> ListEventsAsync(EventFilter filter, CancellationToken cancellationToken) => Inner.ListEventsAsync(filter, cancellationToken);

    public Task<IReadOnlyList<DeliveryRow>> ReadDeliveriesAsync(int shard, string topic, long first, long last, CancellationToken cancellationToken)
        => Inner.ReadDeliveriesAsync(shard, topic, first, last, cancellationToken);

    public Task<IReadOnlyList<EventWaitRow>> ReadEventWaitsAsync(int shard, CancellationToken cancellationToken)
        => Inner.ReadEventWaitsAsync(shard, cancellationToken);

    public ValueTask DisposeAsync() => inner.DisposeAsync();
}
