namespace Perdure.Storage;

/// <summary>Where shards live. One call is one intention and one transaction.</summary>
/// <remarks>
/// A call answers with data when it can say for sure what happened, and throws <see cref="StoreException"/> only when it
/// cannot: after a throw from <see cref="CommitAsync(IReadOnlyList{ShardBatch}, CancellationToken)"/> the outcome is unknown, and the caller takes the shards again and reloads.
/// Reads see everything that was committed before they began. Calls may come from many threads at once, but
/// a shard's next batch is committed only once the last one was answered, or has its place in the store's order.
/// Every store passes the one conformance suite.
/// </remarks>
public interface IStore : IAsyncDisposable
{
    /// <summary>Opens the store, creating or migrating its schema, and keeps other processes out where one process must own it.</summary>
    /// <param name="shardCount">The number of shards a new store gets; a store that exists keeps its own.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <exception cref="StoreException">The store is in use, damaged, newer than this library, or out of reach.</exception>
    Task<StoreInfo> OpenAsync(int shardCount, CancellationToken cancellationToken);

    /// <summary>Takes shards under a new epoch: whoever held them before can commit nothing more.</summary>
    /// <remarks>A shard that is not there yet is made. One that was not released since it was last taken counts one more unclean end.</remarks>
    Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken);

    /// <summary>Gives shards back after a clean end: their count of unclean ends and their suspect are cleared. Leases that were lost meanwhile are passed over.</summary>
    Task ReleaseShardsAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken);

    /// <summary>Commits batches of different shards in one durable transaction.</summary>
    /// <returns>One answer per batch, in order. Either every batch is <see cref="CommitOutcome.Committed"/>, or none is.</returns>
    /// <exception cref="StoreException">The outcome is unknown.</exception>
    Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken);

    /// <summary>Commits batches, and may say before the answer that they have their place in the store's order.</summary>
    /// <param name="batches">The batches, of different shards.</param>
    /// <param name="placed">
    /// Called at most once, and before the answer, when the group is as good as committed but not durable yet: only the store's own end can take it back, with all that was
    /// placed after it. From then on the shards' next batches may come. Their answers may come in any order. A store that decides
    /// only when all is durable never calls it.
    /// </param>
    /// <param name="cancellationToken">Stops the wait for the store's turn.</param>
    /// <returns>One answer per batch, in order. Either every batch is <see cref="CommitOutcome.Committed"/>, or none is.</returns>
    /// <exception cref="StoreException">The outcome is unknown; that of a group with a place stays so until the store is opened again.</exception>
    Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, Action placed, CancellationToken cancellationToken)
        => CommitAsync(batches, cancellationToken);

    /// <summary>Reads flows by their keys.</summary>
    /// <returns>One answer per key, in order; null where there is no such flow.</returns>
    Task<IReadOnlyList<StoredFlow?>> ReadFlowsAsync(IReadOnlyList<FlowKey> keys, FlowParts parts, CancellationToken cancellationToken);

    /// <summary>Reads which flows of a shard must be looked at by a time, the earliest first.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="after">Only flows that come after this one in (WakeAt, Run) order; null for the beginning.</param>
    /// <param name="until">Only flows with a wake-up at or before this time.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    Task<IReadOnlyList<WakingFlow>> ReadWakingAsync(int shard, WakingFlow? after, DateTimeOffset until, int limit, CancellationToken cancellationToken);

    /// <summary>Reads all messages that wait in a shard's inbox, in the order of their ids.</summary>
    Task<IReadOnlyList<InboxRow>> ReadInboxAsync(int shard, CancellationToken cancellationToken);

    /// <summary>Lists flow rows, the newest run first.</summary>
    IAsyncEnumerable<FlowRow> ListAsync(FlowFilter filter, CancellationToken cancellationToken);

    /// <summary>Counts flows.</summary>
    Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken);

    /// <summary>Says which versions of which flow types open runs need, and how many runs of each are open.</summary>
    Task<IReadOnlyList<OpenVersion>> ReadOpenVersionsAsync(CancellationToken cancellationToken);

    /// <summary>Reads jobs of a shard that have not ended, in the order of their numbers, without their payloads.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="after">Only jobs with larger numbers.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    Task<IReadOnlyList<JobRow>> ReadJobsAsync(int shard, long after, int limit, CancellationToken cancellationToken);

    /// <summary>Reads the payloads of jobs, open or ended.</summary>
    /// <returns>One answer per number, in order; null where there is none.</returns>
    Task<IReadOnlyList<byte[]?>> ReadPayloadsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken);

    /// <summary>Reads how jobs ended.</summary>
    /// <returns>One answer per number, in order; null where nothing is kept.</returns>
    Task<IReadOnlyList<JobEndRow?>> ReadJobEndsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken);

    /// <summary>Reads which ends of jobs have been kept long enough.</summary>
    Task<IReadOnlyList<long>> ReadForgettableAsync(int shard, DateTimeOffset until, int limit, CancellationToken cancellationToken);

    /// <summary>Lists jobs that have not ended, the newest first, without their payloads; <see cref="JobFilter.Status"/> is not looked at.</summary>
    IAsyncEnumerable<JobRow> ListJobsAsync(JobFilter filter, CancellationToken cancellationToken);

    /// <summary>Lists ends of jobs that are kept, the newest job first.</summary>
    IAsyncEnumerable<JobEndRow> ListJobEndsAsync(JobFilter filter, CancellationToken cancellationToken);

    /// <summary>Reads all that a queues' home remembers, in the order of the names.</summary>
    Task<IReadOnlyList<MemoRow>> ReadMemosAsync(int shard, CancellationToken cancellationToken);

    /// <summary>Reads how far the logs of a shard's topics go, in the order of their names.</summary>
    Task<IReadOnlyList<TopicRange>> ReadTopicsAsync(int shard, CancellationToken cancellationToken);

    /// <summary>Reads a topic's log on from a position.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="after">Only events at larger positions.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    Task<IReadOnlyList<EventRow>> ReadEventsAsync(int shard, string topic, long after, int limit, CancellationToken cancellationToken);

    /// <summary>Lists events, the newest first: by the time they were published, then by topic and position, the last ones first.</summary>
    IAsyncEnumerable<EventRow> ListEventsAsync(EventFilter filter, CancellationToken cancellationToken);

    /// <summary>Reads what subscriptions are done with, in the order of positions, subscriptions and generations.</summary>
    /// <param name="shard">The shard.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="first">The first position.</param>
    /// <param name="last">The last position.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    Task<IReadOnlyList<DeliveryRow>> ReadDeliveriesAsync(int shard, string topic, long first, long last, CancellationToken cancellationToken);

    /// <summary>Reads which flows wait for events, in the order in which they began to; those of one time by flow and ask.</summary>
    Task<IReadOnlyList<EventWaitRow>> ReadEventWaitsAsync(int shard, CancellationToken cancellationToken);
}

/// <summary>How much of a flow to read.</summary>
public enum FlowParts
{
    /// <summary>The flow's row alone.</summary>
    Row,

    /// <summary>The row and the first history row (the input).</summary>
    Start,

    /// <summary>The row and the last history row (the result, once the flow has ended).</summary>
    End,

    /// <summary>The row, the whole history and the back-offs.</summary>
    All,
}

/// <summary>What a store says of itself once it is open.</summary>
/// <param name="StoreId">A number made when the store was made; it goes along when the store is moved.</param>
/// <param name="ShardCount">How many shards it has.</param>
/// <param name="Durability">How a commit is made durable, in words, such as "fsync per commit".</param>
public sealed record StoreInfo(Guid StoreId, int ShardCount, string Durability);

/// <summary>A version of a flow type that open runs need.</summary>
/// <param name="Type">The flow type's durable name.</param>
/// <param name="Version">The version.</param>
/// <param name="Runs">How many runs are open on it.</param>
public readonly record struct OpenVersion(string Type, int Version, long Runs);

/// <summary>A flow that must be looked at, and when.</summary>
/// <param name="WakeAt">When; <see cref="FlowRow.Busy"/> for a flow that has work to do now.</param>
/// <param name="Run">The run's number.</param>
/// <param name="Key">The flow.</param>
public sealed record WakingFlow(DateTimeOffset WakeAt, long Run, FlowKey Key);

/// <summary>The store could not say what happened, or could not be opened.</summary>
public class StoreException : PerdureException
{
    /// <summary>Makes the exception.</summary>
    public StoreException(string code, string message, Exception? inner = null)
        : base(code, message, inner)
    {
    }
}
