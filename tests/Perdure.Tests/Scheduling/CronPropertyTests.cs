namespace Perdure.Tests.Scheduling;

/// <summary>Random cron expressions, held against a walk over the wall's clock.</summary>
public class CronPropertyTests
{
    /// <summary>Zone, year and seed.</summary>
    public static TheoryData<string, int, int> Years() => WallWalk.OddYears(seeds: 12);

    /// <summary>Six hours before changes of clocks in either direction.</summary>
    public static TheoryData<string, string> Changes() => new()
    {
        { "Europe/Berlin", "2025-03-29T19:00Z" }, { "Europe/Berlin", "2025-10-25T19:00Z" },
        { "Australia/Lord_Howe", "2025-04-05T09:00Z" }, { "Australia/Lord_Howe", "2025-10-04T09:30Z" },
        { "America/Havana", "2025-03-08T23:00Z" }, { "America/Havana", "2025-11-01T23:00Z" },
    };

    [Theory]
    [MemberData(nameof(Years))]
    public void An_expression_fires_as_a_walk_minute_by_minute_does(string zone, int year, int seed)
        => Agree(new RandomCron(seed + (year * 100), seconds: false), WallWalk.Of(zone, year));

    [Theory]
    [MemberData(nameof(Changes))]
    public void An_expression_with_seconds_fires_as_a_walk_second_by_second_does(string zone, string start)
    {
        WallWalk walk = new(zone, DateTimeOffset.Parse(start, System.Globalization.CultureInfo.InvariantCulture), 12 * 3600, TimeSpan.FromSeconds(1));
        for (int seed = 0; seed < 30; seed++)
        {
            Agree(new RandomCron(seed, seconds: true), walk);
        }
    }

    [Fact]
    public void The_random_expressions_are_of_all_kinds()
    {
        List<string> texts = [.. Enumerable.Range(0, 500).Select(seed => new RandomCron(seed, seconds: false).Text)];

        foreach (string part in (string[])[" L ", "L-", "LW", "W ", "L ", "#", "?", "*/", "-", ",", "Feb", "MON", "Sun"])
        {
            texts.Count(text => text.Contains(part, StringComparison.Ordinal)).ShouldBeGreaterThan(2, part);
        }
    }

    private static void Agree(RandomCron random, WallWalk walk)
    {
        var cron = CronExpression.Parse(random.Text);
        List<int> fires = random.FiresIn(walk);
        string At(int from) => $"'{random.Text}' in {walk.Zone.Id} after {walk.InstantAt(from):O}";

        // The walk's first step can make up for nothing, since it does not know what was left out before it.
        int from = 0;
        foreach (int next in fires.Where(next => next > 0))
        {
            if (cron.NextAfter(walk.InstantAt(from), walk.Zone) != walk.InstantAt(next))
            {
                cron.NextAfter(walk.InstantAt(from), walk.Zone).ShouldBe(walk.InstantAt(next), At(from));
            }

            if (cron.NextAfter(walk.InstantAt(next).AddTicks(-1), walk.Zone) != walk.InstantAt(next))
            {
                cron.NextAfter(walk.InstantAt(next).AddTicks(-1), walk.Zone).ShouldBe(walk.InstantAt(next), At(next) + " less a tick");
            }

            from = next;
        }

        DateTimeOffset? beyond = cron.NextAfter(walk.InstantAt(from), walk.Zone);
        (beyond is null || beyond > walk.InstantAt(walk.Count - 1)).ShouldBeTrue($"{At(from)}: {beyond:O}");
    }
}
