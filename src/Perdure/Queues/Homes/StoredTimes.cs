namespace Perdure.Queues;

/// <summary>Times as stores hold them: whole microseconds.</summary>
internal static class StoredTimes
{
    private static readonly DateTimeOffset Latest = new(9000, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>A time after another one, never early, and never beyond what a store can hold.</summary>
    public static DateTimeOffset Up(DateTimeOffset from, TimeSpan after)
        => Latest - from > after ? Up(from + after) : Latest;

    public static DateTimeOffset Up(DateTimeOffset at)
    {
        if (at > Latest)
        {
            return Latest; // the last instants of all could not be rounded up
        }

        long rest = at.UtcTicks % TimeSpan.TicksPerMicrosecond;
        return new DateTimeOffset(rest == 0 ? at.UtcTicks : at.UtcTicks + TimeSpan.TicksPerMicrosecond - rest, TimeSpan.Zero);
    }
}
