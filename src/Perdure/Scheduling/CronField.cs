namespace Perdure.Scheduling;

/// <summary>What may stand in one field of a cron expression.</summary>
/// <param name="Name">What messages call it.</param>
/// <param name="Least">Its least value.</param>
/// <param name="Most">Its greatest value.</param>
/// <param name="Size">How many values there are; a range that ends before it starts goes on from the least.</param>
/// <param name="Names">Names of values, from the least on.</param>
/// <param name="Also">What else may stand there than numbers, names and their ranges and steps.</param>
internal sealed record CronField(string Name, int Least, int Most, int Size, string[] Names, string Also)
{
    public static readonly CronField Second = new("second", 0, 59, 60, [], "");

    public static readonly CronField Minute = new("minute", 0, 59, 60, [], "");

    public static readonly CronField Hour = new("hour", 0, 23, 24, [], "");

    public static readonly CronField DayOfMonth = new("day of month", 1, 31, 31, [], ", ?, L, L-3, LW or 15W");

    public static readonly CronField Month = new("month", 1, 12, 12, ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"], "");

    public static readonly CronField DayOfWeek = new("day of week", 0, 7, 7, ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"], ", ?, 5L or 2#1");

    public static readonly CronField[] All = [Second, Minute, Hour, DayOfMonth, Month, DayOfWeek];

    /// <summary>The greatest value, of those that are the same (Sunday is 0 and 7) the first.</summary>
    public int Greatest => Least + Size - 1;

    /// <summary>What is expected where a value begins.</summary>
    public string ExpectedValue => $"a number from {Least} to {Most}{(Names.Length == 0 ? "" : $" or a name from {Names[0]} to {Names[^1]}")}";

    /// <summary>What is expected where an item of the list begins.</summary>
    public string Expected => $"{ExpectedValue}, *{Also}";

    public bool IsDay => this == DayOfMonth || this == DayOfWeek;

    public ulong Every => this == DayOfWeek ? 0x7F : ((1UL << Size) - 1) << Least;
}
