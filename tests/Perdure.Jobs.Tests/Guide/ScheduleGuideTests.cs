using Microsoft.Extensions.DependencyInjection;
using Perdure.Shared;
using Perdure.Testing;

namespace Perdure.Jobs.Tests.Guide;

/// <summary>The code of docs/guides/schedules.md.</summary>
public sealed class ScheduleGuideTests
{
    [Fact]
    public void The_guide_shows_the_code_of_these_tests_and_all_of_it()
        => GuideCode.Differences("docs/guides/schedules.md", "tests/Perdure.Jobs.Tests/Guide/ScheduleGuideTests.cs").ShouldBeEmpty();

    // docs: test
    [Fact]
    public async Task The_report_comes_on_working_days_also_when_clocks_change()
    {
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddReports(), new FlowTestOptions
        {
            Time = TestTime.ByHand,
            StartAt = new DateTimeOffset(2026, 3, 27, 12, 0, 0, TimeSpan.Zero), // the Friday before
        });

        await test.AdvanceAsync(TimeSpan.FromDays(3));

        ScheduleInfo info = await test.Perdure.Schedule("daily-report").DescribeAsync();
        Assert.Equal(new DateTimeOffset(2026, 3, 30, 7, 30, 0, TimeSpan.FromHours(2)), info.LastFired);
    }
    // end

    [Fact]
    public async Task A_schedule_can_be_acted_on()
    {
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddReports(), new FlowTestOptions { Time = TestTime.ByHand });
        PerdureClient perdure = test.Perdure;

        // docs: handle
        ScheduleHandle schedule = perdure.Schedule("daily-report");

        IReadOnlyList<DateTimeOffset> next = schedule.Next(5);
        ScheduleInfo info = await schedule.DescribeAsync(); // LastFired, LastJob, Next, IsPaused, Open, Missed, Error
        await schedule.PauseAsync();
        await schedule.ResumeAsync();
        JobHandle job = await schedule.TriggerAsync();
        int made = await schedule.BackfillAsync(from: next[0].AddMonths(-1), to: next[0]);
        // end

        info.Next.ShouldBe(next[0]);
        await test.AdvanceAsync(TimeSpan.FromMinutes(1));
        await Should.ThrowAsync<JobNotFoundException>(() => job.DescribeAsync()); // done, and nothing is kept of it
        made.ShouldBe(23); // the working days since 2 December
    }
}

// docs: add
public sealed record DailyReport(DateOnly Day) : IJob;

public sealed record CleanUp : IJob;

public static class Reports
{
    public static IServiceCollection AddReports(this IServiceCollection services) => services.AddPerdure(p => p
        .UseMemory()
        .AddQueue("reports")
        .AddHandler<DailyReport>("reports", (report, job) => Task.CompletedTask)
        .AddHandler<CleanUp>("reports", (cleanUp, job) => Task.CompletedTask)
        .AddSchedule("daily-report", Timetable.Cron("30 7 * * MON-FRI", "Europe/Berlin"), at => new DailyReport(DateOnly.FromDateTime(at.Date)), s =>
        {
            s.Overlap = Overlap.Queue;
            s.CatchUp = CatchUp.All;
        })
        .AddSchedule("clean-up", Timetable.Cron("@hourly"), new CleanUp()));
}
// end
