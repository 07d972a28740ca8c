using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>Makes what was written durable, on a thread of its own: while the disk takes one group, the next one is being written.</summary>
/// <remarks>
/// A commit of the writer appends to the log and does not wait for the disk (<c>synchronous = NORMAL</c>). Nobody hears of it before
/// a sync that began after it has ended. One sync serves all that was written before it, and syncs never overlap: a file reports
/// a failed write to one of them only. Once one has failed, nothing more is durable.
/// </remarks>
internal sealed class WalSync
{
    private readonly WorkQueue<(long Write, Action<StoreException?> Then)> _writes = new();
    private readonly SqliteConnection _connection;
    private readonly Func<StoreException?> _failure;
    private readonly Action<SqliteFailure> _fail;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _syncing = new();
    private long _begun;
    private long _durable;

    /// <param name="connection">The writer's.</param>
    /// <param name="failure">Why the store is closed, or null.</param>
    /// <param name="fail">Closes the store.</param>
    public WalSync(SqliteConnection connection, Func<StoreException?> failure, Action<SqliteFailure> fail)
    {
        _connection = connection;
        connection.FindWal();
        _failure = failure;
        _fail = fail;
        new Thread(Run) { IsBackground = true, Name = "perdure-sqlite-sync" }.Start();
    }

    /// <summary>Whether all that anyone can read is durable.</summary>
    public bool IsCaughtUp => Volatile.Read(ref _durable) == Volatile.Read(ref _begun);

    /// <summary>Says that a write begins: from now on, what is read may not be durable yet.</summary>
    public void BeginWrite() => Volatile.Write(ref _begun, _begun + 1);

    /// <summary>Says that the write has ended, well or not, and what follows once it is durable.</summary>
    public void EndWrite(Action<StoreException?> then) => _writes.TryAdd((_begun, then));

    /// <summary>Does what syncs the log, too, while this does not; a failure closes the store.</summary>
    public void BetweenSyncs(Action work)
    {
        lock (_syncing)
        {
            try
            {
                work();
            }
            catch (SqliteFailure failure)
            {
                _fail(failure);
            }
        }
    }

    /// <summary>Syncs what was written, then ends the thread.</summary>
    public Task EndAsync()
    {
        _writes.Close();
        return _ended.Task;
    }

    private void Run()
    {
        List<(long Write, Action<StoreException?> Then)> written = [];
        while (_writes.Take(ref written))
        {
            BetweenSyncs(() =>
            {
                if (_failure() is null)
                {
                    _connection.SyncWal();
                    Volatile.Write(ref _durable, written[^1].Write);
                }
            });

            StoreException? failed = _failure();
            written.ForEach(write => write.Then(failed));
        }

        _ended.SetResult();
    }
}
