namespace Perdure.Scheduling;

/// <summary>Days of the week without the days of a sorted list.</summary>
internal readonly struct OpenDays(DaysOfWeek days, DateOnly[] without)
{
    public bool Contains(DateOnly day) => days.Has(day.DayOfWeek) && Array.BinarySearch(without, day) < 0;

    /// <summary>The first of these days at or after one; null past the end of the calendar.</summary>
    public DateOnly? AtOrAfter(DateOnly day) => Seek(day, 1);

    /// <summary>The last of these days at or before one; null past the start of the calendar.</summary>
    public DateOnly? AtOrBefore(DateOnly day) => Seek(day, -1);

    /// <summary>The first day at or after one that is none of these; null if there is none.</summary>
    public DateOnly? NotAtOrAfter(DateOnly day)
    {
        if ((days & DaysOfWeek.EveryDay) == DaysOfWeek.EveryDay)
        {
            int index = Array.BinarySearch(without, day);
            index = index < 0 ? ~index : index;
            return index < without.Length && without[index] < ZoneClock.LastDay ? without[index] : null;
        }

        while (Contains(day))
        {
            if (day >= ZoneClock.LastDay)
            {
                return null;
            }

            day = day.AddDays(1);
        }

        return day;
    }

    private DateOnly? Seek(DateOnly day, int step)
    {
        if ((days & DaysOfWeek.EveryDay) == DaysOfWeek.None)
        {
            return null;
        }

        while (!Contains(day))
        {
            if (day >= ZoneClock.LastDay || day <= ZoneClock.FirstDay)
            {
                return null;
            }

            day = day.AddDays(step);
        }

        return day;
    }
}

/// <summary>Days of the week as a set.</summary>
internal static class DaySets
{
    public static bool Has(this DaysOfWeek days, DayOfWeek day) => ((int)days & (1 << (int)day)) != 0;

    public static bool IsKnown(this DaysOfWeek days) => (days & ~DaysOfWeek.EveryDay) == DaysOfWeek.None;
}
