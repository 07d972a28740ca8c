using SQLitePCL;

namespace Perdure.Bench.Bare;

/// <summary>A SQLite file under a bare loop: WAL, one fsync per commit, prepared statements, one thread.</summary>
internal sealed class SqliteFile : IDisposable
{
    private readonly sqlite3 _db;

    static SqliteFile() => Batteries_V2.Init();

    public SqliteFile(string path)
    {
        int opened = raw.sqlite3_open_v2(path, out _db, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_CREATE | raw.SQLITE_OPEN_NOMUTEX, null);
        Check(opened, "open");
        Execute("PRAGMA journal_mode = WAL");
        Execute("PRAGMA synchronous = FULL");
    }

    public void Execute(string sql) => Check(raw.sqlite3_exec(_db, sql), sql);

    public SqliteStatement Prepare(string sql)
    {
        Check(raw.sqlite3_prepare_v3(_db, sql, raw.SQLITE_PREPARE_PERSISTENT, out sqlite3_stmt statement), sql);
        return new SqliteStatement(this, statement);
    }

    public void Check(int code, string what)
    {
        if (code is not (raw.SQLITE_OK or raw.SQLITE_DONE or raw.SQLITE_ROW))
        {
            throw new InvalidOperationException($"SQLite: {what}: {raw.sqlite3_errmsg(_db).utf8_to_string()} ({code})");
        }
    }

    /// <summary>Closes it once the last statement is disposed.</summary>
    public void Dispose() => Check(raw.sqlite3_close_v2(_db), "close");
}

/// <summary>A prepared statement. Texts and blobs are copied at once.</summary>
internal sealed class SqliteStatement(SqliteFile file, sqlite3_stmt statement) : IDisposable
{
    public SqliteStatement Bind(int at, long value)
    {
        file.Check(raw.sqlite3_bind_int64(statement, at, value), "bind");
        return this;
    }

    public SqliteStatement BindText(int at, ReadOnlySpan<byte> utf8)
    {
        file.Check(raw.sqlite3_bind_text(statement, at, utf8), "bind");
        return this;
    }

    public SqliteStatement BindBlob(int at, ReadOnlySpan<byte> bytes)
    {
        file.Check(raw.sqlite3_bind_blob(statement, at, bytes), "bind");
        return this;
    }

    /// <summary>Runs it to its end; its values stay bound.</summary>
    public void Run()
    {
        file.Check(raw.sqlite3_step(statement), "step");
        file.Check(raw.sqlite3_reset(statement), "reset");
    }

    public void Dispose() => statement.Dispose();
}
