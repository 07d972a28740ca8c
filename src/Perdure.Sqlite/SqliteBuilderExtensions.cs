using Perdure.Sqlite;

namespace Perdure;

/// <summary>Puts flows into an SQLite file.</summary>
public static class SqliteBuilderExtensions
{
    /// <summary>Keeps flows in an SQLite file, which is made if it is not there. One process at a time may run flows on a file; reading it with SQL tools is fine.</summary>
    /// <param name="builder">What is being configured.</param>
    /// <param name="path">The file; a relative path starts at the current directory. Its folder must exist. Files with -wal, -shm and .lock at the end appear beside it.</param>
    /// <param name="configure">Sets options.</param>
    public static PerdureBuilder UseSqlite(this PerdureBuilder builder, string path, Action<SqliteStoreOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        SqliteStoreOptions options = new();
        configure?.Invoke(options);
        options.Check();
        return builder.UseStore(_ => new SqliteStore(path, options));
    }
}
