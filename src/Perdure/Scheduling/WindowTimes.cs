namespace Perdure.Scheduling;

/// <summary>When a window opens and closes, as instants.</summary>
/// <remarks>
/// Invariant: the openings of two days never overlap, and the later day's is never the earlier, since a window is at most a day long
/// and <see cref="ZoneClock.InstantOf"/> keeps the order of local times. They may touch, and one may be empty.
/// </remarks>
internal readonly struct WindowTimes(TimeWindow window)
{
    /// <summary>How long windows of several zones are followed that take over from each other: each rule of a zone has come round by then.</summary>
    private const int FollowedDays = 2 * 366;

    /// <summary>In one zone, one week without a change of clocks is enough: it says that the windows meet on the wall, so they always do.</summary>
    private const int FollowedDaysInOneZone = 16;

    private readonly ZoneClock _clock = Zones.Clock(window.Zone);
    private readonly OpenDays _days = window.OpenDays;
    private readonly int _daysLong = window.To <= window.From ? 1 : 0;

    /// <summary>The next instant at which the union of windows opens or closes; null if there is none.</summary>
    public static DateTimeOffset? NextEdge(ReadOnlySpan<WindowTimes> windows, DateTime after)
    {
        if (!IsInRange(after))
        {
            return null;
        }

        DateTime? close = LatestClose(windows, after);
        DateTime? edge = close is null ? NextOpen(windows, after) : FollowedClose(windows, after, close.Value);
        return edge is { } at ? new DateTimeOffset(at) : null;
    }

    /// <summary>If it is open at an instant, when it closes (<see cref="DateTime.MaxValue"/> for never); else null.</summary>
    public DateTime? OpenAt(DateTime at)
    {
        if (!IsInRange(at))
        {
            return null;
        }

        // A clock put back around midnight can show the day before, so the day after the wall's may have begun.
        DateOnly today = DateOnly.FromDateTime(_clock.LocalAt(at));
        for (int i = -1; i <= 1; i++)
        {
            DateOnly day = today.AddDays(i);
            if (_days.Contains(day) && OpenOf(day) <= at && at < CloseOf(day))
            {
                return LastCloseFrom(day);
            }
        }

        return null;
    }

    /// <summary>When it opens next after an instant at which it is closed; null for never.</summary>
    private DateTime? OpenAfter(DateTime at)
    {
        DateOnly today = DateOnly.FromDateTime(_clock.LocalAt(at));
        for (DateOnly? day = _days.AtOrAfter(today); day is { } d; day = _days.AtOrAfter(d.AddDays(1)))
        {
            DateTime open = OpenOf(d);
            if (open > at && CloseOf(d) > open)
            {
                return open;
            }
        }

        return null;
    }

    /// <summary>When the window of a day closes, if those of the next days that touch it are counted in.</summary>
    private DateTime LastCloseFrom(DateOnly day)
    {
        if (window.From == window.To)
        {
            return _days.NotAtOrAfter(day) is { } end ? OpenOf(end) : DateTime.MaxValue;
        }

        DateTime close = CloseOf(day);
        for (DateOnly next = day.AddDays(1); _days.Contains(next) && OpenOf(next) == close; next = next.AddDays(1))
        {
            close = CloseOf(next);
        }

        return close;
    }

    private DateTime OpenOf(DateOnly day) => _clock.InstantOf(day.ToDateTime(window.From));

    private DateTime CloseOf(DateOnly day) => _clock.InstantOf(day.AddDays(_daysLong).ToDateTime(window.To));

    private static DateTime? NextOpen(ReadOnlySpan<WindowTimes> windows, DateTime after)
    {
        DateTime? next = null;
        foreach (WindowTimes window in windows)
        {
            DateTime? open = window.OpenAfter(after);
            next = next is null || open < next ? open ?? next : next;
        }

        return next;
    }

    /// <summary>The latest time at which one of the windows that are open at an instant closes; null if all are closed.</summary>
    private static DateTime? LatestClose(ReadOnlySpan<WindowTimes> windows, DateTime at)
    {
        DateTime? latest = null;
        foreach (WindowTimes window in windows)
        {
            DateTime? close = window.OpenAt(at);
            latest = latest is null || close > latest ? close ?? latest : latest;
        }

        return latest;
    }

    private static DateTime? FollowedClose(ReadOnlySpan<WindowTimes> windows, DateTime after, DateTime close)
    {
        DateTime? end = null;
        while (IsInRange(close))
        {
            if (LatestClose(windows, close) is not { } further)
            {
                return close;
            }

            close = further;
            if (close > (end ??= FollowedUntil(windows, after)))
            {
                break;
            }
        }

        return null;
    }

    private static DateTime FollowedUntil(ReadOnlySpan<WindowTimes> windows, DateTime after)
    {
        DateTime last = after;
        int days = FollowedDaysInOneZone;
        foreach (WindowTimes window in windows)
        {
            DateTime holiday = window.LastHoliday;
            last = holiday > last ? holiday : last;
            days = window.Zone == windows[0].Zone ? days : FollowedDays;
        }

        return last < ZoneClock.Latest.AddDays(-days) ? last.AddDays(days) : ZoneClock.Latest;
    }

    private string Zone => window.Zone;

    private DateTime LastHoliday => window.Calendar?.LastHoliday?.ToDateTime(default, DateTimeKind.Utc) ?? DateTime.MinValue;

    private static bool IsInRange(DateTime at) => at >= ZoneClock.Earliest && at <= ZoneClock.Latest;
}
