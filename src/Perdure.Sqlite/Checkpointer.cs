using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>Copies the log's pages into the file on a thread of its own, so that commits need not wait for it.</summary>
/// <remarks>
/// A pass cannot catch up with a writer that goes on, and the log starts over only when all of it has been copied. So a
/// pass here does the bulk, and the writer's connection copies the few pages that came meanwhile, between two commits.
/// </remarks>
internal sealed class Checkpointer : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Action _onPassEnded;
    private readonly AutoResetEvent _due = new(initialState: false);
    private readonly ManualResetEventSlim _idle = new(initialState: true);
    private readonly Thread _thread;
    private volatile bool _isStopping;
    private volatile SqliteFailure? _failure;

    public Checkpointer(SqliteConnection connection, Action onPassEnded)
    {
        _connection = connection;
        _onPassEnded = onPassEnded;
        _thread = new Thread(Run) { IsBackground = true, Name = "perdure-sqlite-checkpoint" };
        _thread.Start();
    }

    public bool IsIdle => _idle.IsSet;

    public void Start()
    {
        _idle.Reset();
        _due.Set();
    }

    /// <summary>Waits for the end of a pass.</summary>
    /// <returns>Why it failed, or null.</returns>
    public SqliteFailure? End()
    {
        _idle.Wait();
        SqliteFailure? failure = _failure;
        _failure = null;
        return failure;
    }

    public void Dispose()
    {
        _isStopping = true;
        _due.Set();
        _thread.Join();
        _connection.Dispose();
        _due.Dispose();
        _idle.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            _due.WaitOne();
            if (_isStopping)
            {
                _idle.Set();
                return;
            }

            try
            {
                // The first pass takes long, the second only as long as what was committed during the first.
                _connection.CheckpointPassively();
                _connection.CheckpointPassively();
            }
            catch (SqliteFailure failure)
            {
                _failure = failure;
            }

            _idle.Set();
            _onPassEnded();
        }
    }
}
