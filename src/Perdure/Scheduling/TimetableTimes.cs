namespace Perdure.Scheduling;

/// <summary>When a timetable's times come, as instants.</summary>
internal readonly struct TimetableTimes(Timetable timetable, ZoneClock clock)
{
    /// <summary>After so many times in a row on other than business days it is said that none will come; for one a week that is after 96 years.</summary>
    private const int MissesMax = 5_000;

    public DateTime? NextAfter(DateTime after)
    {
        if (after > ZoneClock.Latest)
        {
            return null;
        }

        after = after < ZoneClock.Earliest ? ZoneClock.Earliest : after;
        return timetable.Calendar is not { } calendar ? NextRaw(after)
            : timetable.Shift == DayShift.Skip ? NextOn(calendar, after)
            : NextShifted(calendar, after);
    }

    /// <summary>The next one without regard to the calendar.</summary>
    private DateTime? NextRaw(DateTime after)
        => timetable.Expression is { } cron ? new CronTimes(cron.Fields, clock).NextAfter(after)
            : timetable.Interval is { } interval ? NextInterval(after, interval)
            : NextLocal(Latest(after)) is { } local ? clock.InstantOf(local)
            : null;

    private DateTime? NextInterval(DateTime after, TimeSpan interval)
    {
        DateTime anchor = timetable.Anchor.GetValueOrDefault().UtcDateTime;
        if (after < anchor)
        {
            return anchor;
        }

        long passed = (after - anchor).Ticks / interval.Ticks;
        long left = (ZoneClock.Latest - anchor).Ticks / interval.Ticks;
        return passed < left ? anchor.AddTicks((passed + 1) * interval.Ticks) : null;
    }

    /// <summary>The next one on a business day: past a run of other days in one go.</summary>
    private DateTime? NextOn(BusinessCalendar calendar, DateTime after)
    {
        for (int misses = 0; misses < MissesMax && NextRaw(after) is { } next && next <= ZoneClock.Latest; misses++)
        {
            var day = DateOnly.FromDateTime(clock.LocalAt(next));
            if (calendar.BusinessDayAtOrAfter(day) is not { } business)
            {
                return null;
            }

            if (business == day)
            {
                return next;
            }

            // Midnight can come before: a clock put back over it. What it then shows is another day, and left out again.
            DateTime start = clock.InstantOf(business.ToDateTime(default)).AddTicks(-1);
            after = start > next ? start : next;
        }

        return null;
    }

    /// <summary>The next one if those on other days are moved to a business day.</summary>
    /// <remarks>
    /// Moving keeps the order of days, not that of times: Saturday 15:00 and Sunday 09:00 become Monday 15:00 and 09:00. So all days that
    /// are moved to one are looked at together: its sources, a run of days with the business day as the last or first.
    /// </remarks>
    private DateTime? NextShifted(BusinessCalendar calendar, DateTime after)
    {
        DateTime latest = Latest(after);
        bool toNext = timetable.Shift == DayShift.Next;
        DateOnly? from = calendar.BusinessDayAtOrAfter(DateOnly.FromDateTime(latest));
        while (from is { } business)
        {
            DateOnly firstSource = toNext ? DayAfter(calendar.BusinessDayAtOrBefore(business.AddDays(-1))) : business;
            if (NextLocal(firstSource.ToDateTime(default).AddTicks(-1)) is not { } raw)
            {
                return null;
            }

            var day = DateOnly.FromDateTime(raw);
            if ((toNext ? calendar.BusinessDayAtOrAfter(day) : calendar.BusinessDayAtOrBefore(day)) is not { } target)
            {
                return null;
            }

            if (EarliestMoved(calendar, target, latest) is { } local)
            {
                return clock.InstantOf(local);
            }

            from = calendar.BusinessDayAtOrAfter(target.AddDays(1));
        }

        return null;
    }

    /// <summary>The earliest local time after another that the sources of a business day are moved to.</summary>
    private DateTime? EarliestMoved(BusinessCalendar calendar, DateOnly target, DateTime latest)
    {
        bool toNext = timetable.Shift == DayShift.Next;
        TimeSpan passed = DateOnly.FromDateTime(latest) == target ? latest.TimeOfDay : TimeSpan.FromTicks(-1);
        DateTime? earliest = null;
        for (DateOnly source = target; source == target || !calendar.IsBusinessDay(source); source = source.AddDays(toNext ? -1 : 1))
        {
            if (source <= ZoneClock.FirstDay || source >= ZoneClock.LastDay)
            {
                break;
            }

            DateTime? local = NextLocal(source.ToDateTime(default) + passed);
            if (local is { } at && DateOnly.FromDateTime(at) == source && target.ToDateTime(default) + at.TimeOfDay is var moved && !(earliest <= moved))
            {
                earliest = moved;
            }
        }

        return earliest;
    }

    /// <summary>The next time on the wall after another.</summary>
    private DateTime? NextLocal(DateTime local)
    {
        if (timetable.Expression is { } cron)
        {
            return cron.Fields.NextAfter(local);
        }

        var day = DateOnly.FromDateTime(local);
        DateOnly[] dates = timetable.SortedDates ?? [];
        int index = Array.BinarySearch(dates, TimeOnly.FromDateTime(local) < timetable.Time ? day : day.AddDays(1));
        index = index < 0 ? ~index : index;
        return index < dates.Length && dates[index] < ZoneClock.LastDay ? dates[index].ToDateTime(timetable.Time) : null;
    }

    private DateTime Latest(DateTime utc) => ZoneClock.LatestAt(clock.LocalAt(utc), utc, clock.ChangeNear(utc));

    private static DateOnly DayAfter(DateOnly? day) => day?.AddDays(1) ?? ZoneClock.FirstDay;
}
