namespace Perdure;

/// <summary>How the SQLite store uses memory and disk. The defaults fit most applications.</summary>
public sealed class SqliteStoreOptions
{
    /// <summary>
    /// Memory for pages of the writing connection, in bytes; 2 MiB by default, at least 1 MiB. More is not always faster:
    /// SQLite may walk the whole cache at a commit.
    /// </summary>
    public long CacheBytes { get; set; } = 2 * 1024 * 1024;

    /// <summary>
    /// The size of the write-ahead log, in bytes, at which commits wait until it has been copied into the file; 64 MiB by default,
    /// at least 1 MiB. Copying begins at a quarter of it, beside the commits. A foreign reader that stays in one transaction can make the log grow beyond.
    /// </summary>
    public long WalBytesMax { get; set; } = 64 * 1024 * 1024;

    /// <summary>
    /// The size that the database file may not pass, in bytes; no limit by default, at least 1 MiB. At the limit the store answers
    /// as if the disk were full (PRD5006): flows wait until there is room.
    /// </summary>
    public long? FileBytesMax { get; set; }

    /// <summary>How many reads may run at once; 2 by default, 1 to 64. Each has a thread and a connection.</summary>
    public int Readers { get; set; } = 2;

    internal void Check()
    {
        const long least = 1024 * 1024;
        Require(CacheBytes >= least, nameof(CacheBytes), "at least 1 MiB");
        Require(WalBytesMax >= least, nameof(WalBytesMax), "at least 1 MiB");
        Require(FileBytesMax is null or >= least, nameof(FileBytesMax), "at least 1 MiB, or null for no limit");
        Require(Readers is >= 1 and <= 64, nameof(Readers), "from 1 to 64");
    }

    private static void Require(bool holds, string option, string range)
    {
        if (!holds)
        {
            throw new PerdureException(Diagnostics.ErrorCodes.BadOption, $"{nameof(SqliteStoreOptions)}.{option} must be {range}.");
        }
    }
}
