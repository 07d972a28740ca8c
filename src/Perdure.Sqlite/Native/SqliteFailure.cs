namespace Perdure.Sqlite.Native;

/// <summary>A call to SQLite did not succeed. Never leaves this library: <see cref="StoreFile"/> turns it into an answer or a <see cref="Storage.StoreException"/>.</summary>
#pragma warning disable CA1064 // Not public, as nobody outside catches it.
internal sealed class SqliteFailure(int extendedCode, string message) : Exception($"{message} (SQLite result {extendedCode})")
#pragma warning restore CA1064
{
    /// <summary>The kind of failure.</summary>
    public ResultCode Code { get; } = (ResultCode)(extendedCode & 0xff);
}
