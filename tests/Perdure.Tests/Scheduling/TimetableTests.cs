using System.Text.Json;
using Perdure.Serialization;

namespace Perdure.Tests.Scheduling;

/// <summary>Timetables: by cron, by interval, by dates; on all days or by a calendar.</summary>
public class TimetableTests
{
    private const string Berlin = "Europe/Berlin";

    private static readonly BusinessCalendar Office = new("office") { Holidays = [new(2025, 12, 25), new(2025, 12, 26), new(2026, 1, 1)] };

    public static TheoryData<string, int, int> Years() => WallWalk.OddYears(seeds: 4);

    [Fact]
    public void Cron_is_of_a_zone()
    {
        var nine = Timetable.Cron("0 9 * * *", Berlin);

        nine.Next(3, At("2025-03-28T12:00Z")).ShouldBe([At("2025-03-29T08:00Z"), At("2025-03-30T07:00Z"), At("2025-03-31T07:00Z")]);
        nine.NextAfter(At("2025-03-28T12:00Z"))!.Value.Offset.ShouldBe(TimeSpan.FromHours(1));
    }

    [Fact]
    public void An_interval_does_not_drift()
    {
        var every = Timetable.Every(TimeSpan.FromMinutes(7), At("2025-01-01T00:00:30Z"));

        every.NextAfter(At("2024-06-01T00:00Z")).ShouldBe(At("2025-01-01T00:00:30Z"));
        every.NextAfter(At("2025-01-01T00:00:30Z")).ShouldBe(At("2025-01-01T00:07:30Z"));
        every.NextAfter(At("2025-01-01T07:03:12Z")).ShouldBe(At("2025-01-01T07:07:30Z"));
    }

    [Fact]
    public void Dates_come_in_their_order_and_end()
    {
        var dates = Timetable.On([new(2025, 10, 26), new(2025, 3, 30), new(2025, 3, 30)], new(2, 30), Berlin);

        dates.Next(5, At("2025-01-01T00:00Z")).ShouldBe([At("2025-03-30T03:00+02:00"), At("2025-10-26T02:30+02:00")]);
        dates.NextAfter(At("2025-10-26T02:30+02:00")).ShouldBeNull();
    }

    [Fact]
    public void A_calendar_leaves_out_or_moves()
    {
        Timetable daily = Timetable.Cron("0 9 25 * *", Berlin) with { Calendar = Office };

        daily.NextAfter(At("2025-12-01T00:00Z")).ShouldBe(At("2026-02-25T09:00+01:00"));
        (daily with { Shift = DayShift.Next }).NextAfter(At("2025-12-01T00:00Z")).ShouldBe(At("2025-12-29T09:00+01:00"));
        (daily with { Shift = DayShift.Previous }).NextAfter(At("2025-12-01T00:00Z")).ShouldBe(At("2025-12-24T09:00+01:00"));
    }

    [Fact]
    public void Times_that_are_moved_to_one_day_stay_in_order()
    {
        var dates = Timetable.Cron("0 15 * * SAT", Berlin) with { Calendar = Office, Shift = DayShift.Next };
        dates.Next(2, At("2025-06-07T00:00Z")).ShouldBe([At("2025-06-09T15:00+02:00"), At("2025-06-16T15:00+02:00")]);

        var all = Timetable.Cron("0 9,15 * * *", Berlin) with { Calendar = Office, Shift = DayShift.Next };
        all.Next(3, At("2025-06-06T12:00Z")).ShouldBe([At("2025-06-06T15:00+02:00"), At("2025-06-09T09:00+02:00"), At("2025-06-09T15:00+02:00")]);
    }

    [Fact]
    public void An_interval_can_leave_out_days()
    {
        Timetable every = Timetable.Every(TimeSpan.FromHours(6), At("2025-01-01T00:00Z")) with { Calendar = Office, Zone = Berlin };

        every.Next(2, At("2025-06-06T12:00Z")).ShouldBe([At("2025-06-06T18:00Z"), At("2025-06-09T00:00Z")]);
    }

    [Theory]
    [MemberData(nameof(Years))]
    public void A_calendar_leaves_out_the_times_of_other_days(string zone, int year, int seed)
    {
        var random = new RandomCron(seed + (year * 50), seconds: false);
        WallWalk walk = WallWalk.Of(zone, year);
        BusinessCalendar calendar = RandomCalendar(seed, year);
        List<int> fires = [.. random.FiresIn(walk).Where(index => IsOpen(calendar, TimeZoneInfo.ConvertTime(walk.InstantAt(index), walk.Zone).DateTime))];

        Agree(Timetable.Cron(random.Text, zone) with { Calendar = calendar }, walk, fires);
    }

    [Theory]
    [MemberData(nameof(Years))]
    public void A_calendar_moves_the_times_of_other_days(string zone, int year, int seed)
    {
        var random = new RandomCron(seed + (year * 50), seconds: false);
        WallWalk walk = WallWalk.Of(zone, year);
        BusinessCalendar calendar = RandomCalendar(seed, year);
        int step = seed % 2 == 0 ? 1 : -1;

        // All local times of the year and of what may be moved into it, each moved by itself.
        HashSet<DateTime> moved = [];
        for (DateTime day = new DateTime(year, 1, 1).AddDays(-40); day.Year <= year || day.DayOfYear < 40; day = day.AddDays(1))
        {
            DateTime target = day;
            while (!IsOpen(calendar, target))
            {
                target = target.AddDays(step);
            }

            moved.UnionWith(Enumerable.Range(0, 24 * 60).Where(minute => random.Matches(day.AddMinutes(minute))).Select(minute => target.AddMinutes(minute)));
        }

        List<int> fires = [.. walk.Walk().Where(at => at.New.Exists(moved.Contains)).Select(at => at.Index)];
        Agree(Timetable.Cron(random.Text, zone) with { Calendar = calendar, Shift = step > 0 ? DayShift.Next : DayShift.Previous }, walk, fires);
    }

    [Fact]
    public void What_cannot_be_meant_is_refused()
    {
        var cron = Timetable.Cron("0 9 * * *", Berlin);
        var every = Timetable.Every(TimeSpan.FromHours(1), At("2025-01-01T00:00Z"));

        Refused(cron with { Interval = TimeSpan.FromHours(1), Anchor = At("2025-01-01T00:00Z") }).ShouldStartWith("PRD4004");
        Refused(cron with { Expression = null }).ShouldStartWith("PRD4004");
        Refused(cron with { Anchor = At("2025-01-01T00:00Z") }).ShouldStartWith("PRD4004");
        Refused(every with { Anchor = null }).ShouldStartWith("PRD4004");
        Refused(every with { Interval = TimeSpan.Zero }).ShouldStartWith("PRD4004");
        Refused(every with { Calendar = Office, Shift = DayShift.Next }).ShouldStartWith("PRD4004");
        Refused(cron with { Shift = (DayShift)7 }).ShouldStartWith("PRD4004");
        Refused(Timetable.On([], default)).ShouldStartWith("PRD4004");
        Refused(cron with { Zone = "Europe/Berln" }).ShouldStartWith("PRD4008");
        Refused(cron with { Calendar = Office with { Workdays = DaysOfWeek.None } }).ShouldStartWith("PRD4007");
        Refused(Timetable.Cron("0 9 * * SUN") with { Calendar = Office }).ShouldStartWith("PRD4007");
        Refused(Timetable.On([new(2025, 12, 25)], default) with { Calendar = Office }).ShouldStartWith("PRD4007");

        cron.Check();
        every.Check();
        (Timetable.On([new(2025, 12, 25)], default) with { Calendar = Office, Shift = DayShift.Next }).Check();
    }

    [Fact]
    public void All_kinds_are_the_same_after_a_way_through_JSON()
    {
        Timetable[] kinds =
        [
            Timetable.Cron("0 9 * * MON-FRI", Berlin) with { Calendar = Office, Shift = DayShift.Previous },
            Timetable.Every(TimeSpan.FromMinutes(7), At("2025-01-01T00:00:30+05:00")),
            Timetable.On([new(2025, 10, 26), new(2025, 3, 30)], new(2, 30), Berlin),
        ];
        foreach (JsonSerializerOptions options in (JsonSerializerOptions[])[JsonSerializerOptions.Default, JsonSerializerOptions.Web, FlowJson.DefaultOptions()])
        {
            foreach (Timetable kind in kinds)
            {
                string json = JsonSerializer.Serialize(kind, options);
                Timetable back = JsonSerializer.Deserialize<Timetable>(json, options)!;

                back.ShouldBe(kind);
                back.GetHashCode().ShouldBe(kind.GetHashCode());
                JsonSerializer.Serialize(back, options).ShouldBe(json);
            }
        }

        kinds.Distinct().Count().ShouldBe(3);
        kinds[2].ShouldNotBe(kinds[2] with { Dates = [new(2025, 10, 26)] });
    }

    [Fact]
    public void The_ends_of_the_calendar_are_survived()
    {
        Timetable[] kinds =
        [
            Timetable.Cron("0 9 * * MON-FRI", Berlin), Timetable.Every(TimeSpan.FromDays(7), DateTimeOffset.MinValue),
            Timetable.Every(TimeSpan.MaxValue, DateTimeOffset.MaxValue), Timetable.On([DateOnly.MinValue, DateOnly.MaxValue], default, Berlin),
        ];
        Timetable[] all = [.. kinds, .. kinds.Select(kind => kind with { Calendar = Office }), .. kinds.Where(kind => kind.Interval is null).Select(kind => kind with { Calendar = Office, Shift = DayShift.Next }), .. kinds.Where(kind => kind.Interval is null).Select(kind => kind with { Calendar = Office, Shift = DayShift.Previous })];
        foreach (DateTimeOffset at in (DateTimeOffset[])[DateTimeOffset.MinValue, DateTimeOffset.MaxValue, DateTimeOffset.MaxValue.AddDays(-20), DateTimeOffset.MinValue.AddDays(20)])
        {
            all.ToList().ForEach(one => one.Next(30, at));
        }
    }

    private static void Agree(Timetable timetable, WallWalk walk, List<int> fires)
    {
        // The walk begins three days before the year, and the model of moved times knows more: begin with the year.
        int from = 3 * 24 * 60;
        foreach (int next in fires.Where(next => next > from).ToList())
        {
            if (timetable.NextAfter(walk.InstantAt(from)) != walk.InstantAt(next))
            {
                timetable.NextAfter(walk.InstantAt(from)).ShouldBe(walk.InstantAt(next), $"{timetable} after {walk.InstantAt(from):O}");
            }

            from = next;
        }

        DateTimeOffset? beyond = timetable.NextAfter(walk.InstantAt(from));
        (beyond is null || beyond > walk.InstantAt(walk.Count - 1)).ShouldBeTrue($"{timetable} after {walk.InstantAt(from):O}: {beyond:O}");
    }

    private static BusinessCalendar RandomCalendar(int seed, int year)
    {
        var random = new Random(seed);
        return new BusinessCalendar("random")
        {
            Holidays = [.. Enumerable.Range(0, 40).Select(_ => new DateOnly(year, 1, 1).AddDays(random.Next(365))), .. Enumerable.Range(5, 9).Select(day => new DateOnly(year, 4, day))],
        };
    }

    private static bool IsOpen(BusinessCalendar calendar, DateTime at)
        => at.DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday) && !calendar.Holidays.Contains(DateOnly.FromDateTime(at));

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static string Refused(Timetable timetable) => Should.Throw<PerdureException>(timetable.Check).Message;
}
