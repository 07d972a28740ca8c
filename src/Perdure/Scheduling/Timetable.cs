using System.Text.Json.Serialization;
using Perdure.Diagnostics;
using Perdure.Scheduling;

namespace Perdure;

/// <summary>When something recurs: by a cron expression, every so often, or on some dates; on all days or by a business calendar.</summary>
/// <remarks>
/// Times on the wall happen once when clocks change: one that is left out at the change, one that comes twice the first time
/// (<see cref="CronExpression"/> says when cron fires both times). Times that a <see cref="Shift"/> brings to the same instant are one.
/// </remarks>
public sealed record Timetable
{
    private readonly DateOnly[]? _dates;

    [JsonConstructor]
    private Timetable()
    {
    }

    /// <summary>The cron expression, or null.</summary>
    public CronExpression? Expression { get; init; }

    /// <summary>The time from one to the next, or null; at least a millisecond.</summary>
    public TimeSpan? Interval { get; init; }

    /// <summary>With an <see cref="Interval"/>: an instant that all others are a whole number of intervals from, so that they do not drift.</summary>
    public DateTimeOffset? Anchor { get; init; }

    /// <summary>The dates, or null; kept sorted, each once.</summary>
    public IReadOnlyList<DateOnly>? Dates
    {
        get => _dates is null ? null : Array.AsReadOnly(_dates);
        init => _dates = value is null ? null : [.. value.Distinct().Order()];
    }

    /// <summary>With <see cref="Dates"/>: the local time; midnight by default.</summary>
    public TimeOnly Time { get; init; }

    /// <summary>The IANA name of the time zone of dates and local times; UTC by default.</summary>
    public string Zone { get; init; } = "UTC";

    /// <summary>If set, times fall on its business days only; null by default.</summary>
    public BusinessCalendar? Calendar { get; init; }

    /// <summary>With a <see cref="Calendar"/>: what becomes of times on other days; they are left out by default. What is shifted are times on the wall, each of which happens once.</summary>
    public DayShift Shift { get; init; }

    /// <summary>By a cron expression.</summary>
    /// <param name="expression">The expression; see <see cref="CronExpression"/>.</param>
    /// <param name="zone">The IANA name of the time zone; UTC by default.</param>
    /// <exception cref="CronFormatException">PRD4006: the expression cannot be read, or it never fires.</exception>
    public static Timetable Cron(string expression, string zone = "UTC") => new() { Expression = CronExpression.Parse(expression), Zone = zone };

    /// <summary>Every so often, counted from an instant; that instant is the first.</summary>
    public static Timetable Every(TimeSpan interval, DateTimeOffset anchor) => new() { Interval = interval, Anchor = anchor };

    /// <summary>On some dates.</summary>
    /// <param name="dates">The dates.</param>
    /// <param name="time">The local time on each.</param>
    /// <param name="zone">The IANA name of the time zone; UTC by default.</param>
    public static Timetable On(IEnumerable<DateOnly> dates, TimeOnly time, string zone = "UTC") => new() { Dates = [.. dates], Time = time, Zone = zone };

    /// <summary>The next instant after another; null if there is none.</summary>
    /// <exception cref="PerdureException">PRD4008: there is no such zone.</exception>
    public DateTimeOffset? NextAfter(DateTimeOffset after)
    {
        ZoneClock clock = Zones.Clock(Zone);
        return new TimetableTimes(this, clock).NextAfter(after.UtcDateTime) is { } next ? clock.Show(next) : null;
    }

    /// <summary>The next so many instants after another, fewer if there are no more.</summary>
    /// <exception cref="PerdureException">PRD4008: there is no such zone.</exception>
    public IReadOnlyList<DateTimeOffset> Next(int count, DateTimeOffset after)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        List<DateTimeOffset> next = [];
        while (next.Count < count && NextAfter(after) is { } at)
        {
            next.Add(at);
            after = at;
        }

        return next;
    }

    /// <summary>Finds what cannot be meant.</summary>
    /// <exception cref="PerdureException">PRD4004: not one way to recur, or a value out of its range. PRD4007: no time is on a business day. PRD4008: there is no such zone.</exception>
    public void Check()
    {
        if ((Expression is null ? 0 : 1) + (Interval is null ? 0 : 1) + (_dates is null ? 0 : 1) != 1)
        {
            throw Bad("wants exactly one of Expression, Interval and Dates");
        }

        if (Interval is null != Anchor is null || Interval < TimeSpan.FromMilliseconds(1))
        {
            throw Bad("wants an Interval of at least a millisecond, with an Anchor");
        }

        if (_dates is { Length: 0 or > BusinessCalendar.HolidaysMax })
        {
            throw Bad($"wants at least one of Dates, and at most {BusinessCalendar.HolidaysMax:N0}");
        }

        if (!Enum.IsDefined(Shift) || (Shift != DayShift.Skip && Interval is not null))
        {
            throw Bad("can shift times by Next or Previous only if they are times on the wall, not with an Interval");
        }

        Zones.Find(Zone);
        Calendar?.Check();
        if (NextAfter(DateTimeOffset.MinValue) is null)
        {
            throw new PerdureException(ErrorCodes.NeverOpen, $"a Timetable has no time on a business day of '{Calendar?.Name}'.");
        }
    }

    /// <summary>By value, dates included.</summary>
    public bool Equals(Timetable? other)
        => other is not null && Equals(Expression, other.Expression) && Interval == other.Interval && Anchor == other.Anchor
            && _dates is null == other._dates is null && _dates.AsSpan().SequenceEqual(other._dates)
            && Time == other.Time && Zone == other.Zone && Equals(Calendar, other.Calendar) && Shift == other.Shift;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Expression, Interval, Anchor, _dates?.Length, Time, Zone, Calendar, Shift);

    internal DateOnly[]? SortedDates => _dates;

    private static PerdureException Bad(string wants) => new(ErrorCodes.BadOption, $"a Timetable {wants}.");
}
