using System.Globalization;
using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>How connections to a store are set up.</summary>
internal static class StoreConnection
{
    /// <summary>How long a commit waits for a foreign connection's write transaction.</summary>
    public static readonly TimeSpan BusyTimeout = TimeSpan.FromSeconds(2);

    /// <summary>Opens a connection beside the writer's.</summary>
    public static SqliteConnection Open(StoreFile file)
    {
        SqliteConnection connection = new(file.Path, create: false, BusyTimeout);
        try
        {
            SetDurability(connection);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public static void ConfigureWriter(StoreFile file, SqliteConnection connection, SqliteStoreOptions options)
    {
        if (connection.QueryText("PRAGMA journal_mode = WAL") is var mode && mode != "wal")
        {
            throw file.NotWritable($"SQLite cannot keep a write-ahead log there (journal mode {mode}); a network file system is no place for it");
        }

        SetDurability(connection);
        connection.Execute("PRAGMA synchronous = NORMAL"); // the log is synced by WalSync, before anyone hears of a commit
        connection.Execute(string.Create(CultureInfo.InvariantCulture, $"PRAGMA cache_size = -{options.CacheBytes / 1024}"));
        connection.Execute("PRAGMA temp_store = MEMORY");
        if (options.FileBytesMax is { } fileBytesMax)
        {
            long pages = fileBytesMax / connection.QueryNumber("PRAGMA page_size");
            _ = connection.QueryNumber(string.Create(CultureInfo.InvariantCulture, $"PRAGMA max_page_count = {pages}"));
        }

        connection.WatchWal();
    }

    private static void SetDurability(SqliteConnection connection)
    {
        connection.Execute("PRAGMA synchronous = FULL");
        connection.Execute("PRAGMA fullfsync = ON"); // macOS: a plain fsync there leaves data in the disk's cache.
        connection.Execute("PRAGMA checkpoint_fullfsync = ON");
    }
}
