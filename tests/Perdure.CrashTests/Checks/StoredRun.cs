using Microsoft.Data.Sqlite;

namespace Perdure.CrashTests.Checks;

/// <summary>A run as the file has it, read with plain SQL.</summary>
internal sealed record StoredRun(long Number, int Shard, string Type, string Id, StoredParent? Parent, int Status, long CreatedAt, long? EndedAt, long? WakeAt, string? StuckCode, IReadOnlyList<StoredInput> History)
{
    public const int Completed = 3;
    public const int Failed = 4;
    public const int Cancelled = 5;
    public const int Terminated = 6;

    public string Key => $"{Type}/{Id}";

    public bool HasEnded => Status >= Completed;

    public override string ToString() => Id;
}

/// <summary>The run that awaits another one.</summary>
internal sealed record StoredParent(string Type, string Id, int Ask);

/// <summary>A history row.</summary>
internal sealed record StoredInput(int Position, long At, int Kind, int Ask, string? Name, string? SenderId, int Attempts, string? Payload, string? Asks, string? Result)
{
    public const int Started = 0;
    public const int Completed = 1;
    public const int Failed = 2;
    public const int TimerFired = 3;
    public const int SignalReceived = 4;
    public const int CancelRequested = 5;
    public const int Terminated = 6;

    public string[] Lines => string.IsNullOrEmpty(Asks) ? [] : Asks.Split('\n');
}

/// <summary>Reads the file of a store that no process has open.</summary>
internal sealed class StoreFileReader : IDisposable
{
    private readonly SqliteConnection _connection;

    static StoreFileReader() => SQLitePCL.Batteries_V2.Init();

    public StoreFileReader(string path)
    {
        _connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ToString());
        _connection.Open();
    }

    public void Dispose() => _connection.Dispose();

    public long Count(string table) => Query($"SELECT count(*) FROM {table}", r => r.GetInt64(0))[0];

    /// <summary>Shards that somebody held and did not give back, or that remember unclean ends.</summary>
    public List<int> UncleanShards() => Query("SELECT shard FROM shard WHERE token IS NOT NULL OR unclean_ends > 0 OR suspect_run IS NOT NULL", r => r.GetInt32(0));

    /// <summary>Shards whose time is before an input that they have recorded.</summary>
    public List<int> ShardsBehindTheirHistory() => Query(
        "SELECT flow.shard FROM history JOIN flow USING (run) JOIN shard_progress USING (shard) GROUP BY flow.shard HAVING max(history.at) > max(shard_progress.time)",
        r => r.GetInt32(0));

    public List<StoredRun> Runs()
    {
        ILookup<long, StoredInput> history = Query(
            "SELECT run, position, at, kind, ask, name, sender_id, attempts, CAST(payload AS TEXT), asks, CAST(result AS TEXT) FROM history ORDER BY run, position",
            r => (Run: r.GetInt64(0), Input: new StoredInput(r.GetInt32(1), r.GetInt64(2), r.GetInt32(3), r.GetInt32(4), Text(r, 5), Text(r, 6), r.GetInt32(7), Text(r, 8), Text(r, 9), Text(r, 10))))
            .ToLookup(h => h.Run, h => h.Input);
        return Query(
            "SELECT run, shard, type, id, parent_type, parent_id, parent_ask, status, created_at, ended_at, wake_at, stuck_code FROM flow ORDER BY run",
            r => new StoredRun(
                r.GetInt64(0),
                r.GetInt32(1),
                r.GetString(2),
                r.GetString(3),
                r.IsDBNull(4) ? null : new StoredParent(r.GetString(4), r.GetString(5), r.GetInt32(6)),
                r.GetInt32(7),
                r.GetInt64(8),
                r.IsDBNull(9) ? null : r.GetInt64(9),
                r.IsDBNull(10) ? null : r.GetInt64(10),
                Text(r, 11),
                [.. history[r.GetInt64(0)]]));
    }

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private List<T> Query<T>(string sql, Func<SqliteDataReader, T> read)
    {
        using SqliteCommand command = _connection.CreateCommand();
#pragma warning disable CA2100 // The texts are this file's own.
        command.CommandText = sql;
#pragma warning restore CA2100
        using SqliteDataReader reader = command.ExecuteReader();
        List<T> rows = [];
        while (reader.Read())
        {
            rows.Add(read(reader));
        }

        return rows;
    }
}
