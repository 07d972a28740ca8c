using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>Keeps the log within its limit: decides when a <see cref="Checkpointer"/> copies, and finishes its work between two writes.</summary>
internal sealed class WalLimit
{
    private readonly SqliteConnection _connection;
    private readonly Checkpointer _checkpointer;
    private readonly WalSync _sync;
    private readonly int _framesMax;
    private readonly int _framesToStart;
    private bool _isCopying;
    private int _finishedAt;

    public WalLimit(SqliteConnection connection, Checkpointer checkpointer, WalSync sync, long walBytesMax, long pageBytes)
    {
        _connection = connection;
        _checkpointer = checkpointer;
        _sync = sync;
        _framesMax = (int)Math.Min(int.MaxValue, walBytesMax / pageBytes);
        _framesToStart = Math.Max(1, _framesMax / 4);
    }

    /// <summary>Call it after each commit and after each pass of the checkpointer.</summary>
    /// <param name="mayWait">Whether a full log waits for the pass that is under way. The checkpointer's thread must not: by the time it comes here the next pass, its own, may be due.</param>
    public void Keep(bool mayWait)
    {
        int frames = _connection.WalFrames;
        if (_isCopying)
        {
            if (_checkpointer.IsIdle || (mayWait && frames >= _framesMax))
            {
                _sync.BetweenSyncs(() => Finish(frames));
            }

            return;
        }

        if (frames < _finishedAt)
        {
            _finishedAt = 0; // The log has started over. Where a reader kept it from that, the next pass waits for as many pages again.
        }

        if (frames >= _finishedAt + _framesToStart)
        {
            _isCopying = true;
            _checkpointer.Start();
        }
    }

    private void Finish(int frames)
    {
        _isCopying = false;
        _finishedAt = frames;
        if (_checkpointer.End() is { } failure && !GroupCommit.MayPass(failure))
        {
            throw failure;
        }

        try
        {
            _connection.CheckpointPassively();
        }
        catch (SqliteFailure failed) when (GroupCommit.MayPass(failed))
        {
            // A full disk: the log keeps what could not be copied, and the next pass tries again.
        }
    }
}
