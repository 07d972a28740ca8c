using Perdure.Diagnostics;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Tests.Queues;

/// <summary>Nobody knows whether a commit is durable while handlers of this process run on.</summary>
public class LostWorkTests
{
    private static readonly JobOptions Kept = new() { KeepResult = TimeSpan.FromHours(1) };

    [Fact]
    public async Task A_handler_is_told_of_a_cancel_whose_commit_was_lost()
    {
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestHost host = await StartAsync(async (_, job) =>
        {
            began.SetResult();
            await using (job.CancellationToken.Register(told.SetResult))
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, job);
            }
        });
        JobHandle handle = await host.Perdure.EnqueueAsync(new Errand("bread"), Kept);
        await began.Task.Soon();
        LoseNext(host, batch => batch.JobUpdates.Count > 0);

        await Should.ThrowAsync<StoreUnavailableException>(() => handle.CancelAsync().Soon());

        await told.Task.Soon();
        await Should.ThrowAsync<JobCancelledException>(() => handle.DoneAsync().Soon());
    }

    [Fact]
    public async Task What_runs_on_after_a_lost_commit_still_counts_against_what_it_depends_on()
    {
        int inside = 0;
        int most = 0;
        var began = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using TestHost host = await StartAsync(async (_, _) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref inside));
            began.TrySetResult();
            await go.Task;
            Interlocked.Decrement(ref inside);
        }, q => (q.Concurrency, q.Dependency) = (null, "shop"), p => p.AddDependency("shop", d => d.Concurrency = 1));
        JobHandle first = await host.Perdure.EnqueueAsync(new Errand("bread"), Kept);
        await began.Task.Soon();
        LoseNext(host, batch => batch.NewJobs.Count > 0);

        await Should.ThrowAsync<StoreUnavailableException>(() => host.Perdure.EnqueueAsync(new Errand("milk"), Kept).Soon());

        JobHandle last = await host.Perdure.EnqueueAsync(new Errand("eggs"), Kept).Soon();
        (await last.DescribeAsync().Soon()).Status.ShouldBe(JobStatus.Waiting);
        go.SetResult();
        await first.DoneAsync().Soon();
        await last.DoneAsync().Soon();
        most.ShouldBe(1);
    }

    [Fact]
    public async Task A_job_that_a_worker_got_before_its_turn_has_its_own_priority_after_a_restart()
    {
        TestHost host = await TestHost.StartAsync(p => p.AddQueue("outside").AddJob<Ride>("outside"));
        Task<IReadOnlyList<LeasedJob>> pull = host.Perdure.Queue("outside").LeaseAsync("w1", 1, Timeout.InfiniteTimeSpan);
        NowOrLater<string> answer = await host.Perdure.TryNowAsync(new Ride("home"), TimeSpan.FromMilliseconds(100), new JobOptions { Priority = 7 }).Soon();
        await pull.Soon();

        await using TestHost next = await host.RestartAsync();

        (await next.Perdure.Job(answer.Job!.Id).DescribeAsync().Soon()).Priority.ShouldBe(7);
    }

    [Fact]
    public async Task A_job_of_a_flow_comes_once_where_its_batch_was_refused_and_taken_apart()
    {
        int runs = 0;
        await using TestHost host = await StartAsync((_, _) => Task.FromResult(Interlocked.Increment(ref runs)), q => q.Concurrency = 1, p => p.AddFlow("shop", async (string what, FlowContext flow) =>
        {
            await flow.Call(new Errand(what));
            return what;
        }));
        ShardBatch? refused = null;
        host.Store.RefuseBatch = batch => (refused ??= batch.NewJobs.Count > 0 ? batch : null) == batch;

        FlowHandle<string> flow = await host.Perdure.Flow<string, string>("shop").StartAsync("bread", "1");

        await flow.ResultAsync().Soon();
        JobHandle next = await host.Perdure.EnqueueAsync(new Errand("milk"), Kept).Soon();
        await next.DoneAsync().Soon();
        refused.ShouldNotBeNull();
        runs.ShouldBe(2);
    }

    [Fact]
    public async Task A_start_that_a_rate_counts_is_on_disk_before_the_handler_begins()
    {
        int runs = 0;
        var died = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        TestHost host = await StartAsync((_, _) => Task.FromResult(Interlocked.Increment(ref runs)), q => q.Rate = new Rate(1, TimeSpan.FromHours(1)));
        host.Store.DieBeforeCommit = batches =>
        {
            bool dies = batches.Any(b => b.Memos.Any(m => m.Name.StartsWith("rate/", StringComparison.Ordinal)));
            if (dies)
            {
                died.TrySetResult();
            }

            return dies;
        };
        JobHandle job = await host.Perdure.EnqueueAsync(new Errand("bread"), Kept with { Delay = TimeSpan.FromMilliseconds(50) });
        await died.Task.Soon();

        await using TestHost next = await host.CrashAsync();
        await next.Perdure.Job(job.Id).DoneAsync().Soon();

        runs.ShouldBe(1);
    }

    [Fact]
    public async Task A_policy_that_cannot_be_read_does_not_keep_the_queues_from_starting()
    {
        TestHost host = await StartAsync((_, _) => Task.CompletedTask);
        int home = host.Node.HomeShard.Index;
        await host.DisposeAsync();
        ShardLease lease = (await host.Memory.TakeShardsAsync([home], Guid.NewGuid(), CancellationToken.None))[0];
        var batch = new ShardBatch(lease, lease.Batch + 1, lease.Time);
        batch.Memos.Add(new MemoRow("policy/errands", "{\"concurrency\":\"many\"}"u8.ToArray()));
        (await host.Memory.CommitAsync([batch], CancellationToken.None))[0].Outcome.ShouldBe(CommitOutcome.Committed);

        await using TestHost next = await host.RestartAsync();

        await (await next.Perdure.EnqueueAsync(new Errand("bread"), Kept).Soon()).DoneAsync().Soon();
        next.Log.Lines.ShouldContain(l => l.Contains("policy of queue errands", StringComparison.Ordinal));
    }

    [Fact]
    public void Times_of_jobs_that_are_gone_are_forgotten_long_before_they_come()
    {
        var times = new DueJobs(number => number <= 100);
        DateTimeOffset late = DateTimeOffset.UnixEpoch.AddYears(1);

        for (int number = 1; number <= 100_000; number++)
        {
            times.Add(number, late);
            times.Add(1, late);
        }

        times.Count.ShouldBeLessThanOrEqualTo(1_024);
        List<long> due = [];
        while (times.TryTake(late, out long number))
        {
            due.Add(number);
        }

        due.Where(n => n <= 100).Distinct().Count().ShouldBe(100);
    }

    /// <summary>The next commit of such a batch lands, and nobody hears of it.</summary>
    private static void LoseNext(TestHost host, Func<ShardBatch, bool> which) => host.Store.Answer = (batches, answers) =>
    {
        if (!batches.Any(which))
        {
            return answers;
        }

        host.Store.Answer = null;
        throw new StoreException(ErrorCodes.StoreFailed, "the connection broke");
    };

    private static Task<TestHost> StartAsync(Func<Errand, JobContext, Task> handle, Action<QueueOptions>? queue = null, Action<PerdureBuilder>? more = null)
        => TestHost.StartAsync(p =>
        {
            more?.Invoke(p);
            p.AddQueue("errands", queue).AddHandler<Errand>("errands", handle);
        });

    private sealed record Errand(string What) : IJob;

    private sealed record Ride(string Where) : IJob<string>;
}
