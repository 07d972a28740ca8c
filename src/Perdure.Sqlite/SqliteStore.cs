using System.Runtime.CompilerServices;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>A store in one SQLite file.</summary>
/// <remarks>
/// One process at a time has it open; people may read the file with SQL tools meanwhile. A commit is written on the caller's thread, and answered
/// once it is on disk. The continuation of <see cref="CommitAsync(IReadOnlyList{ShardBatch}, CancellationToken)"/> runs on the thread that syncs, or on the caller's: it must be quick, and never block.
/// </remarks>
public sealed class SqliteStore : IStoreTarget
{
    private const int PageRows = 256;

    private readonly SqliteStoreOptions _options;
    private readonly StoreFile _file;
    private SqliteWriter? _writer;
    private SqliteReaders? _readers;

    /// <summary>Makes a store that is not open yet.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How memory and disk are used; null for the defaults.</param>
    public SqliteStore(string path, SqliteStoreOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        _options = options ?? new SqliteStoreOptions();
        _options.Check();
        _file = new StoreFile(path);
    }

    /// <summary>Stands around every sync of the log; null in production.</summary>
    internal Action<Action>? AroundSync { get; init; }

    private SqliteWriter Writer => _writer ?? throw NotOpen();

    private SqliteReaders Readers => _readers ?? throw NotOpen();

    /// <inheritdoc/>
    public Task<StoreInfo> OpenAsync(int shardCount, CancellationToken cancellationToken) => OpenNewAsync(Guid.NewGuid(), shardCount, cancellationToken);

    /// <inheritdoc/>
    public async Task<StoreInfo> OpenNewAsync(Guid storeId, int shardCount, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shardCount, 1);
        cancellationToken.ThrowIfCancellationRequested();
        SqliteWriter writer = new(_file, _options, AroundSync);
        if (Interlocked.CompareExchange(ref _writer, writer, null) is not null)
        {
            throw new InvalidOperationException("The store is open already.");
        }

        SqliteReaders readers = new(_file, writer);
        try
        {
            StoreInfo info = writer.Open(shardCount, storeId);
            readers.Open(_options.Readers);
            _readers = readers;
            return info;
        }
        catch
        {
            readers.Dispose();
            await writer.DisposeAsync().ConfigureAwait(false);
            _writer = null;
            throw;
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(shards);
        return Writer.ChangeShardsAsync<IReadOnlyList<ShardLease>>(
            table =>
            {
                foreach (int shard in shards)
                {
                    ArgumentOutOfRangeException.ThrowIfNegative(shard, nameof(shards));
                }

                return [.. shards.Select(shard => table.Take(shard, token))];
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task ReleaseShardsAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(leases);
        return Writer.ChangeShardsAsync(
            table =>
            {
                foreach (ShardLease lease in leases)
                {
                    table.Release(lease);
                }

                return leases.Count;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
        => CommitAsync(batches, static () => { }, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, Action placed, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batches);
        return Writer.CommitAsync(batches, placed, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredFlow?>> ReadFlowsAsync(IReadOnlyList<FlowKey> keys, FlowParts parts, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return Readers.ReadAsync<IReadOnlyList<StoredFlow?>>(
            reader => [.. keys.Select(key => reader.Flows.ReadFlow(key, parts))], cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<WakingFlow>> ReadWakingAsync(
        int shard, WakingFlow? after, DateTimeOffset until, int limit, CancellationToken cancellationToken)
    {
        return Readers.ReadAsync<IReadOnlyList<WakingFlow>>(
            reader => reader.Flows.ReadWaking(shard, after, until, Math.Max(0, limit)), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<InboxRow>> ReadInboxAsync(int shard, CancellationToken cancellationToken) =>
        Readers.ReadAsync<IReadOnlyList<InboxRow>>(reader => reader.Flows.ReadInbox(shard), cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Rows are read in pages, each in a transaction of its own: a slow caller keeps no old state of the file alive.</remarks>
    public IAsyncEnumerable<FlowRow> ListAsync(FlowFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return PagesAsync((reader, before, rows) => reader.Flows.List(filter, before, rows), long.MaxValue, row => row.Run, filter.Limit ?? int.MaxValue, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return Readers.ReadAsync(reader => reader.Flows.Count(filter), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<OpenVersion>> ReadOpenVersionsAsync(CancellationToken cancellationToken) =>
        Readers.ReadAsync<IReadOnlyList<OpenVersion>>(reader => reader.Flows.ReadOpenVersions(), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<JobRow>> ReadJobsAsync(int shard, long after, int limit, CancellationToken cancellationToken) =>
        Readers.ReadAsync<IReadOnlyList<JobRow>>(reader => reader.Jobs.ReadJobs(shard, after, Math.Max(0, limit)), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<byte[]?>> ReadPayloadsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return Readers.ReadAsync<IReadOnlyList<byte[]?>>(
            reader => [.. numbers.Select(number => reader.Jobs.ReadPayload(shard, number))], cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<JobEndRow?>> ReadJobEndsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return Readers.ReadAsync<IReadOnlyList<JobEndRow?>>(
            reader => [.. numbers.Select(number => reader.Jobs.ReadEnd(shard, number))], cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<long>> ReadForgettableAsync(int shard, DateTimeOffset until, int limit, CancellationToken cancellationToken) =>
        Readers.ReadAsync<IReadOnlyList<long>>(reader => reader.Jobs.ReadForgettable(shard, until, Math.Max(0, limit)), cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Rows are read in pages, each in a transaction of its own: a slow caller keeps no old state of the file alive.</remarks>
    public IAsyncEnumerable<JobRow> ListJobsAsync(JobFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return PagesAsync((reader, before, rows) => reader.Jobs.List(filter, before, rows), long.MaxValue, row => row.Number, filter.Limit, cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>Rows are read in pages, each in a transaction of its own: a slow caller keeps no old state of the file alive.</remarks>
    public IAsyncEnumerable<JobEndRow> ListJobEndsAsync(JobFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return PagesAsync((reader, before, rows) => reader.Jobs.ListEnds(filter, before, rows), long.MaxValue, row => row.Number, filter.Limit, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<MemoRow>> ReadMemosAsync(int shard, CancellationToken cancellationToken) =>
        Readers.ReadAsync<IReadOnlyList<MemoRow>>(reader => reader.Jobs.ReadMemos(shard), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<TopicRange>> ReadTopicsAsync(int shard, CancellationToken cancellationToken) =>
        Readers.ReadAsync<IReadOnlyList<TopicRange>>(reader => reader.Events.ReadTopics(shard), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<EventRow>> ReadEventsAsync(int shard, string topic, long after, int limit, CancellationToken cancellationToken) =>
        Readers.ReadAsync<IReadOnlyList<EventRow>>(reader => reader.Events.ReadEvents(shard, topic, after, Math.Max(0, limit)), cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Rows are read in pages, each in a transaction of its own: a slow caller keeps no old state of the file alive.</remarks>
    public IAsyncEnumerable<EventRow> ListEventsAsync(EventFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return PagesAsync((reader, before, rows) => reader.Events.List(filter, before, rows), EventKey.End, EventReader.KeyOf, filter.Limit, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<DeliveryRow>> ReadDeliveriesAsync(int shard, string topic, long first, long last, CancellationToken cancellationToken) =>
        Readers.ReadAsync<IReadOnlyList<DeliveryRow>>(reader => reader.Events.ReadDeliveries(shard, topic, first, last), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<EventWaitRow>> ReadEventWaitsAsync(int shard, CancellationToken cancellationToken) =>
        Readers.ReadAsync<IReadOnlyList<EventWaitRow>>(reader => reader.Events.ReadWaits(shard), cancellationToken);

    /// <summary>Finishes what was asked for, copies the log into the file, and gives the file back. Later calls throw.</summary>
    public async ValueTask DisposeAsync()
    {
        // The writer's connection must be the last to close: it copies the log into the file, and after a failure it must not.
        _readers?.Dispose();
        if (_writer is { } writer)
        {
            await writer.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Reads rows before an end, the newest first, until there are no more.</summary>
    private async IAsyncEnumerable<T> PagesAsync<T, TPlace>(
        Func<StoreReader, TPlace, int, List<T>> read, TPlace end, Func<T, TPlace> placeOf, int limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        TPlace before = end;
        int left = Math.Max(0, limit);
        while (left > 0)
        {
            int asked = Math.Min(left, PageRows);
            List<T> page = await Readers.ReadAsync(reader => read(reader, before, asked), cancellationToken).ConfigureAwait(false);
            foreach (T row in page)
            {
                yield return row;
            }

            if (page.Count < asked)
            {
                yield break;
            }

            before = placeOf(page[^1]);
            left -= asked;
        }
    }

    private static InvalidOperationException NotOpen() => new("The store is not open: call OpenAsync first.");
}
