using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

/// <summary>Open hours, rules by the time of day and limits, as they hold in a queue's home, over time and crashes.</summary>
public sealed class WindowTests
{
    private const string Berlin = "Europe/Berlin";
    private static readonly TimeWindow Office = new(new(9, 0), new(17, 0), Berlin) { Days = DaysOfWeek.MondayToFriday };
    private readonly WorkLog _log = new();

    [Fact]
    public async Task Jobs_start_inside_open_hours_only_and_exactly_at_opening()
    {
        await using FlowTest test = await StartAsync("2026-01-08T06:30Z", q => q.OpenHours = OpenHours.Of(Office)); // a Thursday, 07:30 in Berlin
        await EnqueueAsync(test, "early");
        await test.AdvanceAsync(TimeSpan.FromHours(5));
        await EnqueueAsync(test, "noon");
        await test.AdvanceAsync(TimeSpan.FromHours(4.5));
        await EnqueueAsync(test, "at closing");
        await test.AdvanceAsync(TimeSpan.FromDays(1));
        await EnqueueAsync(test, "on Friday at closing");
        await test.AdvanceAsync(TimeSpan.FromDays(4));

        _log.Starts().ShouldBe("early 08 08:00, noon 08 11:30, at closing 09 08:00, on Friday at closing 12 08:00");
    }

    [Fact]
    public async Task What_runs_at_closing_time_runs_on_and_what_waits_behind_it_waits_for_the_next_day()
    {
        await using FlowTest test = await StartAsync("2026-01-08T15:00Z", q => (q.OpenHours, q.Concurrency) = (OpenHours.Of(Office), 1), TimeSpan.FromMinutes(50));
        for (int i = 1; i <= 4; i++)
        {
            await EnqueueAsync(test, $"{i}");
        }

        await test.AdvanceAsync(TimeSpan.FromDays(1));

        string.Join(", ", _log.All.Select(w => $"{w.Name} {w.At:dd HH:mm}{(w.IsDone ? "" : "?")}")).ShouldBe("1 08 15:00, 2 08 15:50, 3 09 08:00, 4 09 08:50");
    }

    [Fact]
    public async Task After_a_crash_a_closed_queue_still_opens_on_time()
    {
        await using FlowTest test = await StartAsync("2026-01-08T18:00Z", q => q.OpenHours = OpenHours.Of(Office));
        await EnqueueAsync(test, "late");
        await test.AdvanceAsync(TimeSpan.FromHours(2));
        await test.CrashAsync();
        await test.AdvanceAsync(TimeSpan.FromHours(2));
        await test.RestartAsync();
        await test.AdvanceAsync(TimeSpan.FromDays(1));

        _log.Starts().ShouldBe("late 09 08:00");
    }

    [Fact]
    public async Task On_a_holiday_a_queue_stays_closed()
    {
        var calendar = new BusinessCalendar("bank") { Holidays = [new(2026, 4, 3), new(2026, 4, 6)] }; // Good Friday, Easter Monday
        await using FlowTest test = await StartAsync("2026-04-02T16:00Z", q => q.OpenHours = OpenHours.Of(Office with { Calendar = calendar }));
        await EnqueueAsync(test, "transfer");

        await test.AdvanceAsync(TimeSpan.FromDays(7));

        _log.Starts().ShouldBe("transfer 07 07:00");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_report_that_came_behind_interactive_work_overtakes_it_in_the_evening(bool crashes)
    {
        var night = new PriorityRule(new TimeWindow(new(22, 0), new(6, 0), "UTC"), -1_000) { PriorityFrom = 100 };
        await using FlowTest test = await StartAsync("2026-01-08T17:29Z", q =>
        {
            q.Concurrency = 1;
            q.PriorityRules.Add(night);
        }, TimeSpan.FromHours(1));
        for (int i = 1; i <= 8; i++)
        {
            await EnqueueAsync(test, $"call {i}");
        }

        await test.AdvanceAsync(TimeSpan.FromMinutes(30));
        await EnqueueAsync(test, "report", new JobOptions { Priority = 100 });
        await test.AdvanceAsync(TimeSpan.FromHours(2));
        if (crashes)
        {
            await test.CrashAsync(); // call 3 begins again, half an hour later
        }

        await test.AdvanceAsync(TimeSpan.FromHours(12));

        string[] names = [.. _log.All.DistinctBy(w => w.Id).Select(w => w.Name)];
        names.ShouldBe(["call 1", "call 2", "call 3", "call 4", "call 5", "report", "call 6", "call 7", "call 8"]);
        _log.All.Single(w => w.Name == "report").At.Hour.ShouldBe(22);
    }

    [Fact]
    public async Task A_window_that_opens_at_the_moment_of_a_crash_reorders_what_waits()
    {
        var night = new PriorityRule(new TimeWindow(new(22, 0), new(6, 0), "UTC"), -1_000) { PriorityFrom = 100 };
        await using FlowTest test = await StartAsync("2026-01-08T21:30Z", q =>
        {
            q.Concurrency = 1;
            q.PriorityRules.Add(night);
        }, TimeSpan.FromHours(1));
        await EnqueueAsync(test, "call 1");
        await EnqueueAsync(test, "call 2");
        await EnqueueAsync(test, "report", new JobOptions { Priority = 100 });

        await test.AdvanceAsync(TimeSpan.FromMinutes(29));
        await test.CrashAsync();
        await test.AdvanceAsync(TimeSpan.FromMinutes(1));
        await test.CrashAsync();
        await test.AdvanceAsync(TimeSpan.FromHours(12));

        string.Join(", ", _log.All.Select(w => $"{w.Name} {w.At:HH:mm}")).ShouldBe("call 1 21:30, call 1 21:59, report 22:00, call 1 23:00, call 2 00:00");
    }

    [Fact]
    public async Task A_job_that_waits_for_its_rate_when_the_window_is_closed_waits_for_the_next_opening()
    {
        await using FlowTest test = await StartAsync("2026-01-08T16:00Z", q => q.Rate = new Rate(1, TimeSpan.FromMinutes(30)));
        foreach (string name in (string[])["a", "b", "c"])
        {
            await EnqueueAsync(test, name);
        }

        await test.AdvanceAsync(TimeSpan.FromMinutes(10));
        await test.Perdure.Queue("work").ChangeAsync(q => q.OpenHours = OpenHours.Of(new TimeWindow(new(9, 0), new(16, 20), "UTC")));
        await test.AdvanceAsync(TimeSpan.FromDays(1));

        _log.Starts().ShouldBe("a 08 16:00, b 09 09:00, c 09 09:30");
    }

    [Theory]
    [InlineData("2026-03-28T12:00Z", "night 29 01:00")] // 02:30 is left out: at the change
    [InlineData("2026-10-24T12:00Z", "night 25 00:30")] // 02:30 comes twice: the first time
    public async Task When_clocks_change_a_queue_opens_once(string from, string starts)
    {
        await using FlowTest test = await StartAsync(from, q => q.OpenHours = OpenHours.Of(new TimeWindow(new(2, 30), new(4, 0), Berlin)));
        await EnqueueAsync(test, "night");

        await test.AdvanceAsync(TimeSpan.FromDays(1));

        _log.Starts().ShouldBe(starts);
    }

    [Fact]
    public async Task A_window_that_was_open_in_the_hour_that_comes_twice_does_not_open_again()
    {
        await using FlowTest test = await StartAsync("2026-10-25T00:29Z", q => q.OpenHours = OpenHours.Of(new TimeWindow(new(2, 30), new(2, 45), Berlin)));
        await EnqueueAsync(test, "in time");
        await test.AdvanceAsync(TimeSpan.FromMinutes(30));
        await EnqueueAsync(test, "late");

        await test.AdvanceAsync(TimeSpan.FromDays(2));

        _log.Starts().ShouldBe("in time 25 00:30, late 26 01:30");
    }

    [Fact]
    public async Task A_queue_that_opens_in_months_is_waited_for()
    {
        var winter = new BusinessCalendar("winter") { Holidays = [.. Enumerable.Range(0, 300).Select(i => new DateOnly(2026, 1, 8).AddDays(i))], Workdays = DaysOfWeek.EveryDay };
        await using FlowTest test = await StartAsync("2026-01-08T12:00Z", q => q.OpenHours = OpenHours.Of(new TimeWindow(new(0, 0), new(0, 0), "UTC") { Calendar = winter }));
        await EnqueueAsync(test, "in winter");

        await test.AdvanceAsync(TimeSpan.FromDays(320));

        _log.Starts().ShouldBe("in winter 04 00:00");
        _log.All[0].At.Month.ShouldBe(11);
    }

    [Fact]
    public async Task A_rate_survives_a_crash_exactly()
    {
        await using FlowTest test = await StartAsync("2026-01-08T12:00Z", q => q.Rate = new Rate(1, TimeSpan.FromMinutes(10)));
        await EnqueueAsync(test, "1");
        await EnqueueAsync(test, "2");
        await EnqueueAsync(test, "3");
        await test.AdvanceAsync(TimeSpan.FromMinutes(3));
        await test.CrashAsync();
        await test.AdvanceAsync(TimeSpan.FromMinutes(9));
        await test.CrashAsync();
        await test.AdvanceAsync(TimeSpan.FromMinutes(30));

        _log.Starts().ShouldBe("1 08 12:00, 2 08 12:10, 3 08 12:20");
    }

    [Fact]
    public async Task The_rates_of_keys_survive_a_crash_exactly()
    {
        await using FlowTest test = await StartAsync("2026-01-08T12:00Z", q => q.RatePerKey = new Rate(2, TimeSpan.FromMinutes(20)) { Burst = 2 });
        foreach (string key in (string[])["a", "b/c"])
        {
            for (int i = 1; i <= 4; i++)
            {
                await EnqueueAsync(test, $"{key}{i}", new JobOptions { Key = key });
            }
        }

        await test.AdvanceAsync(TimeSpan.FromMinutes(3));
        await test.CrashAsync();
        await test.AdvanceAsync(TimeSpan.FromMinutes(9));
        await test.CrashAsync();
        await test.AdvanceAsync(TimeSpan.FromHours(1));

        string.Join(", ", _log.All.Where(w => w.Name[0] == 'a').Select(w => $"{w.Name} {w.At:HH:mm}")).ShouldBe("a1 12:00, a2 12:00, a3 12:10, a4 12:20");
        string.Join(", ", _log.All.Where(w => w.Name[0] == 'b').Select(w => $"{w.Name} {w.At:HH:mm}")).ShouldBe("b/c1 12:00, b/c2 12:00, b/c3 12:10, b/c4 12:20");
        _log.Starts();
    }

    [Fact]
    public async Task A_crash_at_any_moment_starts_nothing_sooner_than_a_rate_lets_it()
    {
        await FlowTest.CrashEverywhereAsync(
            () => new WorkLog(),
            (services, log) => Add(services, log, q => q.RatePerKey = new Rate(1, TimeSpan.FromMinutes(10))),
            async (run, _) =>
            {
                for (int i = 1; i <= 3; i++)
                {
                    await run.Perdure.EnqueueAsync(new Chore($"{i}"), new JobOptions { Key = "a", DedupKey = $"{i}", Dedup = Dedup.OncePer(TimeSpan.FromDays(1)) });
                }

                await run.AdvanceAsync(TimeSpan.FromHours(1));
            },
            (_, log) =>
            {
                log.All.Select(w => w.Name).Distinct().ShouldBe(["1", "2", "3"]);
                log.All.Zip(log.All.Skip(1)).ShouldAllBe(p => p.Second.At - p.First.At >= TimeSpan.FromMinutes(10));
                return Task.CompletedTask;
            },
            options: new CrashOptions { CrashesAgain = true });
    }

    [Fact]
    public async Task Limits_of_keys_hold_after_a_crash_for_what_runs_again()
    {
        await using FlowTest test = await StartAsync("2026-01-08T12:00Z", q => q.ConcurrencyPerKey = 1, TimeSpan.FromMinutes(10));
        foreach (string name in (string[])["a1", "a2", "b1"])
        {
            await EnqueueAsync(test, name, new JobOptions { Key = name[..1] });
        }

        await test.AdvanceAsync(TimeSpan.FromMinutes(5));
        await test.CrashAsync();
        await test.AdvanceAsync(TimeSpan.FromMinutes(30));

        string.Join(", ", _log.All.Select(w => $"{w.Name} {w.At:HH:mm}{(w.IsDone ? "" : "?")}")).ShouldBe("a1 12:00?, b1 12:00?, a1 12:05, b1 12:05, a2 12:15");
    }

    private static Task EnqueueAsync(FlowTest test, string name, JobOptions? options = null) => test.Perdure.EnqueueAsync(new Chore(name), options);

    private static void Add(IServiceCollection services, WorkLog log, Action<QueueOptions> policy, TimeSpan lasts = default)
        => services.AddPerdure(p => p
            .UseMemory()
            .AddQueue("work", q =>
            {
                q.Timeout = TimeSpan.FromHours(5);
                policy(q);
            })
            .AddHandler<Chore>("work", (chore, job) => log.DoAsync(chore, job, lasts)));

    private Task<FlowTest> StartAsync(string at, Action<QueueOptions> policy, TimeSpan lasts = default)
        => FlowTest.StartAsync(s => Add(s, _log, policy, lasts), new FlowTestOptions { Time = TestTime.ByHand, StartAt = DateTimeOffset.Parse(at, CultureInfo.InvariantCulture) });
}
