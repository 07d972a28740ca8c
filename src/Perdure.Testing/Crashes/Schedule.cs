using System.Globalization;

namespace Perdure.Testing.Crashes;

/// <summary>What a schedule does to a scenario.</summary>
internal enum ScheduleKind
{
    /// <summary>Nothing.</summary>
    Plain,

    /// <summary>The process dies at the n-th point.</summary>
    Crash,

    /// <summary>The process dies at the n-th point, and the next one soon after it has started.</summary>
    Recrash,

    /// <summary>The n-th attempt does its work twice; 0 stands for all.</summary>
    Twice,

    /// <summary>The n-th attempt does its work, and its answer is lost.</summary>
    Lost,

    /// <summary>The n-th attempt fails, and does nothing.</summary>
    Fail,

    /// <summary>The n-th signal is sent before the run waits for it.</summary>
    Early,

    /// <summary>The n-th signal is sent just before the run would no longer wait for it.</summary>
    Late,

    /// <summary>The n-th signal is sent twice.</summary>
    Again,
}

/// <summary>One way in which a scenario may go. Its text is the seed that runs just this one.</summary>
internal sealed record Schedule(ScheduleKind Kind, int Number)
{
    public static readonly Schedule Plain = new(ScheduleKind.Plain, 0);

    private const string All = "all";

    /// <summary>Reads a schedule's text, such as <c>crash-17</c>.</summary>
    public static Schedule Parse(string text)
    {
        string[] parts = text.Split('-');
        if (text == Plain.ToString())
        {
            return Plain;
        }

        bool isKind = Enum.TryParse(parts[0], ignoreCase: true, out ScheduleKind kind) && kind != ScheduleKind.Plain && char.IsAsciiLetter(text[0]);
        int number = 0;
        bool isNumber = parts.Length == 2 && ((kind == ScheduleKind.Twice && parts[1] == All) || (int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out number) && number > 0));
        return isKind && isNumber
            ? new Schedule(kind, number)
            : throw new ArgumentException($"`{text}` is no seed of a schedule: it looks like crash-17.", nameof(text));
    }

    /// <summary>Whether the n-th attempt, signal or point is the one.</summary>
    public bool Means(ScheduleKind kind, int number) => Kind == kind && (Number == number || (Number == 0 && kind == ScheduleKind.Twice));

    public override string ToString() => Kind == ScheduleKind.Plain ? "plain" : string.Create(CultureInfo.InvariantCulture, $"{Kind.ToString().ToLowerInvariant()}-{(Number == 0 ? All : Number)}");

    /// <summary>All schedules of a scenario that passed so many of each, the simple ones first.</summary>
    public static IEnumerable<Schedule> AllOf(int points, int attempts, int signals, bool crashesAgain)
    {
        IEnumerable<Schedule> Each(ScheduleKind kind, int from, int count) => Enumerable.Range(from, count).Select(n => new Schedule(kind, n));
        return
        [
            .. Each(ScheduleKind.Crash, 1, points), .. Each(ScheduleKind.Recrash, 1, crashesAgain ? points : 0),
            .. Each(ScheduleKind.Twice, attempts > 0 ? 0 : 1, attempts > 0 ? attempts + 1 : 0),
            .. Each(ScheduleKind.Lost, 1, attempts),
            .. Each(ScheduleKind.Fail, 1, attempts),
            .. Each(ScheduleKind.Early, 1, signals), .. Each(ScheduleKind.Late, 1, signals), .. Each(ScheduleKind.Again, 1, signals),
        ];
    }
}
