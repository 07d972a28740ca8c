using System.Text.Json.Serialization;
using Perdure.Scheduling;

namespace Perdure;

/// <summary>A cron expression, such as <c>0 9 * * MON-FRI</c>: nine o'clock on working days.</summary>
/// <remarks>
/// <para>
/// Five fields: minute, hour, day of month, month, day of week. With six, seconds come first, as in Quartz, Cronos and Hangfire. A field is
/// <c>*</c>, a value, a range (<c>9-17</c>; <c>22-6</c> goes over the end), a step (<c>*/15</c>, <c>10-30/5</c>, <c>5/15</c> for from 5
/// on), or a list of these (<c>1,15</c>). Months and days of week have names, JAN and MON; Sunday is 0 or 7, Monday is 1. A day of month
/// may be <c>L</c>, the last; <c>L-3</c>, three days before it; <c>15W</c>, the working day (Monday to Friday) nearest to the 15th in
/// the same month; <c>LW</c>, that nearest to the last. A day of week may be <c>5L</c>, the month's last Friday, and <c>2#1</c>, its first Tuesday. <c>?</c> stands for <c>*</c> in
/// the day fields. <c>@yearly</c>, <c>@monthly</c>, <c>@weekly</c>, <c>@daily</c> and <c>@hourly</c> stand for whole expressions.
/// </para>
/// <para>
/// If both day fields are restricted, a day that is in either fires, as in POSIX and Vixie cron (Cronos wants both):
/// <c>0 0 13 * FRI</c> fires on each 13th and on each Friday. A field that begins with <c>*</c>, also <c>*/2</c>, is no restriction in
/// this sense, as in Vixie cron: <c>0 0 */2 * MON</c> fires on Mondays with an odd day.
/// </para>
/// <para>
/// When clocks are put forward, times that are left out fire once, at the change: <c>30 2 * * *</c> then fires at 03:00. An expression
/// whose hours begin with <c>*</c> fires around them anyway, so nothing is made up for: <c>30 * * * *</c> goes from 01:30 to 03:30. When
/// clocks are put back, the times that come twice fire the first time only, unless hours, minutes or seconds begin with <c>*</c>: then both times, so that
/// <c>*/10 * * * *</c> fires every ten minutes in that hour as in every other. (Vixie cron does the same, but makes up for nothing if hours or minutes
/// begin with <c>*</c>; Cronos makes up always.)
/// </para>
/// </remarks>
[JsonConverter(typeof(CronJson))]
public sealed class CronExpression : IEquatable<CronExpression>
{
    private readonly CronFields _fields;

    private CronExpression(string text, CronFields fields)
    {
        Text = text;
        _fields = fields;
    }

    /// <summary>The text that was parsed, without space around it.</summary>
    public string Text { get; }

    /// <summary>Reads an expression of five or six fields, or a macro.</summary>
    /// <exception cref="CronFormatException">PRD4006: it cannot be read, or it never fires; the message says where and what was expected.</exception>
    public static CronExpression Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        CronFields fields = CronParser.Parse(text);
        return new CronExpression(text.Trim(), fields);
    }

    /// <summary>The next instant after another at which it fires in a zone; null if that is past the end of the calendar.</summary>
    public DateTimeOffset? NextAfter(DateTimeOffset after, TimeZoneInfo zone)
    {
        ArgumentNullException.ThrowIfNull(zone);
        ZoneClock clock = new(zone);
        return new CronTimes(_fields, clock).NextAfter(after.UtcDateTime) is { } next ? clock.Show(next) : null;
    }

    /// <summary>Whether both have the same text.</summary>
    public bool Equals(CronExpression? other) => other is not null && Text == other.Text;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CronExpression);

    /// <inheritdoc/>
    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);

    /// <summary>The text.</summary>
    public override string ToString() => Text;

    internal CronFields Fields => _fields;
}
