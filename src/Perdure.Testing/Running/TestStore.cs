using Perdure.Storage;

namespace Perdure.Testing.Running;

/// <summary>The store as one process of a test world sees it: once its place is dead, nothing reaches the store, and nothing answers.</summary>
internal sealed class TestStore(MemoryStore inner, Func<bool> isDead, ICommitWatch watch) : IStore
{
    public Task<StoreInfo> OpenAsync(int shardCount, CancellationToken cancellationToken) => Alive(() => inner.OpenAsync(shardCount, cancellationToken));

    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
        => Alive(() => inner.TakeShardsAsync(shards, token, cancellationToken));

    public Task ReleaseShardsAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken)
        => isDead() ? Task.CompletedTask : inner.ReleaseShardsAsync(leases, cancellationToken);

    public async Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
    {
        watch.Committing(batches);
        IReadOnlyList<CommitAnswer> answers = await Alive(() => inner.CommitAsync(batches, cancellationToken));
        watch.Committed(batches);
        return await Alive(() => Task.FromResult(answers));
    }

    public Task<IReadOnlyList<StoredFlow?>> ReadFlowsAsync(IReadOnlyList<FlowKey> keys, FlowParts parts, CancellationToken cancellationToken)
        => Alive(() => inner.ReadFlowsAsync(keys, parts, cancellationToken));

    public Task<IReadOnlyList<WakingFlow>> ReadWakingAsync(int shard, WakingFlow? after, DateTimeOffset until, int limit, CancellationToken cancellationToken)
        => Alive(() => inner.ReadWakingAsync(shard, after, until, limit, cancellationToken));

    public Task<IReadOnlyList<InboxRow>> ReadInboxAsync(int shard, CancellationToken cancellationToken) => Alive(() => inner.ReadInboxAsync(shard, cancellationToken));

    public IAsyncEnumerable<FlowRow> ListAsync(FlowFilter filter, CancellationToken cancellationToken) => inner.ListAsync(filter, cancellationToken);

    public Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken) => inner.CountAsync(filter, cancellationToken);

    public Task<IReadOnlyList<OpenVersion>> ReadOpenVersionsAsync(CancellationToken cancellationToken) => Alive(() => inner.ReadOpenVersionsAsync(cancellationToken));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task<T> Alive<T>(Func<Task<T>> call) => isDead() ? new TaskCompletionSource<T>().Task : call();
}

/// <summary>Sees each commit, before and after; the process may die in either.</summary>
internal interface ICommitWatch
{
    void Committing(IReadOnlyList<ShardBatch> batches);

    void Committed(IReadOnlyList<ShardBatch> batches);
}
