namespace Perdure.Scheduling;

/// <summary>What the clocks on the walls of a zone show, and when.</summary>
/// <remarks>
/// Invariant: all answers follow from one function, the zone's offset at an instant; what <see cref="TimeZoneInfo"/> says of local
/// times (invalid, ambiguous) is not asked, since it leaves out changes of the base offset, such as Samoa's lost day of 2011.
/// A local time happens once: at the first instant at which the wall shows it or, where clocks are put forward over it, anything
/// later. So a skipped time happens at the change, and a doubled one the first time; and what is later on paper is never earlier.
/// Instants are <see cref="DateTime"/>s in UTC, local times have no kind. Two changes within 28 hours are not provided for.
/// </remarks>
internal readonly struct ZoneClock(TimeZoneInfo zone)
{
    /// <summary>The first and last day on which no sum here leaves the calendar.</summary>
    public static readonly DateOnly FirstDay = DateOnly.MinValue.AddDays(8);

    /// <inheritdoc cref="FirstDay"/>
    public static readonly DateOnly LastDay = DateOnly.MaxValue.AddDays(-8);

    /// <summary>The first and last instant that can be asked about.</summary>
    public static readonly DateTime Earliest = FirstDay.AddDays(8).ToDateTime(default, DateTimeKind.Utc);

    /// <inheritdoc cref="Earliest"/>
    public static readonly DateTime Latest = LastDay.AddDays(-8).ToDateTime(default, DateTimeKind.Utc);

    /// <summary>No zone is further from UTC, in either direction.</summary>
    private static readonly TimeSpan OffsetMax = TimeSpan.FromHours(14);

    /// <summary>No clock was ever put back by more.</summary>
    private static readonly TimeSpan SetBackMax = TimeSpan.FromHours(25);

    public TimeSpan OffsetAt(DateTime utc) => zone.GetUtcOffset(utc);

    /// <summary>What the wall shows at an instant.</summary>
    public DateTime LocalAt(DateTime utc) => DateTime.SpecifyKind(utc + OffsetAt(utc), DateTimeKind.Unspecified);

    /// <summary>The instant at which a local time happens.</summary>
    public DateTime InstantOf(DateTime local)
    {
        DateTime asUtc = DateTime.SpecifyKind(local, DateTimeKind.Utc);
        DateTime from = asUtc - OffsetMax;
        TimeSpan before = OffsetAt(from);
        DateTime to = asUtc + OffsetMax;
        TimeSpan after = OffsetAt(to);
        if (before == after)
        {
            return asUtc - before;
        }

        DateTime change = ChangeBetween(from, to, before);
        DateTime first = asUtc - before;
        DateTime second = asUtc - after;
        return first < change ? first : second > change ? second : change;
    }

    /// <summary>An instant with the zone's offset.</summary>
    public DateTimeOffset Show(DateTime utc) => new(LocalAt(utc), OffsetAt(utc));

    /// <summary>The latest local time that has happened by an instant: what the wall shows, or more if its clock was just put back.</summary>
    public static DateTime LatestAt(DateTime shown, DateTime utc, ZoneChange? near)
        => near is { Doubles: true } change && change.At <= utc && change.LocalEnd > shown ? change.LocalEnd.AddTicks(-1) : shown;

    /// <summary>The change of the offset within a day before or after an instant, or null.</summary>
    public ZoneChange? ChangeNear(DateTime utc)
    {
        DateTime from = utc - SetBackMax;
        TimeSpan before = OffsetAt(from);
        DateTime to = utc + SetBackMax;
        TimeSpan after = OffsetAt(to);
        return before == after ? null : new ZoneChange(ChangeBetween(from, to, before), before, after);
    }

    /// <summary>The first instant after <paramref name="from"/> at which the offset is no longer <paramref name="before"/>.</summary>
    private DateTime ChangeBetween(DateTime from, DateTime to, TimeSpan before)
    {
        long low = from.Ticks;
        long high = to.Ticks;
        while (high - low > 1)
        {
            long middle = low + ((high - low) / 2);
            if (OffsetAt(new DateTime(middle, DateTimeKind.Utc)) == before)
            {
                low = middle;
            }
            else
            {
                high = middle;
            }
        }

        return new DateTime(high, DateTimeKind.Utc);
    }
}

/// <summary>A change of a zone's offset.</summary>
/// <param name="At">The first instant of the new offset.</param>
/// <param name="Before">The offset until then.</param>
/// <param name="After">The offset from then on.</param>
internal readonly record struct ZoneChange(DateTime At, TimeSpan Before, TimeSpan After)
{
    /// <summary>Clocks are put back: local times happen twice.</summary>
    public bool Doubles => After < Before;

    /// <summary>The local time that the wall would have shown, had there been no change.</summary>
    public DateTime LocalEnd => DateTime.SpecifyKind(At + Before, DateTimeKind.Unspecified);
}
