using System.Globalization;
using System.Reflection;
using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>Makes and migrates the schema: numbered scripts, forward only, each run once.</summary>
internal sealed class StoreSchema
{
    /// <summary>"Prdu": marks the file as ours for whoever looks at its header.</summary>
    private const int ApplicationId = 0x50726475;

    /// <summary>How large a file may be to be checked whole when it is opened; larger ones would keep flows waiting.</summary>
    private const long CheckedBytesMax = 16 * 1024 * 1024;

    private readonly StoreFile _file;
    private readonly SqliteConnection _connection;

    public StoreSchema(StoreFile file, SqliteConnection connection)
    {
        _file = file;
        _connection = connection;
    }

    /// <summary>The newest version this library knows.</summary>
    public static int Newest { get; } = Scripts().Count;

    /// <summary>Looks at a file, without changing it, for what would keep it from being opened.</summary>
    /// <returns>Its schema version; 0 for a new file.</returns>
    public int Inspect()
    {
        if (_connection.IsReadOnly)
        {
            throw _file.NotWritable("the file is read-only");
        }

        long application = _connection.QueryNumber("PRAGMA application_id");
        if (application == 0 && _connection.QueryNumber("SELECT count(*) FROM sqlite_schema") == 0)
        {
            return 0;
        }

        if (application != ApplicationId)
        {
            throw _file.Damaged(string.Create(CultureInfo.InvariantCulture, $"it is a database of another application (application_id {application})"));
        }

        int version = (int)_connection.QueryNumber("SELECT value FROM meta WHERE name = 'schema_version'");
        if (version > Newest)
        {
            throw _file.TooNew(version, Newest);
        }

        if (new FileInfo(_file.Path).Length <= CheckedBytesMax && _connection.QueryText("PRAGMA quick_check(1)") is var found && found != "ok")
        {
            throw _file.Damaged(found ?? "the check of its pages failed");
        }

        return version;
    }

    /// <summary>Brings the schema from a version to the newest, and says who has the store open. One transaction.</summary>
    public void Migrate(int version, int shardCount, Guid storeId)
    {
        _connection.Execute("BEGIN IMMEDIATE");
        foreach (string script in Scripts().Skip(version))
        {
            _connection.Execute(script);
        }

        if (version == 0)
        {
            Seed(shardCount, storeId);
        }

        SetMeta("schema_version", Newest.ToString(CultureInfo.InvariantCulture));
        SetMeta("owner", $"process {Environment.ProcessId} on {Environment.MachineName}");
        _connection.Execute("COMMIT");
    }

    /// <summary>Says that nobody has the store open.</summary>
    public void ClearOwner() => _connection.Execute("DELETE FROM meta WHERE name = 'owner'");

    private static List<string> Scripts()
    {
        Assembly assembly = typeof(StoreSchema).Assembly;
        List<string> scripts = [];
        foreach (string name in assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            using StreamReader reader = new(assembly.GetManifestResourceStream(name)!);
            scripts.Add(reader.ReadToEnd());
        }

        return scripts;
    }

    private void Seed(int shardCount, Guid storeId)
    {
        string count = shardCount.ToString(CultureInfo.InvariantCulture);
        _connection.Execute($"PRAGMA application_id = {ApplicationId.ToString(CultureInfo.InvariantCulture)}");
        SetMeta("store_id", storeId.ToString("N"));
        SetMeta("shard_count", count);
        _connection.Execute(
            $"""
            WITH RECURSIVE number (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM number WHERE n + 1 < {count})
            INSERT INTO shard (shard, epoch, unclean_ends) SELECT n, 0, 0 FROM number
            """);
    }

    private void SetMeta(string name, string value)
    {
        using SqliteStatement statement = _connection.Prepare("INSERT OR REPLACE INTO meta (name, value) VALUES (?1, ?2)");
        statement.Bind(1, name);
        statement.Bind(2, value);
        statement.Run();
    }
}
