using Perdure.Diagnostics;
using Perdure.Scheduling;

namespace Perdure;

/// <summary>Hours of the day in a zone, such as 09:00 to 17:00 in Europe/Berlin, on all or some days.</summary>
/// <remarks>
/// A window whose <see cref="To"/> is not after its <see cref="From"/> ends on the next day: 22:00 to 06:00 is a night, 18:00 to 00:00
/// ends at midnight, and 00:00 to 00:00 is a whole day. The day that a window belongs to is that of its start: with
/// <see cref="Days"/> of Friday, a night ends on Saturday. It is open at its start and closed at its end. When clocks change, each edge happens
/// once: one in the hour that is left out at the change, one in the hour that comes twice at the first time. A window that lies in the hour
/// left out does not open that day.
/// </remarks>
/// <param name="From">The local time at which it opens.</param>
/// <param name="To">The local time at which it closes, on the next day if it is not after <paramref name="From"/>.</param>
/// <param name="Zone">The IANA name of the time zone, such as <c>Europe/Berlin</c>, or <c>UTC</c>.</param>
public sealed record TimeWindow(TimeOnly From, TimeOnly To, string Zone)
{
    /// <summary>The days of the week on which it opens; every day by default.</summary>
    public DaysOfWeek Days { get; init; } = DaysOfWeek.EveryDay;

    /// <summary>If set, it opens on this calendar's business days only; null by default.</summary>
    public BusinessCalendar? Calendar { get; init; }

    /// <summary>Whether it is open at an instant.</summary>
    /// <exception cref="PerdureException">PRD4008: there is no such zone.</exception>
    public bool Contains(DateTimeOffset at) => new WindowTimes(this).OpenAt(at.UtcDateTime) is not null;

    /// <summary>The next instant after another at which it opens or closes; null if there is none.</summary>
    /// <exception cref="PerdureException">PRD4008: there is no such zone.</exception>
    public DateTimeOffset? NextEdge(DateTimeOffset after) => WindowTimes.NextEdge([new WindowTimes(this)], after.UtcDateTime);

    /// <summary>Finds what cannot be meant.</summary>
    /// <exception cref="PerdureException">PRD4004: unknown days, or a bad calendar. PRD4007: it never opens. PRD4008: there is no such zone.</exception>
    public void Check()
    {
        if (!Days.IsKnown())
        {
            throw new PerdureException(ErrorCodes.BadOption, $"a TimeWindow has Days that are no days: {Days}.");
        }

        Zones.Find(Zone);
        Calendar?.Check();
        if (NeverOpens)
        {
            throw new PerdureException(ErrorCodes.NeverOpen, $"a TimeWindow from {From:HH:mm} to {To:HH:mm} never opens: it has no days that its calendar works on.");
        }
    }

    internal bool NeverOpens => (Days & (Calendar?.Workdays ?? DaysOfWeek.EveryDay)) == DaysOfWeek.None;

    internal OpenDays OpenDays => Calendar?.DaysAmong(Days) ?? new OpenDays(Days, []);
}
