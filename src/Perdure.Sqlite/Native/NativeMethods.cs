using System.Runtime.InteropServices;

[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]

namespace Perdure.Sqlite.Native;

/// <summary>The SQLite library itself.</summary>
/// <remarks>
/// Called directly, not through the managed wrapper of the package that brings it: a run of three steps makes some 120 calls, and
/// the wrapper's cost per call adds up to a tenth of a run's CPU. Calls that only touch memory for some nanoseconds go without a GC transition.
/// </remarks>
internal static unsafe partial class NativeMethods
{
    private const string Library = "e_sqlite3";

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sqlite3_open_v2(string path, out nint connection, int flags, nint vfs);

    [LibraryImport(Library)]
    public static partial int sqlite3_close_v2(nint connection);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sqlite3_exec(nint connection, string sql, nint callback, nint argument, nint error);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sqlite3_prepare_v3(nint connection, string sql, int length, uint flags, out nint statement, nint tail);

    [LibraryImport(Library)]
    public static partial int sqlite3_finalize(nint statement);

    [LibraryImport(Library)]
    public static partial int sqlite3_extended_errcode(nint connection);

    [LibraryImport(Library)]
    public static partial nint sqlite3_errmsg(nint connection);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sqlite3_db_readonly(nint connection, string database);

    [LibraryImport(Library)]
    public static partial int sqlite3_busy_timeout(nint connection, int milliseconds);

    [LibraryImport(Library)]
    public static partial int sqlite3_wal_checkpoint_v2(nint connection, nint database, int mode, out int frames, out int copied);

    [LibraryImport(Library)]
    public static partial nint sqlite3_wal_hook(nint connection, delegate* unmanaged[Cdecl]<nint, nint, nint, int, int> hook, nint argument);

    [LibraryImport(Library)]
    public static partial int sqlite3_file_control(nint connection, nint database, int operation, void* argument);

    [LibraryImport(Library)]
    public static partial int sqlite3_db_config(nint connection, int option, int value, nint result);

    // The arguments after the second are variadic, and Apple's arm64 passes those on the stack: six fill the registers.
    [LibraryImport(Library, EntryPoint = "sqlite3_db_config")]
    public static partial int sqlite3_db_config_apple_arm64(
        nint connection, int option, nint fill2, nint fill3, nint fill4, nint fill5, nint fill6, nint fill7, nint value, nint result);

    [LibraryImport(Library)]
    public static partial int sqlite3_step(nint statement);

    [LibraryImport(Library)]
    public static partial int sqlite3_reset(nint statement);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_get_autocommit(nint connection);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_changes(nint connection);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_bind_int64(nint statement, int index, long value);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_bind_null(nint statement, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_text"), SuppressGCTransition]
    public static partial int BindKeptText(nint statement, int index, byte* text, int bytes, nint kept);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_blob"), SuppressGCTransition]
    public static partial int BindKeptBlob(nint statement, int index, byte* blob, int bytes, nint kept);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_text")]
    public static partial int BindCopiedText(nint statement, int index, byte* text, int bytes, nint copied);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_blob")]
    public static partial int BindCopiedBlob(nint statement, int index, byte* blob, int bytes, nint copied);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_column_type(nint statement, int column);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial long sqlite3_column_int64(nint statement, int column);

    [LibraryImport(Library)]
    public static partial byte* sqlite3_column_text(nint statement, int column);

    [LibraryImport(Library)]
    public static partial byte* sqlite3_column_blob(nint statement, int column);

    [LibraryImport(Library), SuppressGCTransition]
    public static partial int sqlite3_column_bytes(nint statement, int column);
}
