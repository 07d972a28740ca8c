namespace Perdure.Scheduling;

/// <summary>When a cron expression fires in a zone, as instants.</summary>
/// <remarks>
/// A matching local time fires when it happens (<see cref="ZoneClock.InstantOf"/>), which is once, also for many that are left out by one
/// change. On top of these come the second passes through a doubled hour, for an expression that fires in both.
/// </remarks>
internal readonly struct CronTimes(CronFields fields, ZoneClock clock)
{
    public DateTime? NextAfter(DateTime after)
    {
        if (after > ZoneClock.Latest)
        {
            return null;
        }

        DateTime utc = after < ZoneClock.Earliest ? ZoneClock.Earliest : after;
        ZoneChange? near = clock.ChangeNear(utc);
        DateTime? next = NextFirst(ZoneClock.LatestAt(clock.LocalAt(utc), utc, near));
        return fields.FiresInBoth && near is { Doubles: true } change && Second(utc, change) is { } second && !(next < second) ? second : next;
    }

    /// <summary>The next local time that has not happened yet, when it does.</summary>
    private DateTime? NextFirst(DateTime latest)
    {
        while (fields.NextAfter(latest) is { } local)
        {
            DateTime at = clock.InstantOf(local);
            if (fields.MakesUp || clock.LocalAt(at) is var shown && shown == local)
            {
                return at;
            }

            latest = shown.AddTicks(-1);
        }

        return null;
    }

    /// <summary>The next match after an instant in the second pass after clocks were put back; null if there is none in that hour.</summary>
    private DateTime? Second(DateTime after, ZoneChange change)
    {
        DateTime from = after < change.At ? change.At.AddTicks(-1) : after;
        DateTime? local = fields.NextAfter(DateTime.SpecifyKind(from + change.After, DateTimeKind.Unspecified));
        return local < change.LocalEnd ? DateTime.SpecifyKind(local.Value - change.After, DateTimeKind.Utc) : null;
    }
}
