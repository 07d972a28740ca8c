using Perdure.Storage;

namespace Perdure.Tests;

/// <summary>A store as a process sees it that can die: from then on no call of it returns, while another process goes on with the same data.</summary>
internal sealed class MortalStore(IStore inner) : IStore
{
    private static readonly TaskCompletionSource Never = new();
    private volatile bool _dead;

    /// <summary>Is asked before each commit: whether the process dies now.</summary>
    public Func<IReadOnlyList<ShardBatch>, bool>? DieBeforeCommit { get; set; }

    /// <summary>Is asked after each commit: whether the process dies before it hears of it.</summary>
    public Func<IReadOnlyList<ShardBatch>, bool>? DieAfterCommit { get; set; }

    /// <summary>Gives another answer than the store, or throws.</summary>
    public Func<IReadOnlyList<ShardBatch>, IReadOnlyList<CommitAnswer>, IReadOnlyList<CommitAnswer>>? Answer { get; set; }

    /// <summary>Is asked of each batch: whether the store cannot take it.</summary>
    public Func<ShardBatch, bool>? RefuseBatch { get; set; }

    /// <summary>Is asked before each commit: whether there is no room for it now.</summary>
    public Func<IReadOnlyList<ShardBatch>, bool>? IsFull { get; set; }

    public void Die() => _dead = true;

    public Task<StoreInfo> OpenAsync(int shardCount, CancellationToken cancellationToken) => Alive(() => inner.OpenAsync(shardCount, cancellationToken));

    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
        => Alive(() => inner.TakeShardsAsync(shards, token, cancellationToken));

    public async Task ReleaseShardsAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken)
    {
        if (!_dead)
        {
            await inner.ReleaseShardsAsync(leases, cancellationToken);
        }
    }

    public async Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
    {
        if (RefuseBatch is { } refuse && batches.Any(refuse))
        {
            return [.. batches.Select(b => new CommitAnswer(refuse(b) ? CommitOutcome.Refused : CommitOutcome.NotNow, "a bad value"))];
        }

        if (IsFull?.Invoke(batches) ?? false)
        {
            return [.. batches.Select(_ => new CommitAnswer(CommitOutcome.NotNow, "no room"))];
        }

        _dead |= DieBeforeCommit?.Invoke(batches) ?? false;
        IReadOnlyList<CommitAnswer> answers = await Alive(() => inner.CommitAsync(batches, cancellationToken));
        _dead |= DieAfterCommit?.Invoke(batches) ?? false;
        return await Alive(() => Task.FromResult(Answer?.Invoke(batches, answers) ?? answers));
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

    private async Task<T> Alive<T>(Func<Task<T>> call)
    {
        if (_dead)
        {
            await Never.Task;
        }

        return await call();
    }
}
