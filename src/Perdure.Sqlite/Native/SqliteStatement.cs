using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Unicode;

namespace Perdure.Sqlite.Native;

/// <summary>A prepared statement, used by one thread at a time.</summary>
/// <remarks>
/// Small texts and blobs are laid into memory of the statement's own, where SQLite reads them in place until the next
/// <see cref="Run"/> or <see cref="Reset"/>; large ones, and texts that many rows in a row have, are copied by SQLite.
/// </remarks>
internal sealed unsafe class SqliteStatement : IDisposable
{
    private const int ParametersMax = 32;
    private const int RoomBytes = 16 * 1024;
    private const int ColumnIsNull = 5;
    private const int SharedBytesMax = 64;
    private const nint ReadInPlace = 0;
    private const nint CopyNow = -1;
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly SqliteConnection _connection;
    private readonly byte* _room;

    // A binding stays until it is replaced, and most of a row's columns are as in the row before: null, or the same number or name.
    private readonly Bound[] _bound = new Bound[ParametersMax + 1];
    private readonly string?[] _repeated = new string?[ParametersMax + 1];
    private int _roomUsed;
    private nint _handle;

    public SqliteStatement(SqliteConnection connection, nint handle)
    {
        _connection = connection;
        _handle = handle;
        _room = (byte*)NativeMemory.Alloc(RoomBytes);
    }

    public void Bind(int index, long value)
    {
        ref Bound bound = ref _bound[index];
        if (bound.Kind != BoundKind.Number || bound.Number != value)
        {
            Check(NativeMethods.sqlite3_bind_int64(_handle, index, value));
            bound = new Bound(BoundKind.Number, value);
        }
    }

    public void BindNull(int index)
    {
        ref Bound bound = ref _bound[index];
        if (bound.Kind != BoundKind.Null)
        {
            Check(NativeMethods.sqlite3_bind_null(_handle, index));
            bound = new Bound(BoundKind.Null);
        }
    }

    public void Bind(int index, DateTimeOffset time) => Bind(index, StoredTime.ToStored(time));

    public void Bind(int index, DateTimeOffset? time)
    {
        if (time is { } some)
        {
            Bind(index, StoredTime.ToStored(some));
        }
        else
        {
            BindNull(index);
        }
    }

    public void Bind(int index, string? text)
    {
        if (text is null)
        {
            BindNull(index);
            return;
        }

        _bound[index] = default;
        Span<byte> room = new(_room + _roomUsed, RoomBytes - _roomUsed);
        switch (Utf8.FromUtf16(text, room, out _, out int written, replaceInvalidSequences: false))
        {
            case OperationStatus.Done:
                Check(NativeMethods.BindKeptText(_handle, index, _room + _roomUsed, written, ReadInPlace));
                _roomUsed += written;
                break;
            case OperationStatus.DestinationTooSmall:
                BindCopied(index, text);
                break;
            default:
                throw Unstorable();
        }
    }

    /// <summary>Binds a text that is most likely the same as in the row before: SQLite has a copy, so then there is nothing to do.</summary>
    public void BindRepeated(int index, string text)
    {
        if (_bound[index].Kind != BoundKind.Repeated || _repeated[index] != text)
        {
            BindCopied(index, text);
            _bound[index] = new Bound(BoundKind.Repeated);
            _repeated[index] = text;
        }
    }

    /// <summary>Binds text that is UTF-8 already.</summary>
    public void BindUtf8(int index, ReadOnlySpan<byte> text)
    {
        _bound[index] = default;
        fixed (byte* bytes = text)
        {
            Check(NativeMethods.BindCopiedText(_handle, index, bytes, text.Length, CopyNow));
        }
    }

    public void Bind(int index, byte[]? blob)
    {
        if (blob is null)
        {
            BindNull(index);
            return;
        }

        _bound[index] = default;
        if (blob.Length <= RoomBytes - _roomUsed)
        {
            blob.CopyTo(new Span<byte>(_room + _roomUsed, blob.Length));
            Check(NativeMethods.BindKeptBlob(_handle, index, _room + _roomUsed, blob.Length, ReadInPlace));
            _roomUsed += blob.Length;
        }
        else
        {
            fixed (byte* bytes = blob)
            {
                Check(NativeMethods.BindCopiedBlob(_handle, index, bytes, blob.Length, CopyNow));
            }
        }
    }

    /// <summary>Runs a statement that gives no rows, or whose rows do not matter.</summary>
    public void Run()
    {
        int code = NativeMethods.sqlite3_step(_handle);
        if (code is not ((int)ResultCode.Done or (int)ResultCode.Row))
        {
            throw Fail();
        }

        Reset();
    }

    /// <summary>Goes to the next row; false, and ready to be used anew, after the last one.</summary>
    public bool Step()
    {
        switch ((ResultCode)NativeMethods.sqlite3_step(_handle))
        {
            case ResultCode.Row:
                return true;
            case ResultCode.Done:
                Reset();
                return false;
            default:
                throw Fail();
        }
    }

    public void Reset()
    {
        _ = NativeMethods.sqlite3_reset(_handle);
        _roomUsed = 0;
    }

    public bool IsNull(int column) => NativeMethods.sqlite3_column_type(_handle, column) == ColumnIsNull;

    public long Number(int column) => NativeMethods.sqlite3_column_int64(_handle, column);

    public DateTimeOffset Time(int column) => StoredTime.FromStored(Number(column));

    public DateTimeOffset? TimeOrNull(int column) => IsNull(column) ? null : Time(column);

    public string Text(int column)
    {
        byte* text = NativeMethods.sqlite3_column_text(_handle, column);
        return text is null ? "" : Encoding.UTF8.GetString(text, NativeMethods.sqlite3_column_bytes(_handle, column));
    }

    /// <summary>The text as <paramref name="last"/> if it is the same, so that a million rows that say the same share it.</summary>
    public string Text(int column, ref string last)
    {
        byte* text = NativeMethods.sqlite3_column_text(_handle, column);
        ReadOnlySpan<byte> bytes = new(text, text is null ? 0 : NativeMethods.sqlite3_column_bytes(_handle, column));
        return Utf8Equals(bytes, last) ? last : last = Encoding.UTF8.GetString(bytes);
    }

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    public byte[] Blob(int column)
    {
        byte* blob = NativeMethods.sqlite3_column_blob(_handle, column);
        return new ReadOnlySpan<byte>(blob, NativeMethods.sqlite3_column_bytes(_handle, column)).ToArray();
    }

    public byte[]? BlobOrNull(int column) => IsNull(column) ? null : Blob(column);

    public void Dispose()
    {
        if (_handle != 0)
        {
            _ = NativeMethods.sqlite3_finalize(_handle);
            _handle = 0;
            NativeMemory.Free(_room);
        }
    }

    private static bool Utf8Equals(ReadOnlySpan<byte> bytes, string text)
    {
        Span<char> chars = stackalloc char[SharedBytesMax];
        return bytes.Length <= SharedBytesMax && Encoding.UTF8.TryGetChars(bytes, chars, out int length) && text.AsSpan().SequenceEqual(chars[..length]);
    }

    private static SqliteFailure Unstorable() =>
        new((int)ResultCode.Mismatch, "a text holds half of a surrogate pair, which has no UTF-8");

    private void BindCopied(int index, string text)
    {
        try
        {
            BindUtf8(index, StrictUtf8.GetBytes(text));
        }
        catch (EncoderFallbackException)
        {
            throw Unstorable();
        }
    }

    private SqliteFailure Fail()
    {
        SqliteFailure failure = _connection.Failure();
        Reset();
        return failure;
    }

    private void Check(int code)
    {
        if (code != (int)ResultCode.Ok)
        {
            throw Fail();
        }
    }

    private enum BoundKind
    {
        Unknown,
        Null,
        Number,
        Repeated,
    }

    /// <summary>What a parameter is bound to, where that is known cheaply.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Bound(BoundKind Kind, long Number = 0);
}
