using Microsoft.Extensions.DependencyInjection;
using Perdure.Diagnostics;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

public sealed class AdminTests
{
    [Fact]
    public async Task A_changed_policy_holds_at_once_and_over_crashes_until_it_is_reset()
    {
        await using FlowTest test = await Workers.StartAsync(q => q.Concurrency = 1);
        await test.Perdure.EnqueueManyAsync(Enumerable.Range(0, 10).Select(i => new Chore($"{i}")));
        (await test.PullAsync(max: 10)).Count.ShouldBe(1);

        await test.Outside().ChangeAsync(q => q.Concurrency = 3);
        (await test.PullAsync(max: 10)).Count.ShouldBe(2);
        await test.CrashAsync();
        await test.Outside().ChangeAsync(q => q.Concurrency++); // of what it was changed to
        (await test.PullAsync(max: 10)).Count.ShouldBe(1);

        await test.Outside().ResetAsync();
        await test.CrashAsync();
        QueueOptions? seen = null;
        await test.Outside().ChangeAsync(q => seen = q);
        seen!.Concurrency.ShouldBe(1);
    }

    [Fact]
    public async Task A_policy_survives_its_copy_whole()
    {
        await using FlowTest test = await Workers.StartAsync(q =>
        {
            q.Rate = new Rate(5, TimeSpan.FromSeconds(1)) { Burst = 2 };
            q.Retry = Retry.Fixed(7, TimeSpan.FromSeconds(9)) with { Within = TimeSpan.FromHours(1) };
            q.PriorityRules.Add(new PriorityRule(new TimeWindow(new TimeOnly(8, 0), new TimeOnly(18, 0), "Europe/Berlin"), -5) { KeyPrefix = "vip" });
            q.OpenHours = new OpenHours([new TimeWindow(new TimeOnly(0, 0), new TimeOnly(23, 0), "UTC")]);
            q.Ageing = TimeSpan.FromMinutes(1);
        });
        for (int i = 0; i < 2; i++)
        {
            await test.Outside().ChangeAsync(q =>
            {
                q.Rate.ShouldBe(new Rate(5, TimeSpan.FromSeconds(1)) { Burst = 2 });
                q.Retry.ShouldBe(Retry.Fixed(7, TimeSpan.FromSeconds(9)) with { Within = TimeSpan.FromHours(1) });
                q.PriorityRules.ShouldHaveSingleItem().KeyPrefix.ShouldBe("vip");
                q.PriorityRules[0].Window.Zone.ShouldBe("Europe/Berlin");
                q.OpenHours!.Windows.ShouldHaveSingleItem().To.ShouldBe(new TimeOnly(23, 0));
                q.Ageing.ShouldBe(TimeSpan.FromMinutes(1));
            });
            await test.CrashAsync();
        }
    }

    [Theory]
    [InlineData(ErrorCodes.BadOption)]
    [InlineData(ErrorCodes.PoolNeverEnough)]
    [InlineData(ErrorCodes.UnknownDependency)]
    public async Task A_policy_that_would_be_refused_at_the_start_is_refused(string code)
    {
        await using FlowTest test = await Workers.StartAsync(q => q.Concurrency = 1);

        var refused = await Should.ThrowAsync<PerdureException>(() => test.Outside().ChangeAsync(q =>
        {
            q.Concurrency = code == ErrorCodes.BadOption ? 0 : 9;
            q.Dependency = code == ErrorCodes.UnknownDependency ? "nobody" : null;
            if (code == ErrorCodes.PoolNeverEnough)
            {
                q.Uses.Add(new PoolUse("nothing"));
            }
        }));

        refused.Code.ShouldBe(code);
        QueueOptions? seen = null;
        await test.Outside().ChangeAsync(q => seen = q);
        seen!.Concurrency.ShouldBe(1);
    }

    [Fact]
    public async Task A_changed_policy_that_needs_more_than_a_pool_has_by_now_does_not_stop_the_queue()
    {
        await using FlowTest test = await FlowTest.StartAsync(s => Add(s, units: 4));
        await test.Perdure.Queue("work").ChangeAsync(q => q.Uses.Add(new PoolUse("gpu", 4)));

        await test.CrashAsync(s => Add(s, units: 2));

        (await (await test.Perdure.EnqueueAsync(new Request("a"))).ResultAsync()).ShouldBe("a");

        static void Add(IServiceCollection services, int units) => services.AddPerdure(p => p
            .UseMemory().AddPool("gpu", o => o.Capacity = units).AddQueue("work").AddHandler<Request, string>("work", (r, _) => Task.FromResult(r.Url)));
    }

    [Fact]
    public async Task A_limit_below_what_runs_lets_no_job_start_until_fewer_run()
    {
        await using FlowTest test = await Workers.StartAsync(q => q.Concurrency = 4);
        await test.Perdure.EnqueueManyAsync(Enumerable.Range(0, 10).Select(i => new Chore($"{i}")));
        IReadOnlyList<LeasedJob> held = await test.PullAsync(max: 10);

        await test.Outside().ChangeAsync(q => q.Concurrency = 2);

        (await held[3].RenewAsync()).ShouldBeTrue();
        await held[0].CompleteAsync();
        await held[1].CompleteAsync();
        (await test.PullAsync(max: 10)).ShouldBeEmpty();
        await held[2].CompleteAsync();
        (await test.PullAsync(max: 10)).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Changes_at_the_same_time_are_all_made()
    {
        await using FlowTest test = await Workers.StartAsync(q => q.BacklogMax = 100);

        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => test.Outside().ChangeAsync(q => q.BacklogMax++)));

        int max = 0;
        await test.Outside().ChangeAsync(q => max = q.BacklogMax);
        max.ShouldBe(110);
    }

    [Fact]
    public async Task A_changed_priority_is_that_of_the_jobs_that_come()
    {
        await using FlowTest test = await Workers.StartAsync();
        await test.Perdure.EnqueueAsync(new Chore("before"));
        await test.Outside().ChangeAsync(q => q.Priority = -1);
        await test.Perdure.EnqueueAsync(new Chore("after"));

        (await test.PullAsync(max: 2)).Select(j => j.Key).ShouldBe(["after", "before"]);
    }

    [Fact]
    public async Task Statistics_say_how_a_queue_does()
    {
        await using FlowTest test = await Workers.StartAsync(q =>
        {
            q.BacklogMax = 8;
            q.WhenFull = WhenFull.Block;
        });
        await test.Perdure.EnqueueManyAsync(Enumerable.Range(0, 6).Select(i => new Chore($"{i}")));
        await test.Perdure.EnqueueAsync(new Chore("urgent"), new JobOptions { Priority = -1 });
        await test.Perdure.EnqueueAsync(new Chore("later"), new JobOptions { Delay = TimeSpan.FromHours(1) });
        Task blocked = test.Perdure.EnqueueAsync(new Chore("blocked"));
        await test.AdvanceAsync(TimeSpan.FromSeconds(10));

        QueueStats before = await test.Outside().StatsAsync();

        (before.Waiting, before.Delayed, before.Running, before.BlockedCallers).ShouldBe((7, 1, 0, 1));
        before.OldestWait!.Value.TotalSeconds.ShouldBe(10, 0.1);
        before.ExpectedWait.ShouldBeNull();

        IReadOnlyList<LeasedJob> jobs = await test.PullAsync(max: 3); // the urgent one and two others
        await blocked;
        await jobs[0].CompleteAsync();
        await jobs[1].CompleteAsync();
        await test.Outside().DrainAsync();
        QueueStats after = await test.Outside().StatsAsync();

        (after.Waiting, after.Delayed, after.Running, after.BlockedCallers).ShouldBe((5, 1, 1, 0));
        (after.IsPaused, after.IsDraining).ShouldBe((false, true));
        after.EndsPerSecond!.Value.ShouldBe(0.2, 0.01); // 2 in 10 s
        after.ExpectedWait!.Value.TotalSeconds.ShouldBe(25, 1);
        (await test.Outside().StatsAsync(priority: -1)).ExpectedWait.ShouldBe(TimeSpan.Zero);
        await test.AdvanceAsync(TimeSpan.FromMinutes(2));
        (await test.Outside().StatsAsync()).ExpectedWait.ShouldBeNull();
    }

    [Fact]
    public async Task Jobs_are_cancelled_by_their_key()
    {
        await using FlowTest test = await Workers.StartAsync();
        await test.Perdure.EnqueueManyAsync([new Chore("a"), new Chore("b"), new Chore("a"), new Chore("a")]);
        LeasedJob held = (await test.PullAsync())[0];

        (await test.Perdure.CancelJobsAsync(new JobFilter { Queue = "outside", Key = "a", Status = JobStatus.Waiting })).ShouldBe(2);
        (await held.RenewAsync()).ShouldBeTrue();
        (await test.Perdure.CancelJobsAsync(new JobFilter { Key = "a" }, "the customer has left")).ShouldBe(1);
        (await test.Perdure.CancelJobsAsync(new JobFilter { Key = "a" })).ShouldBe(0);

        (await held.RenewAsync()).ShouldBeFalse();
        (await test.Outside().StatsAsync()).Waiting.ShouldBe(1);
    }

    [Fact]
    public async Task At_most_as_many_are_cancelled_as_the_filter_says_the_newest_first()
    {
        await using FlowTest test = await Workers.StartAsync();
        await test.Perdure.EnqueueManyAsync(Enumerable.Range(0, 700).Select(i => new Chore($"{i}")));

        (await test.Perdure.CancelJobsAsync(new JobFilter { Limit = 600 })).ShouldBe(600);

        (await test.PullAsync(max: 1_000)).Select(j => j.Key).ShouldBe(Enumerable.Range(0, 100).Select(i => $"{i}"));
    }

    [Fact]
    public async Task A_list_shows_open_and_ended_jobs_as_they_are_the_newest_first()
    {
        await using FlowTest test = await Workers.StartAsync();
        foreach (string name in (string[])["done", "dead", "running", "waits"])
        {
            await test.Perdure.EnqueueAsync(new Request(name), new JobOptions { Key = name });
        }

        IReadOnlyList<LeasedJob> jobs = await test.PullAsync(max: 3);
        await jobs[0].CompleteAsync("ok");
        await jobs[1].FailAsync(ErrorKind.Rejected, "no");

        (await ListAsync(test, new JobFilter())).ShouldBe(["waits Waiting", "running Running", "dead Failed", "done Completed"]);
        (await ListAsync(test, new JobFilter { Limit = 2 })).ShouldBe(["waits Waiting", "running Running"]);
        (await ListAsync(test, new JobFilter { Status = JobStatus.Running })).ShouldBe(["running Running"]);
        (await ListAsync(test, new JobFilter { Status = JobStatus.Failed, Queue = "outside" })).ShouldBe(["dead Failed"]);
    }

    private static async Task<List<string>> ListAsync(FlowTest test, JobFilter filter)
    {
        List<string> seen = [];
        await foreach (JobInfo job in test.Perdure.ListAsync(filter))
        {
            seen.Add($"{job.Key} {job.Status}");
        }

        return seen;
    }
}
