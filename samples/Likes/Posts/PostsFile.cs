using Microsoft.Data.Sqlite;

namespace Likes.Posts;

/// <summary>An SQLite file. Calls that come while one commits share the next commit.</summary>
internal sealed class PostsFile : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly Lock _lock = new();
    private List<ICall> _waiting = [];
    private Task _writing = Task.CompletedTask;

    public PostsFile(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        _connection.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000");
        _connection.Execute("""
            CREATE TABLE IF NOT EXISTS post (id TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID;
            CREATE TABLE IF NOT EXISTS likes (
              user_id   TEXT NOT NULL,
              post_id   TEXT NOT NULL,
              liked     INTEGER NOT NULL,
              before    INTEGER NOT NULL,              -- what liked was before the last write, to take it back
              seq       INTEGER NOT NULL,              -- the client's, of the last write
              operation TEXT NOT NULL,                 -- which wrote last
              PRIMARY KEY (user_id, post_id)) WITHOUT ROWID;
            CREATE INDEX IF NOT EXISTS likes_of_post ON likes (post_id) WHERE liked;
            CREATE TABLE IF NOT EXISTS cancelled (operation TEXT PRIMARY KEY) WITHOUT ROWID;
            """);
        if (_connection.Scalar<long>("SELECT count(*) FROM post") == 0)
        {
            _connection.Execute("""
                INSERT INTO post VALUES
                  ('1', 'A lighthouse at noon'), ('2', 'The last loaf of the day'), ('3', 'Rain, seen from a tram'),
                  ('4', 'A letter that took nine years'), ('5', 'How to fold a map')
                """);
        }
    }

    /// <summary>Runs statements in a transaction. What is given up before its turn does not run; what has begun is committed.</summary>
    /// <param name="work">Changes nothing if it throws.</param>
    /// <param name="cancellationToken">Gives it up.</param>
    public Task<T> RunAsync<T>(Func<SqliteConnection, T> work, CancellationToken cancellationToken)
    {
        var call = new Call<T>(work, cancellationToken);
        lock (_lock)
        {
            _waiting.Add(call);
            if (_writing.IsCompleted)
            {
                _writing = Task.Run(WriteAll, CancellationToken.None);
            }
        }

        return call.Task;
    }

    public void Dispose()
    {
        _writing.Wait();        // for calls that are under way
        _connection.Dispose();
    }

    private void WriteAll()
    {
        while (true)
        {
            List<ICall> calls;
            lock (_lock)
            {
                if (_waiting.Count == 0)
                {
                    _writing = Task.CompletedTask;
                    return;
                }

                (calls, _waiting) = (_waiting, []);
            }

            try
            {
                using SqliteTransaction transaction = _connection.BeginTransaction();
                calls.ForEach(c => c.Run(_connection));
                transaction.Commit();
                calls.ForEach(c => c.Answer());
            }
            catch (SqliteException e)
            {
                calls.ForEach(c => c.Fail(e));
            }
        }
    }

    private interface ICall
    {
        void Run(SqliteConnection db);

        void Answer();

        void Fail(Exception error);
    }

    private sealed class Call<T>(Func<SqliteConnection, T> work, CancellationToken cancellationToken) : ICall
    {
        private readonly TaskCompletionSource<T> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;
        private Exception? _error;

        public Task<T> Task => _answer.Task;

        public void Run(SqliteConnection db)
        {
            try
            {
                cancellationToken.ThrowIfCancellationRequested();
                _result = work(db);
            }
            catch (Exception e) when (e is not SqliteException)
            {
                _error = e;
            }
        }

        public void Answer()
        {
            if (_error is null)
            {
                _answer.TrySetResult(_result!);
            }
            else
            {
                _answer.TrySetException(_error);
            }
        }

        public void Fail(Exception error) => _answer.TrySetException(error);
    }
}
