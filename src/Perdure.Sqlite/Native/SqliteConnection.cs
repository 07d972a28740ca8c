using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Perdure.Sqlite.Native;

/// <summary>A connection, used by one thread at a time.</summary>
internal sealed unsafe class SqliteConnection : IDisposable
{
    private const int OpenReadWrite = 0x2;
    private const int OpenCreate = 0x4;
    private const int OpenNoMutex = 0x8000;
    private const uint PreparePersistent = 0x1;
    private const int CheckpointPassive = 0;
    private const int ConfigNoCheckpointOnClose = 1006;
    private const int ControlJournalPointer = 28;
    private const int MethodSync = 5; // in sqlite3_io_methods, each field as wide as a pointer
    private const int SyncFull = 3;

    private readonly List<SqliteStatement> _statements = [];
    private readonly int* _walFrames;
    private nint _handle;
    private nint _wal;

    public SqliteConnection(string path, bool create, TimeSpan busyTimeout)
    {
        int code = NativeMethods.sqlite3_open_v2(path, out _handle, OpenReadWrite | OpenNoMutex | (create ? OpenCreate : 0), 0);
        _walFrames = (int*)NativeMemory.AllocZeroed(sizeof(int));
        try
        {
            Check(code);
            _ = NativeMethods.sqlite3_busy_timeout(_handle, (int)busyTimeout.TotalMilliseconds);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>How many pages the log held after this connection's last commit, once <see cref="WatchWal"/> was called.</summary>
    public int WalFrames => *_walFrames;

    /// <summary>Whether the file cannot be written.</summary>
    public bool IsReadOnly => NativeMethods.sqlite3_db_readonly(_handle, "main") != 0;

    /// <summary>Whether a transaction is open; SQLite ends some by itself when they fail.</summary>
    public bool InTransaction => NativeMethods.sqlite3_get_autocommit(_handle) == 0;

    /// <summary>How many rows the last statement changed.</summary>
    public int Changes => NativeMethods.sqlite3_changes(_handle);

    /// <summary>Counts the log's pages; takes the place of SQLite's own checkpoints inside commits.</summary>
    public void WatchWal() => _ = NativeMethods.sqlite3_wal_hook(_handle, &AfterCommit, (nint)_walFrames);

    public void Execute(string sql) => Check(NativeMethods.sqlite3_exec(_handle, sql, 0, 0, 0));

    /// <summary>Prepares a statement that lives as long as the connection.</summary>
    public SqliteStatement Prepare(string sql)
    {
        Check(NativeMethods.sqlite3_prepare_v3(_handle, sql, -1, PreparePersistent, out nint handle, 0));
        SqliteStatement statement = new(this, handle);
        _statements.Add(statement);
        return statement;
    }

    /// <summary>Runs a query for the first column of its first row; null where there is none.</summary>
    public string? QueryText(string sql)
    {
        Check(NativeMethods.sqlite3_prepare_v3(_handle, sql, -1, 0, out nint handle, 0));
        using SqliteStatement statement = new(this, handle);
        return statement.Step() ? statement.Text(0) : null;
    }

    /// <summary>Runs a query for a number; 0 where there is no row.</summary>
    public long QueryNumber(string sql)
    {
        Check(NativeMethods.sqlite3_prepare_v3(_handle, sql, -1, 0, out nint handle, 0));
        using SqliteStatement statement = new(this, handle);
        return statement.Step() ? statement.Number(0) : 0;
    }

    /// <summary>Copies pages from the log into the file, as far as no reader is in the way. Waits for nobody.</summary>
    /// <returns>Whether all that the log held has been copied.</returns>
    public bool CheckpointPassively()
    {
        int code = NativeMethods.sqlite3_wal_checkpoint_v2(_handle, 0, CheckpointPassive, out int frames, out int copied);
        if ((ResultCode)(code & 0xff) == ResultCode.Busy)
        {
            return false;
        }

        Check(code);
        return frames == copied;
    }

    /// <summary>Finds the log's file, for <see cref="SyncWal"/>. The log must be open: a read or a write opens it.</summary>
    public void FindWal()
    {
        nint file = 0;
        Check(NativeMethods.sqlite3_file_control(_handle, 0, ControlJournalPointer, &file));
        _wal = file;
    }

    /// <summary>Makes durable what this connection has committed to the log. On any one thread, also while another one uses the connection.</summary>
    /// <remarks>
    /// It calls the sync method of SQLite's own file for the log (<c>xSync</c>), as <c>synchronous = FULL</c> does within each commit. That
    /// method reads nothing of the connection, and of the file nothing that a write changes.
    /// </remarks>
    /// <exception cref="SqliteFailure">What was written may be lost.</exception>
    public void SyncWal()
    {
        nint* methods = *(nint**)_wal;
        var sync = (delegate* unmanaged[Cdecl]<nint, int, int>)methods[MethodSync];
        int code = sync(_wal, SyncFull);
        if (code != (int)ResultCode.Ok)
        {
            throw new SqliteFailure(code, "the log could not be synced");
        }
    }

    /// <summary>Keeps the last connection's close from copying the log into the file.</summary>
    public void LeaveWalOnClose()
    {
        _ = OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? NativeMethods.sqlite3_db_config_apple_arm64(_handle, ConfigNoCheckpointOnClose, 0, 0, 0, 0, 0, 0, 1, 0)
            : NativeMethods.sqlite3_db_config(_handle, ConfigNoCheckpointOnClose, 1, 0);
    }

    /// <summary>Takes back an open transaction, if there is one.</summary>
    public void RollBack()
    {
        if (InTransaction)
        {
            // A failed rollback leaves nothing to do: the transaction is gone when the connection is.
            _ = NativeMethods.sqlite3_exec(_handle, "ROLLBACK", 0, 0, 0);
        }
    }

    public SqliteFailure Failure()
    {
        string message = Marshal.PtrToStringUTF8(NativeMethods.sqlite3_errmsg(_handle)) ?? "unknown error";
        return new SqliteFailure(NativeMethods.sqlite3_extended_errcode(_handle), message);
    }

    public void Dispose()
    {
        if (_handle == 0)
        {
            return;
        }

        foreach (SqliteStatement statement in _statements)
        {
            statement.Dispose();
        }

        _ = NativeMethods.sqlite3_close_v2(_handle);
        _handle = 0;
        NativeMemory.Free(_walFrames);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int AfterCommit(nint walFrames, nint connection, nint database, int frames)
    {
        *(int*)walFrames = frames;
        return 0;
    }

    private void Check(int code)
    {
        if (code != (int)ResultCode.Ok)
        {
            throw Failure();
        }
    }
}
