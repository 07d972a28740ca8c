using System.Numerics;

namespace Perdure.Scheduling;

/// <summary>What a cron expression says: which local times match it. Bit n of a set is the value n.</summary>
internal sealed record CronFields(ulong Seconds, ulong Minutes, ulong Hours, ulong Months, CronDays Days)
{
    /// <summary>After so many years the calendar begins anew, weekdays included; what has not come by then never does.</summary>
    private const int CalendarYears = 400;

    /// <summary>Seconds, minutes or hours begin with a star: the expression means all the time, so it fires in a doubled hour both times.</summary>
    public required bool FiresInBoth { get; init; }

    /// <summary>Hours do not begin with a star: the expression means these hours, so one that clocks leave out is made up for.</summary>
    public required bool MakesUp { get; init; }

    /// <summary>The first local time after another that matches; null if there is none before the end of the calendar.</summary>
    public DateTime? NextAfter(DateTime local)
    {
        DateTime from = local.AddTicks(TimeSpan.TicksPerSecond - (local.Ticks % TimeSpan.TicksPerSecond));
        var today = DateOnly.FromDateTime(from);
        if (IsOn(today) && NextTime(from.Hour, from.Minute, from.Second) is { } time)
        {
            return from.Date + time;
        }

        return NextDay(today) is { } day ? day.ToDateTime(default) + NextTime(0, 0, 0) : null;
    }

    private bool IsOn(DateOnly day)
        => Has(Months, day.Month) && Has(Days.In(day.Year, day.Month), day.Day);

    private DateOnly? NextDay(DateOnly after)
    {
        (int year, int month, int day) = (after.Year, after.Month, after.Day + 1);
        int lastYear = Math.Min(year + CalendarYears, ZoneClock.LastDay.Year - 1);
        while (year <= lastYear)
        {
            int next = Has(Months, month) ? AtOrAfter(Days.In(year, month), day) : -1;
            if (next > 0)
            {
                return new DateOnly(year, month, next);
            }

            (year, month, day) = month == 12 ? (year + 1, 1, 1) : (year, month + 1, 1);
        }

        return null;
    }

    /// <summary>The first time of a day at or after one; null if the day has no more.</summary>
    private TimeSpan? NextTime(int hour, int minute, int second)
    {
        if (Has(Hours, hour))
        {
            if (Has(Minutes, minute) && AtOrAfter(Seconds, second) is var s and >= 0)
            {
                return new TimeSpan(hour, minute, s);
            }

            if (AtOrAfter(Minutes, minute + 1) is var m and >= 0)
            {
                return new TimeSpan(hour, m, AtOrAfter(Seconds, 0));
            }
        }

        return AtOrAfter(Hours, hour + 1) is var h and >= 0 ? new TimeSpan(h, AtOrAfter(Minutes, 0), AtOrAfter(Seconds, 0)) : null;
    }

    private static bool Has(ulong set, int value) => (set >> value & 1) != 0;

    /// <summary>The least value at or after one, or -1.</summary>
    private static int AtOrAfter(ulong set, int value)
    {
        ulong rest = set >> value;
        return rest == 0 ? -1 : value + BitOperations.TrailingZeroCount(rest);
    }
}
