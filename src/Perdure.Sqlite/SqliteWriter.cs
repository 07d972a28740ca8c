using System.Collections.Concurrent;
using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>The one thread that writes: it owns the write connection and does what it is told in order.</summary>
/// <remarks>
/// A commit's continuation runs on this thread, so that the next group is queued before the thread looks for it. Queueing never
/// runs anything, so continuations that commit again do not pile up on the stack.
/// </remarks>
internal sealed class SqliteWriter : IAsyncDisposable
{
    private readonly BlockingCollection<Order> _orders = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly StoreFile _file;
    private readonly SqliteStoreOptions _options;
    private SqliteConnection? _connection;
    private GroupCommit? _commit;
    private Checkpointer? _checkpointer;
    private WalLimit? _walLimit;
    private StoreSchema? _schema;
    private volatile StoreException? _failure;

    public SqliteWriter(StoreFile file, SqliteStoreOptions options)
    {
        _file = file;
        _options = options;
        new Thread(Run) { IsBackground = true, Name = "perdure-sqlite-write" }.Start();
    }

    /// <summary>Why nothing may be written or read any more; null while all is well.</summary>
    public StoreException? Failure => _failure;

    public Task<StoreInfo> OpenAsync(int shardCount) =>
        Queue(() => Open(shardCount), TaskCreationOptions.RunContinuationsAsynchronously, CancellationToken.None);

    public Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken) =>
        Queue<IReadOnlyList<CommitAnswer>>(() => _commit!.Commit(batches), TaskCreationOptions.None, cancellationToken);

    public Task<T> ChangeShardsAsync<T>(Func<ShardTable, T> change, CancellationToken cancellationToken) =>
        Queue(() => _commit!.Change(change), TaskCreationOptions.RunContinuationsAsynchronously, cancellationToken);

    /// <summary>Does what was queued, then closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _orders.CompleteAdding();
        await _ended.Task.ConfigureAwait(false);
    }

    private Task<T> Queue<T>(Func<T> work, TaskCreationOptions options, CancellationToken cancellationToken)
    {
        Order<T> order = new(this, work, options, cancellationToken);
        return TryQueue(order) ? order.Task : Task.FromException<T>(_failure ?? _file.Closed());
    }

    private bool TryQueue(Order order)
    {
        try
        {
            _orders.Add(order);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false; // Closed between the caller's look and here.
        }
    }

    private void Run()
    {
        foreach (Order order in _orders.GetConsumingEnumerable())
        {
            order.Run();
            try
            {
                if (_failure is null)
                {
                    _walLimit?.Keep();
                }
            }
            catch (SqliteFailure failure)
            {
                Fail(failure);
            }
        }

        Close();
        _ended.SetResult();
    }

    private StoreInfo Open(int shardCount)
    {
        try
        {
            _file.Lock();
            SqliteConnection connection = _connection = new SqliteConnection(_file.Path, create: true, StoreConnection.BusyTimeout);
            StoreSchema schema = new(_file, connection);
            int version = schema.Inspect();
            StoreConnection.ConfigureWriter(_file, connection, _options);
            schema.Migrate(version, shardCount);
            _schema = schema;
            int stored = (int)connection.QueryNumber("SELECT value FROM meta WHERE name = 'shard_count'");
            Guid storeId = Guid.ParseExact(connection.QueryText("SELECT value FROM meta WHERE name = 'store_id'") ?? "", "N");
            _commit = new GroupCommit(_file, connection, new ShardTable(connection, stored));
            _checkpointer = new Checkpointer(StoreConnection.Open(_file), () => TryQueue(Order.Nothing));
            _walLimit = new WalLimit(connection, _checkpointer, _options.WalBytesMax, connection.QueryNumber("PRAGMA page_size"));
            return new StoreInfo(storeId, stored, "fsync per commit");
        }
        catch (SqliteFailure failure)
        {
            Close();
            throw failure.Code == ResultCode.Error ? _file.Damaged(failure.Message, failure) : _file.Explain(failure);
        }
        catch (FormatException e)
        {
            Close();
            throw _file.Damaged("its number (meta, store_id) is missing or no number", e);
        }
        catch (StoreException)
        {
            Close();
            throw;
        }
    }

    private void Close()
    {
        _checkpointer?.Dispose();
        _walLimit = null;
        try
        {
            if (_failure is null)
            {
                _schema?.ClearOwner();
            }
        }
        catch (SqliteFailure)
        {
            // Who had the store open last is for messages only.
        }

        _connection?.Dispose();
        _file.Dispose();
        (_checkpointer, _schema, _connection) = (null, null, null);
    }

    /// <summary>Turns a failure into what the caller is told; one after which nothing may go on closes the store.</summary>
    private StoreException Fail(SqliteFailure failure)
    {
        StoreException explained = _file.Explain(failure);
        if (!GroupCommit.MayPass(failure))
        {
            _failure = explained;
            _connection?.LeaveWalOnClose();
        }

        return explained;
    }

    private abstract class Order
    {
        /// <summary>Wakes the thread so that it looks after the log.</summary>
        public static Order Nothing { get; } = new NoOrder();

        public abstract void Run();

        private sealed class NoOrder : Order
        {
            public override void Run()
            {
            }
        }
    }

    private sealed class Order<T>(SqliteWriter writer, Func<T> work, TaskCreationOptions options, CancellationToken cancellationToken) : Order
    {
        private readonly TaskCompletionSource<T> _done = new(options);

        public Task<T> Task => _done.Task;

        public override void Run()
        {
            if (writer._failure is { } failed)
            {
                _done.SetException(failed);
                return;
            }

            if (cancellationToken.IsCancellationRequested)
            {
                _done.SetCanceled(cancellationToken);
                return;
            }

            T result;
            try
            {
                result = work();
            }
            catch (SqliteFailure failure)
            {
                _done.SetException(writer.Fail(failure));
                return;
            }
#pragma warning disable CA1031 // Whatever it is, it is the caller's to know, and the thread goes on for the others.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _done.SetException(e);
                return;
            }

            _done.SetResult(result);
        }
    }
}
