namespace Perdure.Sqlite;

/// <summary>Times as they are stored: whole microseconds since 1970-01-01 UTC.</summary>
internal static class StoredTime
{
    public static long ToStored(DateTimeOffset time) =>
        (time.UtcTicks - DateTimeOffset.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;

    /// <summary>The first whole microsecond that is not before a time, for bounds that stored times are compared with.</summary>
    public static long ToStoredUp(DateTimeOffset time) => ToStored(time) + (time.Ticks % TimeSpan.TicksPerMicrosecond == 0 ? 0 : 1);

    public static DateTimeOffset FromStored(long microseconds) =>
        new(DateTimeOffset.UnixEpoch.Ticks + (microseconds * TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}
