namespace Perdure.Tests.Scheduling;

/// <summary>Random windows over whole years, held against a walk minute by minute.</summary>
public class WindowPropertyTests
{
    private static readonly string[] Zones = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "UTC"];

    public static TheoryData<string, int, int> Years() => WallWalk.OddYears(seeds: 3);

    [Theory]
    [MemberData(nameof(Years))]
    public void A_window_opens_and_closes_as_a_walk_minute_by_minute_does(string zone, int year, int seed)
    {
        var random = new Random(seed + (year * 10));
        TimeWindow window = RandomWindow(random, zone, year);

        List<bool> open = OpenBy(window, year);

        Agree(open, WallWalk.Of(zone, year), window.Contains, window.NextEdge, window.ToString());
    }

    [Theory]
    [MemberData(nameof(Years))]
    public void Open_hours_are_the_union_of_their_windows(string zone, int year, int seed)
    {
        var random = new Random(seed + (year * 10) + 5);
        OpenHours hours = new([.. Enumerable.Range(0, random.Next(2, 5)).Select(i => RandomWindow(random, i == 0 ? zone : Zones[random.Next(Zones.Length)], year))]);
        List<List<bool>> each = [.. hours.Windows.Select(window => OpenBy(window, year))];

        List<bool> open = [.. Enumerable.Range(0, each[0].Count).Select(i => each.Any(one => one[i]))];

        Agree(open, WallWalk.Of(zone, year), hours.Contains, hours.NextEdge, string.Join(" + ", hours.Windows));
    }

    private static void Agree(List<bool> open, WallWalk walk, Func<DateTimeOffset, bool> contains, Func<DateTimeOffset, DateTimeOffset?> nextEdge, string what)
    {
        // Two days before the year begins, the model knows what was open; two days before its end it still knows the next edge or finds none.
        int first = 2 * 24 * 60;
        List<int> edges = [.. Enumerable.Range(first + 1, open.Count - first - 1).Where(i => open[i] != open[i - 1])];
        IEnumerable<int> wrong = Enumerable.Range(0, (open.Count - first) / 13).Select(i => first + (i * 13)).Where(i => contains(walk.InstantAt(i)) != open[i]);
        wrong.Select(walk.InstantAt).ShouldBeEmpty(what);

        int from = first;
        foreach (int edge in edges)
        {
            nextEdge(walk.InstantAt(from)).ShouldBe(walk.InstantAt(edge), $"{what} after {walk.InstantAt(from):O}");
            nextEdge(walk.InstantAt(edge).AddTicks(-1)).ShouldBe(walk.InstantAt(edge), $"{what} just before {walk.InstantAt(edge):O}");
            contains(walk.InstantAt(edge).AddTicks(-1)).ShouldBe(open[edge - 1], $"{what} just before {walk.InstantAt(edge):O}");
            contains(walk.InstantAt(edge)).ShouldBe(open[edge], $"{what} at {walk.InstantAt(edge):O}");
            from = edge;
        }

        DateTimeOffset? beyond = nextEdge(walk.InstantAt(from));
        (beyond is null || beyond > walk.InstantAt(walk.Count - 1)).ShouldBeTrue($"{what} after {walk.InstantAt(from):O}: {beyond:O}");
    }

    /// <summary>A window as a person would keep it: looks at the wall each minute and does what is written down for the minutes that came.</summary>
    private static List<bool> OpenBy(TimeWindow window, int year)
    {
        List<bool> open = [];
        bool isOpen = false;
        foreach ((_, _, List<DateTime> happened) in WallWalk.Of(window.Zone, year).Walk())
        {
            foreach (DateTime local in happened)
            {
                isOpen &= TimeOnly.FromDateTime(local) != window.To;
                isOpen |= TimeOnly.FromDateTime(local) == window.From && OpensOn(window, DateOnly.FromDateTime(local));
            }

            open.Add(isOpen);
        }

        return open;
    }

    private static bool OpensOn(TimeWindow window, DateOnly day)
    {
        bool inWeek = window.Days.ToString("G").Split(", ").Any(name => name == "EveryDay" || name == $"{day.DayOfWeek}"
            || (name == "MondayToFriday" && day.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday))
            || (name == "Weekend" && day.DayOfWeek is DayOfWeek.Saturday or DayOfWeek.Sunday));
        return inWeek && (window.Calendar is not { } calendar
            || (!calendar.Holidays.Contains(day) && day.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday)));
    }

    private static TimeWindow RandomWindow(Random random, string zone, int year)
    {
        // Edges at odd hours of the night, where clocks change, and pairs of the same minute: whole days.
        TimeOnly from = RandomTime(random);
        TimeOnly to = random.Next(4) == 0 ? from : RandomTime(random);
        BusinessCalendar? calendar = random.Next(2) == 0 ? null : new BusinessCalendar("random")
        {
            Holidays = [.. Enumerable.Range(0, random.Next(30)).Select(_ => new DateOnly(year, 1, 1).AddDays(random.Next(365)))],
        };
        return new TimeWindow(from, to, zone)
        {
            Days = random.Next(3) == 0 ? DaysOfWeek.EveryDay : (DaysOfWeek)random.Next(2, 128) | DaysOfWeek.Monday,
            Calendar = calendar,
        };
    }

    private static TimeOnly RandomTime(Random random)
        => random.Next(3) == 0 ? new TimeOnly(random.Next(24), random.Next(60)) : new TimeOnly(random.Next(4), random.Next(4) * 15);
}
