using Perdure.Diagnostics;
using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>The store's file: its path, the lock that keeps other nodes out, and what its failures mean.</summary>
/// <remarks>
/// The lock is on a file beside the database, so that people can go on reading the database itself. The operating system gives it
/// back when the process ends, however it ends; the file stays, as deleting it would let two processes lock two files of one name.
/// </remarks>
internal sealed class StoreFile : IDisposable
{
    private FileStream? _lock;

    public StoreFile(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        Path = File.Exists(full) ? File.ResolveLinkTarget(full, returnFinalTarget: true)?.FullName ?? full : full;
    }

    public string Path { get; }

    private string LockPath => Path + ".lock";

    /// <summary>Takes the lock.</summary>
    /// <exception cref="StoreException">Somebody has it, or the folder cannot be written.</exception>
    public void Lock()
    {
        try
        {
            _lock = new FileStream(LockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or DirectoryNotFoundException or PathTooLongException)
        {
            throw NotWritable(e.Message, e);
        }
        catch (IOException e) when (IsSharingViolation(e))
        {
            throw InUse(FindOwner(), e);
        }
        catch (IOException e)
        {
            throw NotWritable(e.Message, e);
        }
    }

    public void Dispose() => _lock?.Dispose();

    public StoreException InUse(string? owner, Exception? inner = null) => new(
        ErrorCodes.StoreInUse,
        $"The store '{Path}' is in use{(owner is null ? "" : $" by {owner}")}. One process at a time may run flows on a file: "
        + "stop the other one, or give this one another file.",
        inner);

    public StoreException NotWritable(string why, Exception? inner = null) => new(
        ErrorCodes.StoreNotWritable,
        $"The store '{Path}' cannot be written: {why.TrimEnd('.')}. See that its folder exists and that this process may write "
        + "both the file and the folder.",
        inner);

    public StoreException Damaged(string why, Exception? inner = null) => new(
        ErrorCodes.StoreDamaged,
        $"The store '{Path}' is damaged or was not made by Perdure: {why.TrimEnd('.')}. If the path is right, stop all that uses the file, keep a copy of "
        + "it with its -wal file, then restore a backup or rescue it with SQLite's .recover command.",
        inner);

    public StoreException TooNew(long version, int known) => new(
        ErrorCodes.StoreTooNew,
        $"The store '{Path}' has schema version {version}, and this version of Perdure knows versions up to {known}. "
        + "Update Perdure here, or open the store with the version that made it.");

    public StoreException Failed(string why, Exception? inner = null) => new(
        ErrorCodes.StoreFailed,
        $"The store '{Path}' failed and was closed: {why.TrimEnd('.')}. Nothing more is written, as nobody can know what reached the disk. "
        + "What was reported as committed is kept: check the disk, then start the process anew.",
        inner);

    public StoreException Full(Exception? inner = null) => new(ErrorCodes.StoreFull, FullReason, inner);

    public string FullReason => $"The store '{Path}' has no room left: free space on its disk, or raise its limit. Flows wait until there is.";

    public StoreException Closed() => new(ErrorCodes.StoreFailed, $"The store '{Path}' is closed: open a new one.");

    /// <summary>Says what a failure means that leaves no answer to give.</summary>
    public StoreException Explain(SqliteFailure failure) => failure.Code switch
    {
        ResultCode.Full => Full(failure),
        ResultCode.Busy or ResultCode.Locked => InUse("a connection that holds a lock on it, perhaps an SQL tool in a write transaction", failure),
        ResultCode.ReadOnly or ResultCode.CannotOpen or ResultCode.Permission => NotWritable(failure.Message, failure),
        ResultCode.Corrupt or ResultCode.NotADatabase => Damaged(failure.Message, failure),
        _ => Failed(failure.Message, failure),
    };

    /// <summary>Says what a failed read means: it leaves the store open.</summary>
    public StoreException ExplainRead(SqliteFailure failure) => Explain(failure) is { Code: not ErrorCodes.StoreFailed } explained
        ? explained
        : new StoreException(ErrorCodes.StoreFailed, $"The store '{Path}' could not be read: {failure.Message}. Check the disk.", failure);

    private static bool IsSharingViolation(IOException e)
    {
        const int windowsSharingViolation = unchecked((int)0x80070020);
        const int linuxWouldBlock = 11;
        const int appleWouldBlock = 35;
        return e.HResult is windowsSharingViolation or linuxWouldBlock or appleWouldBlock;
    }

    /// <summary>Asks the database who has it: the lock file cannot be read while it is locked.</summary>
    private string? FindOwner()
    {
        try
        {
            using SqliteConnection connection = new(Path, create: false, TimeSpan.Zero);
            return connection.QueryText("SELECT value FROM meta WHERE name = 'owner'");
        }
        catch (SqliteFailure)
        {
            return null;
        }
    }
}
