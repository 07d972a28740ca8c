using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>Makes what was written durable, on a thread of its own: while the disk takes one group, the next one is being written.</summary>
/// <remarks>
/// <para>
/// A commit of the writer appends to the log and does not wait for the disk (<c>synchronous = NORMAL</c>). Nobody hears of it before
/// a sync that began after it has ended. One sync serves all that was written before it. Once one has failed, nothing more is durable.
/// </para>
/// <para>
/// An open file reports a failed write to one sync only, so two that overlap could each take the other's failure for their success. The
/// ones here and those of the writer's checkpoints never overlap. The one exception is SQLite's own: a commit that starts the log over syncs
/// its new header. Then all that waits for a sync here has been copied into the file and synced there, so whichever of the two meets a failure, what the
/// other one answers for is durable.
/// </para>
/// </remarks>
internal sealed class WalSync
{
    /// <summary>How many small writes in a row, each begun when all before it had been told, make a writer that works alone.</summary>
    private const int AloneMin = 8;

    private readonly WorkQueue<(long Write, Action<StoreException?> Then)> _writes = new();
    private readonly Action _sync;
    private readonly Func<StoreException?> _failure;
    private readonly Action<SqliteFailure> _close;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _syncing = new();
    private long _begun;
    private long _told;
    private int _alone;
    private long _durable;

    /// <param name="sync">Syncs the log, or throws.</param>
    /// <param name="failure">Why the store is closed, or null.</param>
    /// <param name="close">Closes the store: whatever the failure is, nobody can know what reached the disk.</param>
    public WalSync(Action sync, Func<StoreException?> failure, Action<SqliteFailure> close)
    {
        _sync = sync;
        _failure = failure;
        _close = close;
        new Thread(Run) { IsBackground = true, Name = "perdure-sqlite-sync" }.Start();
    }

    /// <summary>Whether all that anyone can read is durable.</summary>
    private bool IsCaughtUp => Volatile.Read(ref _durable) == Volatile.Read(ref _begun); // in this order: what began since is in the second

    /// <summary>Says that a write begins: from now on, what is read may not be durable yet.</summary>
    public void BeginWrite() => Volatile.Write(ref _begun, _begun + 1);

    /// <summary>Says that the write has ended, well or not, and what follows once it is durable.</summary>
    /// <param name="then">Follows on this thread, or on the one that syncs.</param>
    /// <param name="isSmall">Whether a writer that works alone would write as little. After some of them, each answered before the next began, the caller's thread syncs.</param>
    public void EndWrite(Action<StoreException?> then, bool isSmall)
    {
        _alone = isSmall && Volatile.Read(ref _told) == _begun - 1 ? _alone + 1 : 0;
        if (_alone > AloneMin)
        {
            Sync(_begun);
            Tell(_begun, then, _failure());
        }
        else
        {
            _writes.TryAdd((_begun, then));
        }
    }

    /// <summary>Waits until all that could be read before this call is durable. From any thread.</summary>
    /// <exception cref="StoreException">It may never be: a sync has failed.</exception>
    public Task CaughtUpAsync() => IsCaughtUp ? Task.CompletedTask : WaitAsync();

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
                _close(failure);
            }
        }
    }

    /// <summary>Syncs what was written, then ends the thread.</summary>
    public Task EndAsync()
    {
        _writes.Close();
        return _ended.Task;
    }

    /// <summary>Tells of a write. Whoever hears of it may write at once.</summary>
    private void Tell(long write, Action<StoreException?> then, StoreException? failed)
    {
        Volatile.Write(ref _told, Math.Max(_told, write));
        then(failed);
    }

    private void Sync(long write) => BetweenSyncs(() =>
    {
        if (_failure() is null)
        {
            _sync();
            Volatile.Write(ref _durable, Math.Max(_durable, write));
        }
    });

    private async Task WaitAsync()
    {
        TaskCompletionSource<StoreException?> synced = new(TaskCreationOptions.RunContinuationsAsynchronously);
        StoreException? failed;
        if (_writes.TryAdd((0, synced.SetResult)))
        {
            failed = await synced.Task.ConfigureAwait(false);
        }
        else
        {
            await _ended.Task.ConfigureAwait(false); // the last sync was for all that was written
            failed = IsCaughtUp ? null : _failure();
        }

        if (failed is not null)
        {
            throw failed;
        }
    }

    private void Run()
    {
        List<(long Write, Action<StoreException?> Then)> written = [];
        while (_writes.Take(ref written))
        {
            Sync(written.Max(static w => w.Write));
            StoreException? failed = _failure();
            written.ForEach(write => Tell(write.Write, write.Then, failed));
        }

        _ended.SetResult();
    }
}
