using Microsoft.Data.Sqlite;

namespace Orders.Services;

/// <summary>Where the services keep their files, one each.</summary>
public sealed record DataFolder(string Path)
{
    public string File(string name) => System.IO.Path.Combine(Path, name + ".db");
}

/// <summary>
/// A service's own SQLite file: its tables, and every command that it executed, with the reply that it gave. Change and reply are one
/// transaction, so a command that comes again gets the same reply, and nothing is done twice.
/// </summary>
public sealed class ServiceFile : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SemaphoreSlim _oneAtATime = new(1, 1);

    public ServiceFile(string path, string schema)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        _connection.Open();
        _connection.Execute("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000");
        _connection.Execute("""
            CREATE TABLE IF NOT EXISTS command (
              order_id   TEXT NOT NULL,
              name       TEXT NOT NULL,
              refusal    TEXT,                         -- null: it was done
              at         INTEGER NOT NULL,             -- ticks: puts the commands of all services in order
              deliveries INTEGER NOT NULL DEFAULT 1,   -- how often it came
              PRIMARY KEY (order_id, name)) WITHOUT ROWID
            """);
        _connection.Execute(schema);
    }

    /// <summary>Fills in what the service knows from the start.</summary>
    public void Seed(Action<SqliteConnection> work)
    {
        using SqliteTransaction transaction = _connection.BeginTransaction();
        work(_connection);
        transaction.Commit();
    }

    /// <summary>Executes a command once.</summary>
    /// <param name="name">The command.</param>
    /// <param name="orderId">Together with the name the key under which the command is known when it comes again.</param>
    /// <param name="work">Says why it refuses, or null when it did it. What it changes is kept only if it returns.</param>
    /// <returns>The refusal, or null.</returns>
    public Task<string?> ExecuteAsync(string name, string orderId, Func<SqliteConnection, string?> work) => RunAsync(db =>
    {
        if (db.Execute("UPDATE command SET deliveries = deliveries + 1 WHERE order_id = $1 AND name = $2", orderId, name) > 0)
        {
            return db.Scalar<string>("SELECT refusal FROM command WHERE order_id = $1 AND name = $2", orderId, name);
        }

        string? refusal = work(db);
        db.Execute("INSERT INTO command (order_id, name, refusal, at) VALUES ($1, $2, $3, $4)", orderId, name, refusal, DateTime.UtcNow.Ticks);
        return refusal;
    });

    /// <summary>Runs statements in one transaction.</summary>
    public async Task<T> RunAsync<T>(Func<SqliteConnection, T> work)
    {
        await _oneAtATime.WaitAsync();
        try
        {
            using SqliteTransaction transaction = _connection.BeginTransaction();
            T result = work(_connection);
            transaction.Commit();
            return result;
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    public void Dispose()
    {
        _oneAtATime.Wait();         // for a command that is under way; those that come later find the connection closed
        _connection.Dispose();
        _oneAtATime.Release();
    }
}

/// <summary>Statements with parameters $1, $2, ...</summary>
internal static class Sql
{
    public static int Execute(this SqliteConnection db, string sql, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command(db, sql, values);
        return command.ExecuteNonQuery();
    }

    /// <summary>The first column of the first row; null where there is none.</summary>
    public static T? Scalar<T>(this SqliteConnection db, string sql, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command(db, sql, values);
        using SqliteDataReader row = command.ExecuteReader();
        return row.Read() && !row.IsDBNull(0) ? row.GetFieldValue<T>(0) : default;
    }

    public static List<T> Query<T>(this SqliteConnection db, string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command(db, sql, values);
        using SqliteDataReader row = command.ExecuteReader();
        List<T> rows = [];
        while (row.Read())
        {
            rows.Add(read(row));
        }

        return rows;
    }

    private static SqliteCommand Command(SqliteConnection db, string sql, ReadOnlySpan<object?> values)
    {
        SqliteCommand command = db.CreateCommand();
        command.CommandText = sql;
        for (int i = 0; i < values.Length; i++)
        {
            command.Parameters.AddWithValue($"${i + 1}", values[i] ?? DBNull.Value);
        }

        return command;
    }
}
