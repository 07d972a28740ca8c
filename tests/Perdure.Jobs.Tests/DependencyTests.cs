using Perdure.Diagnostics;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

/// <summary>What jobs depend on: what they tell its breaker, take from its budget, and hold of it over restarts.</summary>
public sealed class DependencyTests
{
    [Fact]
    public async Task A_job_that_killed_its_processes_says_nothing_of_what_it_depends_on()
    {
        await using Workshop shop = await Workshop.OpenAsync(async (s, r, job) =>
        {
            if (r.Url == "poison")
            {
                await s.WorkAsync(TimeSpan.FromHours(1), job);
            }

            return r.Url == "down" ? throw new IOException("down") : r.Url;
        }, q => (q.Dependency, q.Retry) = ("machine", Retry.None), more: p => p.AddDependency("machine", d => (d.OpenAt, d.AtLeast) = (1, 1)), time: TestTime.ByHand);
        JobHandle poison = await shop.Perdure.EnqueueAsync((IJob)new Request("poison"));
        for (int deaths = 0; deaths < 5; deaths++)
        {
            await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(1));
            await shop.Test.CrashAsync();
        }

        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(1));
        (await shop.Perdure.Job(poison.Id).DescribeAsync()).Error!.Code.ShouldBe(ErrorCodes.CrashSuspect);

        await shop.Perdure.EnqueueAsync((IJob)new Request("down"));
        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(1));
        JobHandle next = await shop.Perdure.EnqueueAsync((IJob)new Request("next"));
        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(1));

        (await next.DescribeAsync()).Status.ShouldBe(JobStatus.Waiting); // the one that failed is all that is known, so the breaker is open
    }

    [Fact]
    public async Task A_jobs_retries_are_taken_from_the_budget_for_retries()
    {
        List<DateTimeOffset> attempts = [];
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddPerdure(p => p
            .UseMemory()
            .AddDependency("machine", d => (d.OpenAt, d.RetryBudget, d.RetriesPerSecond, d.Window) = (null, 0, 1, TimeSpan.FromSeconds(1)))
            .AddQueue("work", q => (q.Dependency, q.Retry) = ("machine", Retry.Fixed(3, TimeSpan.FromMilliseconds(100))))
            .AddHandler<Request, string>("work", (_, job) =>
            {
                attempts.Add(job.Get<TimeProvider>().GetUtcNow());
                return job.Attempt < 3 ? throw new IOException("down") : Task.FromResult("up");
            })));

        (await (await test.Perdure.EnqueueAsync(new Request("/a"))).ResultAsync()).ShouldBe("up");

        (attempts[1] - attempts[0]).ShouldBeLessThan(TimeSpan.FromMilliseconds(500));
        (attempts[2] - attempts[1]).ShouldBeGreaterThan(TimeSpan.FromMilliseconds(800)); // one retry per second, in tenths of it
    }

    [Fact]
    public async Task A_job_that_a_worker_outside_has_holds_what_it_depends_on_over_a_crash()
    {
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddPerdure(p => p
            .UseMemory()
            .AddDependency("road", d => d.Concurrency = 1)
            .AddQueue("outside", q => (q.Concurrency, q.Dependency) = (null, "road"))
            .AddJob<Chore>("outside")), new FlowTestOptions { Time = TestTime.ByHand });
        await test.Perdure.EnqueueManyAsync([new Chore("a"), new Chore("b")]);
        (await test.PullAsync(max: 2)).ShouldHaveSingleItem();

        await test.CrashAsync();

        (await test.PullAsync(max: 2)).ShouldBeEmpty();
        await test.AdvanceAsync(TimeSpan.FromSeconds(31));
        (await test.PullAsync(max: 2)).ShouldHaveSingleItem();
    }
}
