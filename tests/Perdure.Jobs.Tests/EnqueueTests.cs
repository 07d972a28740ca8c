using Perdure.Diagnostics;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

/// <summary>What comes of enqueueing: order among callers who wait for room, jobs that end at once, options that make no sense.</summary>
public sealed class EnqueueTests
{
    [Fact]
    public async Task Who_enqueues_a_job_without_a_result_and_then_waits_for_it_is_told_though_it_has_ended()
    {
        await using FlowTest test = await StartAsync((_, _) => Task.CompletedTask);

        JobHandle job = await test.Perdure.EnqueueAsync(new Chore("dishes"));
        await test.IdleAsync();

        await job.DoneAsync();
    }

    [Fact]
    public async Task A_job_that_is_not_there_is_named_in_full()
    {
        await using FlowTest test = await StartAsync((_, _) => Task.CompletedTask);

        JobNotFoundException missing = await Should.ThrowAsync<JobNotFoundException>(() => test.Perdure.Job("work-12ab").DoneAsync());

        missing.Message.ShouldContain("work-12ab");
        (await Should.ThrowAsync<JobNotFoundException>(() => test.Perdure.Job("work-12ab").DescribeAsync())).Message.ShouldContain("work-12ab");
    }

    [Fact]
    public async Task A_delay_of_less_than_nothing_is_refused()
    {
        await using FlowTest test = await StartAsync((_, _) => Task.CompletedTask);

        (await Should.ThrowAsync<PerdureException>(() => test.Perdure.EnqueueAsync(new Chore("dishes"), new JobOptions { Delay = TimeSpan.FromSeconds(-1) }))).Code.ShouldBe(ErrorCodes.BadOption);
    }

    [Theory]
    [InlineData("run at")]
    [InlineData("delay")]
    [InlineData("limit")]
    [InlineData("expiry")]
    [InlineData("retries")]
    public async Task A_time_beyond_all_calendars_is_for_ever(string what)
    {
        await using FlowTest test = await Workers.StartAsync();
        JobHandle job = await test.Perdure.EnqueueAsync(new Chore("a"), what switch
        {
            "run at" => new JobOptions { RunAt = DateTimeOffset.MaxValue },
            "delay" => new JobOptions { Delay = TimeSpan.MaxValue },
            "limit" => new JobOptions { Limit = TimeSpan.MaxValue },
            "expiry" => new JobOptions { ExpireAfter = TimeSpan.MaxValue },
            _ => new JobOptions { Retry = Retry.Fixed(3, TimeSpan.FromDays(1)) with { Within = TimeSpan.MaxValue } },
        });
        await test.AdvanceAsync(TimeSpan.FromDays(1));
        await test.CrashAsync();

        IReadOnlyList<LeasedJob> pulled = await test.PullAsync();

        pulled.Count.ShouldBe(what is "run at" or "delay" ? 0 : 1);
        foreach (LeasedJob leased in pulled)
        {
            await leased.FailAsync(ErrorKind.Transient, "not yet");
            (await job.DescribeAsync()).Attempts.ShouldBe(1);
        }
    }

    [Fact]
    public async Task Many_jobs_that_wait_for_room_are_not_passed_by_fewer_that_come_later()
    {
        List<string> done = [];
        await using FlowTest test = await StartAsync((chore, _) =>
        {
            done.Add(chore.Name);
            return Task.CompletedTask;
        }, q => (q.BacklogMax, q.WhenFull) = (3, WhenFull.Block));
        QueueHandle queue = test.Perdure.Queue("work");
        await queue.PauseAsync();
        await test.Perdure.EnqueueAsync(new Chore("first"));

        Task<IReadOnlyList<JobHandle>> many = test.Perdure.EnqueueManyAsync([new Chore("a"), new Chore("b"), new Chore("c")]);
        Task<JobHandle> later = test.Perdure.EnqueueAsync(new Chore("later"));
        await test.IdleAsync();

        (await queue.StatsAsync()).BlockedCallers.ShouldBe(2);
        await queue.ResumeAsync();
        await many;
        await (await later).DoneAsync();
        done.ShouldBe(["first", "a", "b", "c", "later"]);
    }

    [Fact]
    public async Task A_job_for_a_queue_that_stays_full_is_not_run_unrecorded()
    {
        int runs = 0;
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddPerdure(p => p.UseMemory().AddQueue("work", q => (q.BacklogMax, q.WhenFull) = (1, WhenFull.Block)).AddHandler<Request, string>("work", (r, _) =>
        {
            runs++;
            return Task.FromResult(r.Url);
        })), new FlowTestOptions { Time = TestTime.ByHand });
        await test.Perdure.Queue("work").PauseAsync();
        await test.Perdure.EnqueueAsync((IJob)new Request("/first"));

        Task<NowOrLater<string>> second = test.Perdure.TryNowAsync(new Request("/second"), TimeSpan.FromSeconds(1), whenStoreDown: WhenStoreDown.RunUnrecorded);
        await test.AdvanceAsync(TimeSpan.FromSeconds(2));

        (await Should.ThrowAsync<PerdureException>(() => second)).Code.ShouldBe(ErrorCodes.QueueFull);
        runs.ShouldBe(0);
    }

    private static Task<FlowTest> StartAsync(Func<Chore, JobContext, Task> handle, Action<QueueOptions>? queue = null)
        => FlowTest.StartAsync(services => services.AddPerdure(p => p.UseMemory().AddQueue("work", queue).AddHandler("work", handle)));
}
