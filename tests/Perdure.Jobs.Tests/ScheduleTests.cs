using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

public sealed class ScheduleTests
{
    private static readonly DateTimeOffset Monday = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero);
    private readonly WorkLog _log = new();

    [Fact]
    public async Task A_schedule_makes_a_job_at_each_time_of_its_timetable()
    {
        await using FlowTest test = await StartAsync(Timetable.Cron("0 9 * * MON-FRI", "Europe/Berlin"));

        await test.AdvanceAsync(TimeSpan.FromDays(7));

        _log.Starts().ShouldBe("report 06 08:00, report 07 08:00, report 08 08:00, report 09 08:00, report 12 08:00");
        _log.All.ShouldAllBe(w => w.ScheduledFor!.Value.TimeOfDay == TimeSpan.FromHours(9) && w.At - w.ScheduledFor < TimeSpan.FromMilliseconds(5));
    }

    [Fact]
    public async Task A_job_can_be_made_for_its_time()
    {
        await using FlowTest test = await StartAsync(p => p.AddSchedule("daily", Timetable.Cron("30 1 * * *", "Europe/Berlin"), at => new Chore($"report of {at:yyyy-MM-dd}")));

        await test.AdvanceAsync(TimeSpan.FromDays(2));

        _log.All.Select(w => w.Name).ShouldBe(["report of 2026-01-06", "report of 2026-01-07"]);
    }

    [Fact]
    public async Task A_crash_at_any_moment_loses_no_time_and_repeats_none()
    {
        CrashReport report = await FlowTest.CrashEverywhereAsync(
            () => new WorkLog(),
            (services, log) => Add(services, log, p => p
                .AddSchedule("hourly", Hourly, new Chore("hourly"))
                .AddSchedule("quarterly", Timetable.Cron("*/15 * * * *"), new Chore("quarterly"), s => s.Overlap = Overlap.Queue)),
            async (run, _) => await run.AdvanceAsync(Monday.AddHours(2.1) - run.Now),
            (_, log) =>
            {
                log.All.DistinctBy(w => w.Id).Where(w => w.Name == "hourly").Select(w => w.ScheduledFor!.Value).ShouldBe([Monday.AddHours(1), Monday.AddHours(2)]);
                log.All.DistinctBy(w => w.Id).Where(w => w.Name == "quarterly").Select(w => w.ScheduledFor!.Value).ShouldBe(Enumerable.Range(1, 8).Select(i => Monday.AddMinutes(15 * i)));
                return Task.CompletedTask;
            },
            options: new CrashOptions { StartAt = Monday, CrashesAgain = true });

        report.Schedules.ShouldBeGreaterThan(20);
    }

    [Theory]
    [InlineData(CatchUp.None, 100, "", 6)]
    [InlineData(CatchUp.Last, 100, "6", 5)]
    [InlineData(CatchUp.All, 100, "1 2 3 4 5 6", 0)]
    [InlineData(CatchUp.All, 2, "5 6", 4)]
    public async Task After_a_long_stop_missed_times_are_made_up_for_as_the_schedule_says(CatchUp catchUp, int max, string hours, int missed)
    {
        void Schedule(PerdureBuilder p) => p.AddSchedule("hourly", Hourly, new Chore("hourly"), s => (s.CatchUp, s.CatchUpMax) = (catchUp, max));
        await using FlowTest test = await StartAsync(Schedule);

        await StopForAsync(test, TimeSpan.FromHours(6.5), Schedule);

        string.Join(" ", _log.Times.Select(t => (t - Monday).TotalHours)).ShouldBe(hours);
        ScheduleInfo info = await test.Perdure.Schedule("hourly").DescribeAsync();
        info.Missed.ShouldBe(missed);
        info.Next.ShouldBe(Monday.AddHours(7));
    }

    [Fact]
    public async Task What_comes_within_a_minute_of_its_time_was_not_missed()
    {
        static void Schedule(PerdureBuilder p) => p.AddSchedule("hourly", Hourly, new Chore("hourly"), s => s.CatchUp = CatchUp.None);
        await using FlowTest test = await StartAsync(Schedule);

        await StopForAsync(test, TimeSpan.FromMinutes(60.5), Schedule);

        _log.Times.ShouldBe([Monday.AddHours(1)]);
    }

    [Fact]
    public async Task A_year_of_missed_seconds_holds_nobody_up()
    {
        static void Schedule(PerdureBuilder p) => p.AddSchedule("ticks", Timetable.Cron("* * * * * *"), new Chore("tick"), s => (s.CatchUp, s.CatchUpMax) = (CatchUp.All, 3));
        await using FlowTest test = await StartAsync(Schedule);

        await StopForAsync(test, TimeSpan.FromDays(365), Schedule);

        _log.Times.ShouldBe([Monday.AddDays(365).AddSeconds(-2), Monday.AddDays(365).AddSeconds(-1), Monday.AddDays(365)]);
        (await test.Perdure.Schedule("ticks").DescribeAsync()).Missed.ShouldBe(10_000); // nobody counts further
    }

    [Theory]
    [InlineData("2026-03-27T12:00Z", "28 01:30, 29 01:00, 30 00:30, 31 00:30")] // 02:30 is left out on the 29th: at the change, 03:00
    [InlineData("2026-10-23T12:00Z", "24 00:30, 25 00:30, 26 01:30, 27 01:30")] // 02:30 comes twice on the 25th: the first time
    public async Task When_clocks_change_a_time_comes_once(string from, string times)
    {
        await using FlowTest test = await StartAsync(p => p.AddSchedule("nightly", Timetable.Cron("30 2 * * *", "Europe/Berlin"), new Chore("nightly")), DateTimeOffset.Parse(from, CultureInfo.InvariantCulture));

        await test.AdvanceAsync(TimeSpan.FromDays(4));

        string.Join(", ", _log.Times.Select(t => t.UtcDateTime.ToString("dd HH:mm", CultureInfo.InvariantCulture))).ShouldBe(times);
    }

    [Theory]
    [InlineData(Overlap.Skip, "09:00 done, 11:00 done, 13:00", 2)]
    [InlineData(Overlap.Queue, "09:00 done, 10:00 done, 11:00 done, 12:00, 13:00", 0)]
    [InlineData(Overlap.CancelPrevious, "09:00, 10:00, 11:00, 12:00, 13:00", 0)]
    public async Task Times_that_overlap_are_treated_as_the_schedule_says(Overlap overlap, string works, int missed)
    {
        await using FlowTest test = await StartAsync(p => p.AddSchedule("hourly", Hourly, new Chore("hourly"), s => s.Overlap = overlap), lasts: TimeSpan.FromMinutes(90));

        await test.AdvanceAsync(TimeSpan.FromHours(5.1));

        string.Join(", ", _log.All.Select(w => $"{w.ScheduledFor:HH:mm}{(w.IsDone ? " done" : "")}")).ShouldBe(works);
        (await test.Perdure.Schedule("hourly").DescribeAsync()).Missed.ShouldBe(missed);
    }

    [Fact]
    public async Task A_job_that_waits_in_a_paused_queue_is_not_done()
    {
        await using FlowTest test = await StartAsync(Hourly);
        await test.Perdure.Queue("reports").PauseAsync();
        await test.AdvanceAsync(TimeSpan.FromHours(3.5));

        await test.Perdure.Queue("reports").ResumeAsync();
        await test.AdvanceAsync(TimeSpan.FromHours(1));

        _log.Times.ShouldBe([Monday.AddHours(1), Monday.AddHours(4)]);
    }

    [Fact]
    public async Task A_queue_that_drains_takes_no_job_and_the_time_is_missed_with_the_reason()
    {
        await using FlowTest test = await StartAsync(Hourly);
        await test.Perdure.Queue("reports").DrainAsync();
        await test.AdvanceAsync(TimeSpan.FromHours(1.5));

        ScheduleInfo info = await test.Perdure.Schedule("reports").DescribeAsync();

        info.Missed.ShouldBe(1);
        info.Error!.ShouldStartWith("PRD1016");
    }

    [Fact]
    public async Task A_job_that_cannot_be_made_is_missed_and_the_next_one_comes()
    {
        await using FlowTest test = await StartAsync(p => p.AddSchedule("odd", Hourly, at => at.Hour == 9 ? throw new InvalidOperationException("not at nine") : new Chore("odd")));

        await test.AdvanceAsync(TimeSpan.FromHours(1.5));
        (await test.Perdure.Schedule("odd").DescribeAsync()).Error!.ShouldContain("not at nine");
        await test.AdvanceAsync(TimeSpan.FromHours(1));

        _log.Times.ShouldBe([Monday.AddHours(2)]);
        (await test.Perdure.Schedule("odd").DescribeAsync()).Error.ShouldBeNull();
    }

    [Fact]
    public async Task A_paused_schedule_makes_nothing_also_after_a_crash_and_goes_on_with_the_next_time()
    {
        await using FlowTest test = await StartAsync(Hourly);
        await test.Perdure.Schedule("reports").PauseAsync();
        await test.AdvanceAsync(TimeSpan.FromHours(1.5));
        await test.CrashAsync();
        await test.AdvanceAsync(TimeSpan.FromHours(1));
        ScheduleInfo paused = await test.Perdure.Schedule("reports").DescribeAsync();

        await test.Perdure.Schedule("reports").ResumeAsync();
        await test.AdvanceAsync(TimeSpan.FromHours(1));

        _log.Times.ShouldBe([Monday.AddHours(3)]);
        paused.ShouldBe(new ScheduleInfo("reports", IsPaused: true) { Missed = 2 });
        (await test.Perdure.Schedule("reports").DescribeAsync()).Missed.ShouldBe(2);
    }

    [Fact]
    public async Task A_triggered_job_comes_now_and_the_timetable_goes_on()
    {
        await using FlowTest test = await StartAsync(Hourly);
        await test.AdvanceAsync(TimeSpan.FromMinutes(10));

        JobHandle job = await test.Perdure.Schedule("reports").TriggerAsync();
        await test.AdvanceAsync(TimeSpan.FromHours(1));

        _log.Times.Select(t => (t - Monday).TotalMinutes).ShouldBe([10, 60], tolerance: 0.001);
        _log.All[0].Id.ShouldBe(job.Id);
        ScheduleInfo info = await test.Perdure.Schedule("reports").DescribeAsync();
        info.LastFired.ShouldBe(Monday.AddHours(1));
        info.LastJob.ShouldBe(_log.All[1].Id);
    }

    [Fact]
    public async Task Missed_times_are_made_up_for_once_also_those_before_the_schedule()
    {
        static void Schedule(PerdureBuilder p) => p.AddSchedule("hourly", Timetable.Cron("0 * * * *"), new Chore("hourly"), s => s.CatchUp = CatchUp.None);
        await using FlowTest test = await StartAsync(Schedule);
        await test.AdvanceAsync(TimeSpan.FromHours(2.1));
        await StopForAsync(test, TimeSpan.FromHours(3), Schedule);
        ScheduleHandle schedule = test.Perdure.Schedule("hourly");

        (await schedule.BackfillAsync(Monday.AddHours(-2), Monday.AddHours(4))).ShouldBe(5);
        await test.CrashAsync();
        (await schedule.BackfillAsync(Monday.AddHours(-2), Monday.AddHours(4))).ShouldBe(0);
        (await schedule.DescribeAsync()).Missed.ShouldBe(1);
        (await schedule.BackfillAsync(Monday.AddHours(4), Monday.AddDays(1))).ShouldBe(1);
        await test.IdleAsync();

        _log.Times.Select(t => (t - Monday).TotalHours).ShouldBe([1, 2, -2, -1, 0, 3, 4, 5]);
        PerdureException many = await Should.ThrowAsync<PerdureException>(() => schedule.BackfillAsync(Monday.AddYears(-10), Monday));
        many.Code.ShouldBe("PRD4004");
    }

    [Fact]
    public async Task The_next_times_are_known()
    {
        await using FlowTest test = await StartAsync(Timetable.Cron("0 9 1 * *", "Europe/Berlin"));

        test.Perdure.Schedule("reports").Next(3).Select(t => t.ToString("MM-dd HH:mm zzz", CultureInfo.InvariantCulture)).ShouldBe(["02-01 09:00 +01:00", "03-01 09:00 +01:00", "04-01 09:00 +02:00"]);
        Should.Throw<PerdureException>(() => test.Perdure.Schedule("none")).Code.ShouldBe("PRD1024");
    }

    [Fact]
    public async Task With_another_timetable_a_schedule_goes_on_from_the_last_time_that_it_fired()
    {
        await using FlowTest test = await StartAsync(Hourly);
        await test.AdvanceAsync(TimeSpan.FromHours(1.7));

        await test.RestartAsync(s => Add(s, _log, p => p.AddSchedule("reports", Timetable.Cron("*/20 * * * *"), new Chore("report"), o => o.CatchUp = CatchUp.All)));
        await test.AdvanceAsync(TimeSpan.FromMinutes(20));

        _log.Times.Select(t => (t - Monday).TotalMinutes).ShouldBe([60, 80, 100, 120]);
    }

    [Fact]
    public async Task Mistakes_are_found_at_the_start()
    {
        (await MistakeAsync(p => p.AddSchedule("a", Timetable.Cron("0 9 * * *", "Europe/Berln"), new Chore("x")))).ShouldStartWith("PRD4008: schedule a: there is no time zone 'Europe/Berln'");
        (await MistakeAsync(p => p.AddSchedule("a", Hourly, new Chore("x")).AddSchedule("a", Hourly, new Chore("y")))).ShouldStartWith("PRD4010");
        (await MistakeAsync(p => p.AddSchedule("a", Hourly, new Chore("x"), s => s.JobOptions = new JobOptions { Queue = "elsewhere" }))).ShouldStartWith("PRD1012: schedule a");
        (await MistakeAsync(p => p.AddSchedule("a", Hourly, at => new Chore("x"), s => s.JobOptions = new JobOptions { Queue = "elsewhere" }))).ShouldStartWith("PRD1012: schedule a");
        (await MistakeAsync(p => p.AddSchedule("a", Hourly, new Request("/")))).ShouldStartWith("PRD1013: schedule a");
        (await MistakeAsync(p => p.AddSchedule("a", Hourly, at => new Request("/")))).ShouldStartWith("PRD1013: schedule a");
        (await Should.ThrowAsync<ArgumentException>(() => FlowTest.StartAsync(s => Add(s, _log, p => p.AddSchedule("a/b", Hourly, new Chore("x")))))).Message.ShouldStartWith("PRD1007");
        (await MistakeAsync(p => p.AddSchedule("a", Hourly, new Chore("x"), s => s.CatchUpMax = 0))).ShouldStartWith("PRD4004: schedule a");
        (await MistakeAsync(p => p.AddSchedule("a", Hourly with { Calendar = new BusinessCalendar("none") { Workdays = DaysOfWeek.None } }, new Chore("x")))).ShouldStartWith("PRD4007: schedule a");
        Should.Throw<CronFormatException>(() => Timetable.Cron("0 25 * * *")).Index.ShouldBe(2);
    }

    private static Timetable Hourly => Timetable.Every(TimeSpan.FromHours(1), Monday);

    private static void Add(IServiceCollection services, WorkLog log, Action<PerdureBuilder> schedule, TimeSpan lasts = default)
        => services.AddPerdure(p => schedule(p
            .UseMemory()
            .AddQueue("reports", q => q.Timeout = TimeSpan.FromHours(5))
            .AddHandler<Chore>("reports", (chore, job) => log.DoAsync(chore, job, lasts))));

    private static async Task<string> MistakeAsync(Action<PerdureBuilder> schedule)
        => (await Should.ThrowAsync<PerdureException>(() => FlowTest.StartAsync(s => Add(s, new WorkLog(), schedule)))).Message;

    private Task<FlowTest> StartAsync(Timetable when) => StartAsync(p => p.AddSchedule("reports", when, new Chore("report")));

    private Task<FlowTest> StartAsync(Action<PerdureBuilder> schedule, DateTimeOffset? startAt = null, TimeSpan lasts = default)
        => FlowTest.StartAsync(s => Add(s, _log, schedule, lasts), new FlowTestOptions { Time = TestTime.ByHand, StartAt = startAt ?? Monday });

    /// <summary>A process that does not know the schedule stands for one that is not there.</summary>
    private async Task StopForAsync(FlowTest test, TimeSpan time, Action<PerdureBuilder> schedule)
    {
        await test.CrashAsync(s => Add(s, _log, _ => { }));
        await test.AdvanceAsync(time);
        await test.RestartAsync(s => Add(s, _log, schedule));
        await test.IdleAsync();
    }
}
