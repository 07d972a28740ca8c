using System.Runtime.CompilerServices;
using Npgsql;
using Perdure.Postgres.Nodes;
using Perdure.Postgres.Reading;
using Perdure.Postgres.Writing;
using Perdure.Storage;

namespace Perdure.Postgres;

/// <summary>A store in a PostgreSQL database.</summary>
/// <remarks>
/// Whoever takes a shard fences the one who had it before, so two processes on one store do each other no harm. A call that cannot reach the server says so
/// at once, and the next one tries again: a server that is restarted is found by itself.
/// </remarks>
public sealed class PostgresStore : ISharedStore, IStoreTarget
{
    private const int PageRows = 256;

    private readonly PostgresStoreOptions _options;
    private readonly Database _database;
    private readonly GroupCommit _commit;
    private readonly ShardTable _shards;
    private readonly NodeTable _nodes;
    private readonly WakeUps _wakeUps;
    private readonly Reads _reads;
    private readonly FlowReader _flows;
    private readonly FlowLister _flowLists;
    private readonly JobReader _jobs;
    private readonly EventReader _events;
    private bool _isOpen;

    /// <summary>Makes a store that is not open yet.</summary>
    /// <param name="connectionString">Where the database is, as Npgsql reads it.</param>
    /// <param name="options">How the database is used; null for the defaults.</param>
    public PostgresStore(string connectionString, PostgresStoreOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        _options = options ?? new PostgresStoreOptions();
        _options.Check();
        _database = new Database(connectionString, _options);
        _commit = new GroupCommit(_database);
        _shards = new ShardTable(_database);
        _nodes = new NodeTable(_database);
        _wakeUps = new WakeUps(_database);
        _reads = new Reads(_database, _options.Readers);
        _flows = new FlowReader(_reads);
        _flowLists = new FlowLister(_reads);
        _jobs = new JobReader(_reads);
        _events = new EventReader(_reads);
    }

    /// <summary>The name of the store's schema, quoted for SQL.</summary>
    internal string Schema => _database.Schema;

    /// <inheritdoc/>
    public Task<StoreInfo> OpenAsync(int shardCount, CancellationToken cancellationToken) => OpenNewAsync(Guid.NewGuid(), shardCount, cancellationToken);

    /// <inheritdoc/>
    public async Task<StoreInfo> OpenNewAsync(Guid storeId, int shardCount, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(shardCount, 1);
        try
        {
            NpgsqlConnection connection = await _database.OpenWriterAsync(cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                StoreInfo info = await new StoreSchema(_database, _options).OpenAsync(connection, storeId, shardCount, cancellationToken).ConfigureAwait(false);
                _isOpen = true;
                return info;
            }
        }
        catch (NpgsqlException e)
        {
            throw Failure.Unreachable(_database, e);
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(shards);
        RequireOpen();
        return _shards.TakeAsync(node: null, shards, token, cancellationToken);
    }

    /// <inheritdoc/>
    public Task ReleaseShardsAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(leases);
        RequireOpen();
        return _shards.ReleaseAsync(leases, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(batches);
        RequireOpen();
        return cancellationToken.IsCancellationRequested
            ? Task.FromCanceled<IReadOnlyList<CommitAnswer>>(cancellationToken)
            : _commit.CommitAsync(batches);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredFlow?>> ReadFlowsAsync(IReadOnlyList<FlowKey> keys, FlowParts parts, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(keys);
        return await Open(_flows).ReadAsync(keys, parts, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<WakingFlow>> ReadWakingAsync(int shard, WakingFlow? after, DateTimeOffset until, int limit, CancellationToken cancellationToken) =>
        Open(_flows).ReadWakingAsync(shard, after, until, Math.Max(0, limit), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<InboxRow>> ReadInboxAsync(int shard, CancellationToken cancellationToken) => Open(_flows).ReadInboxesAsync([shard], cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Rows are read in pages, each in a transaction of its own: a slow caller keeps no old rows alive.</remarks>
    public IAsyncEnumerable<FlowRow> ListAsync(FlowFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return PagesAsync((before, rows) => Open(_flowLists).ListAsync(filter, before, rows, cancellationToken), long.MaxValue, row => row.Run, filter.Limit ?? int.MaxValue, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return Open(_flowLists).CountAsync(filter, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<OpenVersion>> ReadOpenVersionsAsync(CancellationToken cancellationToken) => Open(_flows).ReadOpenVersionsAsync(cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<JobRow>> ReadJobsAsync(int shard, long after, int limit, CancellationToken cancellationToken) =>
        Open(_jobs).ReadJobsAsync(shard, after, Math.Max(0, limit), cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<byte[]?>> ReadPayloadsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return Open(_jobs).ReadPayloadsAsync(shard, numbers, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<JobEndRow?>> ReadJobEndsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(numbers);
        return Open(_jobs).ReadEndsAsync(shard, numbers, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<long>> ReadForgettableAsync(int shard, DateTimeOffset until, int limit, CancellationToken cancellationToken) =>
        Open(_jobs).ReadForgettableAsync(shard, until, Math.Max(0, limit), cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Rows are read in pages, each in a transaction of its own: a slow caller keeps no old rows alive.</remarks>
    public IAsyncEnumerable<JobRow> ListJobsAsync(JobFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return PagesAsync((before, rows) => Open(_jobs).ListAsync(filter, before, rows, cancellationToken), long.MaxValue, row => row.Number, filter.Limit, cancellationToken);
    }

    /// <inheritdoc/>
    /// <remarks>Rows are read in pages, each in a transaction of its own: a slow caller keeps no old rows alive.</remarks>
    public IAsyncEnumerable<JobEndRow> ListJobEndsAsync(JobFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return PagesAsync((before, rows) => Open(_jobs).ListEndsAsync(filter, before, rows, cancellationToken), long.MaxValue, row => row.Number, filter.Limit, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<MemoRow>> ReadMemosAsync(int shard, CancellationToken cancellationToken) => Open(_jobs).ReadMemosAsync(shard, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<TopicRange>> ReadTopicsAsync(int shard, CancellationToken cancellationToken) => Open(_events).ReadTopicsAsync(shard, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<EventRow>> ReadEventsAsync(int shard, string topic, long after, int limit, CancellationToken cancellationToken) =>
        Open(_events).ReadEventsAsync(shard, topic, after, Math.Max(0, limit), cancellationToken);

    /// <inheritdoc/>
    /// <remarks>Rows are read in pages, each in a transaction of its own: a slow caller keeps no old rows alive.</remarks>
    public IAsyncEnumerable<EventRow> ListEventsAsync(EventFilter filter, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return PagesAsync((before, rows) => Open(_events).ListAsync(filter, before, rows, cancellationToken), EventKey.End, EventReader.KeyOf, filter.Limit, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<DeliveryRow>> ReadDeliveriesAsync(int shard, string topic, long first, long last, CancellationToken cancellationToken) =>
        Open(_events).ReadDeliveriesAsync(shard, topic, first, last, cancellationToken);

    /// <inheritdoc/>
    public Task<IReadOnlyList<EventWaitRow>> ReadEventWaitsAsync(int shard, CancellationToken cancellationToken) => Open(_events).ReadWaitsAsync(shard, cancellationToken);

    /// <inheritdoc/>
    public Task<NodeLease> JoinAsync(string name, TimeSpan lease, CancellationToken cancellationToken) => Open(_nodes).JoinAsync(name, lease, cancellationToken);

    /// <inheritdoc/>
    public Task<ClusterView?> BeatAsync(NodeLease node, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(node);
        return Open(_nodes).BeatAsync(node, cancellationToken);
    }

    /// <inheritdoc/>
    public Task LeaveAsync(NodeLease node, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(node);
        return Open(_nodes).LeaveAsync(node, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(NodeLease node, IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(shards);
        return Open(_shards).TakeAsync(node.Node, shards, token, cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<InboxRow>> ReadInboxesAsync(IReadOnlyList<int> shards, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(shards);
        return Open(_flows).ReadInboxesAsync(shards, cancellationToken);
    }

    /// <inheritdoc/>
    public void Wake(long node, IReadOnlyCollection<int> shards)
    {
        ArgumentNullException.ThrowIfNull(shards);
        Open(_wakeUps).Send(node, shards);
    }

    /// <inheritdoc/>
    public IDisposable Listen(NodeLease node, Action<IReadOnlyList<int>> mail)
    {
        ArgumentNullException.ThrowIfNull(node);
        ArgumentNullException.ThrowIfNull(mail);
        return Open(_wakeUps).Listen(node.Node, mail);
    }

    /// <summary>Closes the connections. Later calls throw.</summary>
    public async ValueTask DisposeAsync()
    {
        _isOpen = false;
        await _wakeUps.DisposeAsync().ConfigureAwait(false);
        await _database.DisposeAsync().ConfigureAwait(false);
        _reads.Dispose();
    }

    /// <summary>Reads rows before an end, the newest first, until there are no more.</summary>
    private static async IAsyncEnumerable<T> PagesAsync<T, TPlace>(
        Func<TPlace, int, Task<List<T>>> readAsync, TPlace end, Func<T, TPlace> placeOf, int limit, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        TPlace before = end;
        int left = Math.Max(0, limit);
        while (left > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int asked = Math.Min(left, PageRows);
            List<T> page = await readAsync(before, asked).ConfigureAwait(false);
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

    private T Open<T>(T part)
    {
        RequireOpen();
        return part;
    }

    private void RequireOpen()
    {
        if (!_isOpen)
        {
            throw new InvalidOperationException("The store is not open: call OpenAsync first.");
        }
    }
}
