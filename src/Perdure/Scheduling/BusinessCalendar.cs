using Perdure.Diagnostics;
using Perdure.Scheduling;

namespace Perdure;

/// <summary>The days on which business is done: days of the week, without holidays. It has no zone: who uses it says where.</summary>
/// <param name="Name">What people call it, such as <c>TARGET2</c> or <c>Warehouse Hamburg</c>.</param>
public sealed record BusinessCalendar(string Name)
{
    /// <summary>How many holidays a calendar may have.</summary>
    public const int HolidaysMax = 10_000;

    private readonly DateOnly[] _holidays = [];

    /// <summary>The days of the week on which business is done; Monday to Friday by default.</summary>
    public DaysOfWeek Workdays { get; init; } = DaysOfWeek.MondayToFriday;

    /// <summary>The dates on which no business is done; kept sorted, each once. None by default.</summary>
    public IReadOnlyList<DateOnly> Holidays
    {
        get => Array.AsReadOnly(_holidays);
        init => _holidays = [.. value.Distinct().Order()];
    }

    /// <summary>Whether business is done on a day.</summary>
    public bool IsBusinessDay(DateOnly day) => Days.Contains(day);

    /// <summary>The day itself if business is done on it, else the next such day; null if the calendar has none.</summary>
    public DateOnly? BusinessDayAtOrAfter(DateOnly day) => Days.AtOrAfter(day);

    /// <summary>The day itself if business is done on it, else the last such day before; null if the calendar has none.</summary>
    public DateOnly? BusinessDayAtOrBefore(DateOnly day) => Days.AtOrBefore(day);

    /// <summary>Finds what cannot be meant.</summary>
    /// <exception cref="PerdureException">PRD4004: no name, unknown days, or too many holidays. PRD4007: no working day.</exception>
    public void Check()
    {
        if (string.IsNullOrWhiteSpace(Name))
        {
            throw new PerdureException(ErrorCodes.BadOption, "a BusinessCalendar has no name.");
        }

        if (!Workdays.IsKnown())
        {
            throw new PerdureException(ErrorCodes.BadOption, $"the BusinessCalendar '{Name}' has Workdays that are no days: {Workdays}.");
        }

        if (_holidays.Length > HolidaysMax)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"the BusinessCalendar '{Name}' has {_holidays.Length:N0} holidays; at most {HolidaysMax:N0} are allowed.");
        }

        if (Workdays == DaysOfWeek.None)
        {
            throw new PerdureException(ErrorCodes.NeverOpen, $"the BusinessCalendar '{Name}' has no Workdays.");
        }
    }

    /// <summary>By value, holidays included.</summary>
    public bool Equals(BusinessCalendar? other)
        => other is not null && Name == other.Name && Workdays == other.Workdays && _holidays.AsSpan().SequenceEqual(other._holidays);

    /// <inheritdoc/>
    public override int GetHashCode()
        => HashCode.Combine(Name, Workdays, _holidays.Length, _holidays.Length == 0 ? default : _holidays[^1]);

    /// <summary>Its days, of which only those of the week in <paramref name="among"/>.</summary>
    internal OpenDays DaysAmong(DaysOfWeek among) => new(Workdays & among, _holidays);

    internal DateOnly? LastHoliday => _holidays.Length == 0 ? null : _holidays[^1];

    private OpenDays Days => new(Workdays, _holidays);
}
