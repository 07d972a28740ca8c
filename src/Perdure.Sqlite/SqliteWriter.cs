using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>The connection that writes, used by one caller at a time, on the caller's thread.</summary>
/// <remarks>
/// What a write came to is told once it is durable, by <see cref="WalSync"/>'s thread. So a caller may build its next group while the disk
/// takes the last one, and a group costs one switch of threads on its way to the disk. Who has worked alone for a while syncs for himself, and saves that one, too.
/// </remarks>
internal sealed class SqliteWriter : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly StoreFile _file;
    private readonly SqliteStoreOptions _options;
    private readonly Action<Action>? _aroundSync;
    private SqliteConnection? _connection;
    private GroupCommit? _commit;
    private Checkpointer? _checkpointer;
    private WalLimit? _walLimit;
    private WalSync? _sync;
    private StoreSchema? _schema;
    private volatile StoreException? _failure;
    private Task? _closing;

    /// <param name="file">The store's file.</param>
    /// <param name="options">How memory and disk are used.</param>
    /// <param name="aroundSync">Stands around every sync of the log; null in production.</param>
    public SqliteWriter(StoreFile file, SqliteStoreOptions options, Action<Action>? aroundSync = null)
    {
        _file = file;
        _options = options;
        _aroundSync = aroundSync;
    }

    /// <summary>Why nothing may be written or read any more; null while all is well.</summary>
    public StoreException? Failure => _failure;

    /// <summary>Waits until all that can be read now is durable.</summary>
    public Task CaughtUpAsync() => _sync?.CaughtUpAsync() ?? Task.CompletedTask;

    public Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, Action placed, CancellationToken cancellationToken) =>
        WriteAsync<IReadOnlyList<CommitAnswer>>(() => Commit(batches, placed), IsSmall(batches), TaskCreationOptions.None, cancellationToken);

    public Task<T> ChangeShardsAsync<T>(Func<ShardTable, T> change, CancellationToken cancellationToken) =>
        WriteAsync(() => _commit!.Change(change), isSmall: false, TaskCreationOptions.RunContinuationsAsynchronously, cancellationToken);

    /// <summary>Waits until what was written is durable, then closes the file. Nothing is written from this call on.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            return new ValueTask(_closing ??= CloseAsync());
        }
    }

    private async Task CloseAsync()
    {
        if (_sync is { } sync)
        {
            // Not on this thread: it has the lock, which the checkpointer may wait for.
            await sync.EndAsync().ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        }

        _checkpointer?.Dispose();
        Close();
    }

    private CommitAnswer[] Commit(IReadOnlyList<ShardBatch> batches, Action placed)
    {
        CommitAnswer[] answers = _commit!.Commit(batches);
        if (answers.Length > 0 && answers[0].Outcome == CommitOutcome.Committed)
        {
            placed();
        }

        return answers;
    }

    /// <summary>Whether a group is one that a single client, who waits for each answer, has caused.</summary>
    private static bool IsSmall(IReadOnlyList<ShardBatch> batches) =>
        batches.Count == 1 && batches[0] is { History.Count: <= 1, NewJobs.Count: <= 1, EndedJobs.Count: <= 1, NewEvents.Count: <= 1 };

    private Task<T> WriteAsync<T>(Func<T> work, bool isSmall, TaskCreationOptions options, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            if (_closing is not null || _sync is not { } sync)
            {
                return Task.FromException<T>(_failure ?? _file.Closed());
            }

            sync.BeginWrite();
            Write<T> write = new(options, cancellationToken);
            write.Run(this, work);
            sync.EndWrite(write.End, isSmall);
            KeepWalInLimit(mayWait: true);
            return write.Task;
        }
    }

    private void KeepWalInLimit(bool mayWait)
    {
        if (_failure is null && _closing is null)
        {
            _walLimit?.Keep(mayWait);
        }
    }

    /// <exception cref="StoreException">It cannot be opened, and is closed again.</exception>
    public StoreInfo Open(int shardCount, Guid newStoreId)
    {
        try
        {
            _file.Lock();
            SqliteConnection connection = _connection = new SqliteConnection(_file.Path, create: true, StoreConnection.BusyTimeout);
            StoreSchema schema = new(_file, connection);
            int version = schema.Inspect();
            StoreConnection.ConfigureWriter(_file, connection, _options);
            schema.Migrate(version, shardCount, newStoreId);
            _schema = schema;
            int stored = (int)connection.QueryNumber("SELECT value FROM meta WHERE name = 'shard_count'");
            Guid storeId = Guid.ParseExact(connection.QueryText("SELECT value FROM meta WHERE name = 'store_id'") ?? "", "N");
            _commit = new GroupCommit(_file, connection, new ShardTable(connection));
            _checkpointer = new Checkpointer(StoreConnection.Open(_file), AfterPass);
            long pageBytes = connection.QueryNumber("PRAGMA page_size");
            connection.FindWal();
            _sync = new WalSync(SyncWal, () => _failure, LoseTrack);
            _walLimit = new WalLimit(connection, _checkpointer, _sync, _options.WalBytesMax, pageBytes);
            return new StoreInfo(storeId, stored, "fsync before each answer");
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

    private void SyncWal()
    {
        if (_aroundSync is { } around)
        {
            around(_connection!.SyncWal);
        }
        else
        {
            _connection!.SyncWal();
        }
    }

    /// <summary>The checkpointer's thread never waits for the lock: who has it may wait for the checkpointer's next pass, and looks after its write anyway.</summary>
    private void AfterPass()
    {
        if (_lock.TryEnter())
        {
            try
            {
                KeepWalInLimit(mayWait: false);
            }
            finally
            {
                _lock.Exit();
            }
        }
    }

    private void Close()
    {
        try
        {
            if (_failure is null)
            {
                _schema?.ClearOwner();
            }
            else
            {
                _connection?.LeaveWalOnClose();
            }
        }
        catch (SqliteFailure)
        {
            // Who had the store open last is for messages only.
        }

        _connection?.Dispose();
        _file.Dispose();
        (_schema, _connection) = (null, null);
    }

    /// <summary>Turns a failure into what the caller is told; one after which nothing may go on closes the store.</summary>
    private StoreException Fail(SqliteFailure failure)
    {
        StoreException explained = _file.Explain(failure);
        if (!GroupCommit.MayPass(failure))
        {
            _failure = explained;
        }

        return explained;
    }

    /// <summary>Closes the store: nobody can know what reached the disk, whatever kind of failure it was.</summary>
    private void LoseTrack(SqliteFailure failure) => _failure = GroupCommit.MayPass(failure) ? _file.Failed(failure.Message, failure) : _file.Explain(failure);

    /// <summary>One write: what it came to, told when it is durable.</summary>
    private sealed class Write<T>(TaskCreationOptions options, CancellationToken cancellationToken)
    {
        private readonly TaskCompletionSource<T> _done = new(options);
        private T? _result;
        private Exception? _exception;

        public Task<T> Task => _done.Task;

        public void Run(SqliteWriter writer, Func<T> work)
        {
            try
            {
                if (writer._failure is null)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    _result = work();
                }
            }
            catch (SqliteFailure failure)
            {
                _exception = writer.Fail(failure);
            }
#pragma warning disable CA1031 // Whatever it is, it is the caller's to know, with what else the write's end tells.
            catch (Exception e)
#pragma warning restore CA1031
            {
                _exception = e;
            }
        }

        public void End(StoreException? failed)
        {
            if ((_exception ?? failed) is not { } exception)
            {
                _done.SetResult(_result!);
            }
            else if (exception is OperationCanceledException)
            {
                _done.SetCanceled(cancellationToken);
            }
            else
            {
                _done.SetException(exception);
            }
        }
    }
}
