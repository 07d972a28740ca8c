using Perdure.Testing;

namespace Perdure.Jobs.Tests;

public sealed class TryNowTests
{
    private static readonly TimeSpan Budget = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task A_job_that_is_quick_is_done_at_once()
    {
        await using FlowTest test = await StartAsync((_, _) => Task.FromResult("liked"));

        NowOrLater<string> answer = await test.Perdure.TryNowAsync(new Request("/like"), Budget);

        answer.IsDone.ShouldBeTrue();
        answer.Result.ShouldBe("liked");
    }

    [Fact]
    public async Task A_job_that_is_slow_is_accepted_when_the_budget_ends_and_done_later()
    {
        int attempts = 0;
        await using FlowTest test = await StartAsync(async (job, time) =>
        {
            if (job.Attempt == 1)
            {
                attempts++;
                await Task.Delay(TimeSpan.FromSeconds(3), time, job);
            }

            return "liked";
        });
        DateTimeOffset began = test.Now;

        NowOrLater<string> answer = await test.Perdure.TryNowAsync(new Request("/like"), Budget);

        answer.IsAccepted.ShouldBeTrue();
        (test.Now - began).ShouldBeLessThan(TimeSpan.FromMilliseconds(250));
        (await answer.Job!.ResultAsync()).ShouldBe("liked");
        attempts.ShouldBe(1);
        (test.Now - began).ShouldBeLessThan(TimeSpan.FromSeconds(2)); // the attempt was cancelled, not waited for
    }

    [Fact]
    public async Task The_jobs_own_time_out_holds_where_it_is_shorter_than_the_budget()
    {
        await using FlowTest test = await StartAsync(async (job, time) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3), time, job);
            return "liked";
        });
        DateTimeOffset began = test.Now;

        NowOrLater<string> answer = await test.Perdure.TryNowAsync(new Request("/like"), TimeSpan.FromSeconds(10), new JobOptions { Timeout = Budget });

        answer.IsAccepted.ShouldBeTrue();
        (test.Now - began).ShouldBeInRange(Budget, Budget + TimeSpan.FromMilliseconds(50));
    }

    [Fact]
    public async Task A_rejection_is_told_at_once()
    {
        await using FlowTest test = await StartAsync((_, _) => throw new RejectedException("the post is gone"));

        NowOrLater<string> answer = await test.Perdure.TryNowAsync(new Request("/like"), Budget);

        answer.IsRejected.ShouldBeTrue();
        answer.Rejection.ShouldBe("the post is gone");
    }

    [Fact]
    public async Task A_job_that_fails_for_a_passing_reason_is_accepted_at_once()
    {
        await using FlowTest test = await StartAsync((job, _) => job.Attempt == 1 ? throw new IOException("refused") : Task.FromResult("liked"));
        DateTimeOffset began = test.Now;

        NowOrLater<string> answer = await test.Perdure.TryNowAsync(new Request("/like"), Budget);

        answer.IsAccepted.ShouldBeTrue();
        (test.Now - began).ShouldBeLessThan(TimeSpan.FromMilliseconds(10));
        (await answer.Job!.ResultAsync()).ShouldBe("liked");
    }

    [Fact]
    public async Task Where_no_slot_is_free_the_job_is_accepted_at_once_and_waits_its_turn()
    {
        await using FlowTest test = await StartAsync(async (job, time) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(10), time, job);
            return "done";
        });
        await test.Perdure.EnqueueAsync(new Request("/long"));

        NowOrLater<string> answer = await test.Perdure.TryNowAsync(new Request("/like"), Budget);

        answer.IsAccepted.ShouldBeTrue();
    }

    [Fact]
    public async Task While_a_pool_is_saturated_a_job_that_it_does_not_admit_is_accepted_and_waits()
    {
        await using Workshop shop = await Workshop.OpenAsync(async (shop, r, job) =>
        {
            shop.Note(r.Url);
            await shop.WorkAsync(r.Url == "/long" ? TimeSpan.FromMinutes(1) : TimeSpan.Zero, job);
            return "done";
        }, q => q.Uses.Add(new PoolUse("database")), more: p => p.AddPool("database", o => (o.Capacity, o.SaturatedAt) = (3, 1)), time: TestTime.ByHand);
        await shop.Perdure.EnqueueAsync((IJob)new Request("/long"));

        NowOrLater<string> good = await shop.Perdure.TryNowAsync(new Request("/good"), Budget);
        NowOrLater<string> bad = await shop.Perdure.TryNowAsync(new Request("/bad"), Budget, new JobOptions { Priority = 1 });

        (good.IsDone, bad.IsAccepted).ShouldBe((true, true));
        shop.Log.ShouldBe(["/long", "/good"]);
        await shop.Test.AdvanceAsync(TimeSpan.FromMinutes(2));
        (await bad.Job!.ResultAsync()).ShouldBe("done");
    }

    private static Task<FlowTest> StartAsync(Func<JobContext, TimeProvider, Task<string>> handle)
        => FlowTest.StartAsync(services => services.AddPerdure(p => p
            .UseMemory()
            .AddQueue("requests", q => q.Concurrency = 1)
            .AddHandler<Request, string>("requests", (_, job) => handle(job, job.Get<TimeProvider>()))));
}
