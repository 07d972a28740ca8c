using System.Runtime.CompilerServices;

namespace Perdure.Storage;

/// <summary>A store that keeps everything in memory, for tests.</summary>
/// <remarks>
/// It means the same as the other stores to the letter, but what it holds lives as long as the object: closing it keeps its
/// content, so an engine that is started again over the same object finds what the last one left. Every call is answered before it returns.
/// </remarks>
public sealed class MemoryStore : IStoreTarget
{
    private readonly Lock _gate = new();
    private Guid _storeId;
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
            return new StoreInfo(_storeId, _tables.ShardCount, "none: in memory");
        }, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<StoreInfo> OpenNewAsync(Guid storeId, int shardCount, CancellationToken cancellationToken)
    {
        _storeId = _tables is null ? storeId : _storeId;
        return OpenAsync(shardCount, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken) => TakeShardsAsync(shards, token, static _ => false, cancellationToken);

    /// <summary>The number of a shard's last batch.</summary>
    internal long BatchOf(int shard)
    {
        lock (_gate)
        {
            return Tables.Shard(shard).Batch;
        }
    }

    /// <summary>Whether a batch may be committed once some more of its shard's were.</summary>
    internal bool Admits(ShardBatch batch, int before)
    {
        lock (_gate)
        {
            return Tables.Find(batch.Lease) is { } shard && shard.Batch + before == batch.Number - 1;
        }
    }

    /// <summary>Takes shards for a node, which has some of them already.</summary>
    internal Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, Predicate<int> isOwn, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(shards);
        return Answer<IReadOnlyList<ShardLease>>(() =>
        {
            foreach (int shard in shards)
            {
                ArgumentOutOfRangeException.ThrowIfNegative(shard, nameof(shards));
            }

            return [.. shards.Select(shard => Tables.Shard(shard).Take(shard, token, isOwn(shard)))];
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
                .. Tables.Shard(shard).Waking.GetViewBetween(from, (long.MaxValue, long.MaxValue))
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
        return Answer<IReadOnlyList<InboxRow>>(() => [.. Tables.Shard(shard).Inbox.Values.Select(RowCopy.Of)], cancellationToken);
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

    /// <inheritdoc/>
    public Task<IReadOnlyList<JobRow>> ReadJobsAsync(int shard, long after, int limit, CancellationToken cancellationToken) =>
        Answer<IReadOnlyList<JobRow>>(
            () => [.. Tables.Shard(shard).Jobs.After(after).Take(Math.Max(0, limit)).Select(RowCopy.WithoutPayload)], cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<byte[]?>> ReadPayloadsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return Answer<IReadOnlyList<byte[]?>>(
            () => [.. numbers.Select(number => RowCopy.Of(Tables.Shard(shard).Jobs.PayloadOf(number)))], cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<JobEndRow?>> ReadJobEndsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return Answer<IReadOnlyList<JobEndRow?>>(
            () => [.. numbers.Select(number => Tables.Shard(shard).Jobs.EndOf(number) is { } end ? RowCopy.Of(end) : null)], cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<long>> ReadForgettableAsync(int shard, DateTimeOffset until, int limit, CancellationToken cancellationToken) =>
        Answer<IReadOnlyList<long>>(
            () => [.. Tables.Shard(shard).Jobs.Forgettable(until).Take(Math.Max(0, limit))], cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<JobRow> ListJobsAsync(JobFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        foreach (JobRow row in await Answer<IReadOnlyList<JobRow>>(() => [.. FindJobs(filter).Select(RowCopy.WithoutPayload)], cancellationToken))
        {
            yield return row;
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<JobEndRow> ListJobEndsAsync(JobFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        foreach (JobEndRow row in await Answer<IReadOnlyList<JobEndRow>>(() => [.. FindJobEnds(filter).Select(RowCopy.Of)], cancellationToken))
        {
            yield return row;
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<MemoRow>> ReadMemosAsync(int shard, CancellationToken cancellationToken) =>
        Answer<IReadOnlyList<MemoRow>>(() => [.. Tables.Shard(shard).Jobs.Memos.Select(RowCopy.Of)], cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<TopicRange>> ReadTopicsAsync(int shard, CancellationToken cancellationToken) =>
        Answer<IReadOnlyList<TopicRange>>(() => [.. Tables.Shard(shard).Events.Topics], cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<EventRow>> ReadEventsAsync(int shard, string topic, long after, int limit, CancellationToken cancellationToken) =>
        Answer<IReadOnlyList<EventRow>>(
            () => [.. Tables.Shard(shard).Events.After(topic, after).Take(Math.Max(0, limit)).Select(RowCopy.Of)], cancellationToken);

    /// <inheritdoc/>
    public async IAsyncEnumerable<EventRow> ListEventsAsync(EventFilter filter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        foreach (EventRow row in await Answer<IReadOnlyList<EventRow>>(() => [.. FindEvents(filter).Select(RowCopy.Of)], cancellationToken))
        {
            yield return row;
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<DeliveryRow>> ReadDeliveriesAsync(int shard, string topic, long first, long last, CancellationToken cancellationToken) =>
        Answer<IReadOnlyList<DeliveryRow>>(
            () => [.. Tables.Shard(shard).Events.Deliveries(topic, first, last).Select(RowCopy.Of)], cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<EventWaitRow>> ReadEventWaitsAsync(int shard, CancellationToken cancellationToken) =>
        Answer<IReadOnlyList<EventWaitRow>>(() => [.. Tables.Shard(shard).Events.Waits.Select(RowCopy.Of)], cancellationToken);

    /// <summary>Does nothing: the content stays for the next engine that opens the same object.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private IEnumerable<FlowRow> Find(FlowFilter filter) =>
        Tables.Flows.Values.Where(filter.Fits)
            .OrderByDescending(flow => flow.Run).Take(Math.Max(0, filter.Limit ?? int.MaxValue));

    private IEnumerable<JobRow> FindJobs(JobFilter filter) =>
        Tables.Shards.Values.SelectMany(shard => shard.Jobs.Open).Where(filter.Fits)
            .OrderByDescending(job => job.Number).Take(Math.Max(0, filter.Limit));

    private IEnumerable<JobEndRow> FindJobEnds(JobFilter filter) =>
        Tables.Shards.Values.SelectMany(shard => shard.Jobs.Ends).Where(filter.Fits)
            .OrderByDescending(end => end.Number).Take(Math.Max(0, filter.Limit));

    private IEnumerable<EventRow> FindEvents(EventFilter filter) =>
        Tables.Shards.Values.SelectMany(shard => shard.Events.All).Where(filter.Fits)
            .OrderByDescending(row => row.PublishedAt).ThenByDescending(row => row.Topic, StringComparer.Ordinal).ThenByDescending(row => row.Position)
            .Take(Math.Max(0, filter.Limit));

    /// <summary>Forgets the own inbox of a node that is gone.</summary>
    internal void ForgetInbox(int shard)
    {
        lock (_gate)
        {
            Tables.Shard(shard).Inbox.Clear();
        }
    }

    /// <summary>When the next end of a job has been kept long enough; null if none is kept.</summary>
    internal DateTimeOffset? NextForgettable(int shard)
    {
        lock (_gate)
        {
            return Tables.Shard(shard).Jobs.NextForgettable;
        }
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
