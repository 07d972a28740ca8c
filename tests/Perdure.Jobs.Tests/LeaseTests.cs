using Perdure.Diagnostics;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

public sealed class LeaseTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LeaseAndMargin = TimeSpan.FromSeconds(31);

    [Fact]
    public async Task A_worker_outside_pulls_a_job_and_answers()
    {
        await using FlowTest test = await Workers.StartAsync();
        JobHandle<string> handle = await test.Perdure.EnqueueAsync(new Request("/me"), new JobOptions { Key = "a" });

        LeasedJob job = (await test.PullAsync()).ShouldHaveSingleItem();

        (job.Id, job.Type, job.Key, job.Attempt).ShouldBe((handle.Id, "request", "a", 1));
        job.Read<Request>().ShouldBe(new Request("/me"));
        job.LeaseUntil.ShouldBe(test.Now + Lease);
        JobInfo info = await handle.DescribeAsync();
        (info.Status, info.Worker, info.LeaseUntil).ShouldBe((JobStatus.Running, "w1", job.LeaseUntil));
        await job.CompleteAsync("it is me");
        (await handle.ResultAsync()).ShouldBe("it is me");
        (await handle.DescribeAsync()).Worker.ShouldBeNull();
    }

    [Fact]
    public async Task A_pull_gets_nothing_when_its_wait_is_over()
    {
        await using FlowTest test = await Workers.StartAsync(time: TestTime.MovesByItself);
        DateTimeOffset began = test.Now;

        (await test.Outside().LeaseAsync("w1", 1, TimeSpan.FromSeconds(20))).ShouldBeEmpty();

        (test.Now - began).TotalSeconds.ShouldBe(20, 0.01);
    }

    [Fact]
    public async Task The_pull_that_has_waited_longest_gets_the_job()
    {
        await using FlowTest test = await Workers.StartAsync();
        Task<IReadOnlyList<LeasedJob>> first = test.Outside().LeaseAsync("w1", 1, Timeout.InfiniteTimeSpan);
        Task<IReadOnlyList<LeasedJob>> second = test.Outside().LeaseAsync("w2", 5, Timeout.InfiniteTimeSpan);
        await test.IdleAsync();

        await test.Perdure.EnqueueManyAsync([new Chore("a"), new Chore("b"), new Chore("c")]);

        (await first).Select(j => j.Key).ShouldBe(["a"]);
        (await second).Select(j => j.Key).ShouldBe(["b", "c"]);
    }

    [Fact]
    public async Task A_job_whose_lease_ends_is_given_back_and_its_old_worker_can_do_nothing_to_it()
    {
        await using FlowTest test = await Workers.StartAsync(q => q.Concurrency = 1);
        await test.Perdure.EnqueueAsync(new Chore("a"));
        LeasedJob old = (await test.PullAsync())[0];

        await test.AdvanceAsync(LeaseAndMargin - TimeSpan.FromMilliseconds(10));
        (await test.PullAsync()).ShouldBeEmpty();
        await test.AdvanceAsync(TimeSpan.FromMilliseconds(20));
        LeasedJob again = (await test.PullAsync()).ShouldHaveSingleItem();

        (again.Id, again.Attempt).ShouldBe((old.Id, 1));
        (await old.RenewAsync()).ShouldBeFalse();
        foreach (Func<Task> call in (Func<Task>[])[() => old.CompleteAsync(), () => old.ReleaseAsync(), () => old.FailAsync(ErrorKind.Rejected, "no")])
        {
            (await Should.ThrowAsync<PerdureException>(call)).Code.ShouldBe(ErrorCodes.LeaseLost);
        }

        await again.CompleteAsync();
        (await Should.ThrowAsync<PerdureException>(() => again.CompleteAsync())).Code.ShouldBe(ErrorCodes.LeaseLost);
    }

    [Fact]
    public async Task A_job_on_which_worker_after_worker_falls_silent_is_a_dead_letter()
    {
        await using FlowTest test = await Workers.StartAsync(q => q.LostLeasesMax = 2);
        JobHandle handle = await test.Perdure.EnqueueAsync(new Chore("a"));
        for (int i = 0; i < 2; i++)
        {
            (await test.PullAsync()).Count.ShouldBe(1);
            await test.AdvanceAsync(LeaseAndMargin + TimeSpan.FromSeconds(1));
        }

        JobInfo info = await handle.DescribeAsync();

        (info.Status, info.Error!.Code, info.Attempts, info.Worker).ShouldBe((JobStatus.Failed, ErrorCodes.CrashSuspect, 0, null));
    }

    [Fact]
    public async Task Renewing_keeps_a_job_and_what_was_saved_until_somebody_cancels_it()
    {
        await using FlowTest test = await Workers.StartAsync();
        JobHandle handle = await test.Perdure.EnqueueAsync(new Chore("a"));
        LeasedJob job = (await test.PullAsync())[0];
        for (int i = 1; i <= 10; i++)
        {
            await test.AdvanceAsync(Lease / 2);
            (await job.RenewAsync(i)).ShouldBeTrue();
            job.LeaseUntil.ShouldBe(test.Now + Lease);
        }

        await job.ReleaseAsync();
        job = (await test.PullAsync())[0];
        job.Saved<int>().Value.ShouldBe(10);
        await handle.CancelAsync();

        (await job.RenewAsync()).ShouldBeFalse();
        (await handle.DescribeAsync()).Status.ShouldBe(JobStatus.Cancelling);
        Task done = handle.DoneAsync();
        await job.ReleaseAsync();
        await Should.ThrowAsync<JobCancelledException>(() => done);
    }

    [Fact]
    public async Task A_job_that_is_cancelled_ends_with_its_lease_at_the_latest()
    {
        await using FlowTest test = await Workers.StartAsync();
        JobHandle handle = await test.Perdure.EnqueueAsync(new Chore("a"));
        _ = await test.PullAsync();
        await handle.CancelAsync();
        await test.CrashAsync();
        (await handle.DescribeAsync()).Status.ShouldBe(JobStatus.Cancelling);

        await test.AdvanceAsync(LeaseAndMargin + TimeSpan.FromSeconds(1));

        await Should.ThrowAsync<JobCancelledException>(() => handle.DoneAsync());
    }

    [Fact]
    public async Task Attempts_that_fail_at_a_worker_are_tried_again_and_rejected_ones_are_not()
    {
        await using FlowTest test = await Workers.StartAsync(q => q.Retry = Retry.Fixed(3, TimeSpan.FromSeconds(5)));
        JobHandle handle = await test.Perdure.EnqueueAsync(new Chore("a"));
        await (await test.PullAsync())[0].FailAsync(ErrorKind.Transient, "the disk is full");
        (await test.PullAsync()).ShouldBeEmpty();

        await test.AdvanceAsync(TimeSpan.FromSeconds(6));
        LeasedJob job = (await test.PullAsync())[0];
        job.Attempt.ShouldBe(2);
        await job.FailAsync(ErrorKind.Rejected, "no such chore");

        (await handle.DescribeAsync()).Errors.Select(e => e.Error.Message).ShouldBe(["the disk is full", "no such chore"]);
        (await Should.ThrowAsync<RejectedException>(() => handle.DoneAsync())).Reason.ShouldBe("no such chore");
    }

    [Fact]
    public async Task Leases_hold_over_crashes_and_their_workers_go_on()
    {
        await using FlowTest test = await Workers.StartAsync(q => q.Concurrency = 2);
        List<JobHandle> handles = [.. await test.Perdure.EnqueueManyAsync([new Chore("a"), new Chore("b"), new Chore("c")])];
        IReadOnlyList<LeasedJob> held = await test.PullAsync(max: 3);
        held.Count.ShouldBe(2);

        await test.CrashAsync();

        (await test.PullAsync()).ShouldBeEmpty();
        await held[0].CompleteAsync();
        await Should.ThrowAsync<JobNotFoundException>(() => handles[0].DescribeAsync());
        LeasedJob next = (await test.PullAsync(max: 3)).ShouldHaveSingleItem();
        next.Read<Chore>().Name.ShouldBe("c"); // read from the store
        (await held[1].RenewAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task Jobs_of_a_queue_that_a_new_build_does_not_know_wait_for_one_that_does_also_those_with_a_worker()
    {
        await using FlowTest test = await Workers.StartAsync();
        JobHandle job = await test.Perdure.EnqueueAsync(new Chore("a"));
        await test.Perdure.EnqueueAsync(new Chore("b"));
        LeasedJob held = (await test.PullAsync()).ShouldHaveSingleItem();

        await test.CrashAsync(services => services.AddPerdure(p => p.UseMemory().AddQueue("other")));
        (await Should.ThrowAsync<PerdureException>(() => held.CompleteAsync())).Code.ShouldBe(ErrorCodes.LeaseLost);
        await test.AdvanceAsync(TimeSpan.FromMinutes(10));
        (await test.Perdure.Job(job.Id).DescribeAsync()).Status.ShouldBe(JobStatus.Waiting);
        await test.CrashAsync(services => services.AddPerdure(p => p.UseMemory().AddQueue("outside").AddJob<Chore>("outside")));
        await test.AdvanceAsync(TimeSpan.FromMinutes(10));

        (await test.PullAsync(max: 5)).Select(j => j.Read<Chore>().Name).Order().ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task A_pull_that_is_stopped_takes_no_job_with_it()
    {
        await using FlowTest test = await Workers.StartAsync();
        using var waiting = new CancellationTokenSource();
        Task<IReadOnlyList<LeasedJob>> stopped = test.Outside().LeaseAsync("w1", 1, Timeout.InfiniteTimeSpan, waiting.Token);
        await test.IdleAsync();
        await waiting.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => stopped);
        await test.Perdure.EnqueueAsync(new Chore("a"));

        for (int i = 0; i < 20; i++)
        {
            using var assigned = new CancellationTokenSource();
            Task<IReadOnlyList<LeasedJob>> pull = test.Outside().LeaseAsync("w2", 1, TimeSpan.Zero, assigned.Token);
            await assigned.CancelAsync(); // before or after the job is assigned
            try
            {
                await (await pull)[0].ReleaseAsync();
            }
            catch (OperationCanceledException)
            {
                // It is given back.
            }
        }

        (await test.PullAsync()).ShouldHaveSingleItem().Attempt.ShouldBe(1);
    }

    [Fact]
    public async Task Jobs_that_handlers_do_cannot_be_pulled()
    {
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddPerdure(p => p
            .UseMemory().AddQueue("inside").AddHandler<Chore>("inside", (_, _) => Task.CompletedTask)));

        (await Should.ThrowAsync<PerdureException>(() => test.Perdure.Queue("inside").LeaseAsync("w1", 1, TimeSpan.Zero))).Code.ShouldBe(ErrorCodes.QueueIsHandled);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Never_are_more_leases_valid_than_may_run(int seed)
    {
        const int Max = 3;
        var random = new Random(seed);
        await using FlowTest test = await Workers.StartAsync(q =>
        {
            q.Concurrency = Max;
            q.ConcurrencyPerKey = 2;
            q.LostLeasesMax = 1_000;
        });
        List<LeasedJob> held = [];
        int done = 0;
        int crashes = 0;
        int lost = 0;
        for (int i = 0; i < 60; i++)
        {
            await test.Perdure.EnqueueAsync(new Chore($"k{i % 3}"));
        }

        for (int i = 0; i < 2_000 && done < 60; i++)
        {
            lost += held.RemoveAll(j => j.LeaseUntil <= test.Now);
            LeasedJob? one = held.Count > 0 ? held[random.Next(held.Count)] : null;
            switch (random.Next(8))
            {
                case 0 or 1 or 2:
                    held.AddRange(await test.PullAsync(random.Next(1, 4), $"w{i}"));
                    break;
                case 3 when one is not null:
                    await one.CompleteAsync();
                    held.Remove(one);
                    done++;
                    break;
                case 4 when one is not null:
                    (await one.RenewAsync()).ShouldBeTrue();
                    break;
                case 5 when one is not null:
                    await one.ReleaseAsync();
                    held.Remove(one);
                    break;
                case 6:
                    await test.AdvanceAsync(TimeSpan.FromSeconds(random.Next(1, 25)));
                    break;
                case 7 when random.Next(4) == 0:
                    await test.CrashAsync();
                    crashes++;
                    break;
            }

            List<LeasedJob> valid = held.FindAll(j => j.LeaseUntil > test.Now);
            valid.Count.ShouldBeLessThanOrEqualTo(Max);
            valid.GroupBy(j => j.Key).ShouldAllBe(g => g.Count() <= 2);
            valid.Select(j => j.Id).Distinct().Count().ShouldBe(valid.Count);
        }

        done.ShouldBe(60);
        crashes.ShouldBeGreaterThan(2);
        lost.ShouldBeGreaterThan(2);
    }
}
