using System.Collections.Concurrent;
using System.Text;
using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Tests.Cluster;

public sealed class HomeCallsTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly TestCluster _cluster;
    private readonly ConcurrentDictionary<string, int> _done = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _held = new(StringComparer.Ordinal);

    public HomeCallsTests() => _cluster = new TestCluster(Jobs);

    [Fact]
    public async Task A_client_on_another_node_enqueues_jobs_and_awaits_their_results()
    {
        (_, TestNode b) = await TwoAsync();

        JobHandle<int> one = await b.Perdure.EnqueueAsync(new Double(4)).Soon();
        (await one.ResultAsync().Soon()).ShouldBe(8);
        (await one.ResultAsync().Soon()).ShouldBe(8);
        (await one.DescribeAsync().Soon()).Status.ShouldBe(JobStatus.Completed);
        JobHandle plain = await b.Perdure.EnqueueAsync(new Work("plain")).Soon();
        await plain.DoneAsync().Soon();
        IReadOnlyList<JobHandle> many = await b.Perdure.EnqueueManyAsync([new Work("x"), new Double(1), new Work("y")]).Soon();
        await Task.WhenAll(many.Select(j => j.DoneAsync())).Soon();

        _done.ShouldBe(new Dictionary<string, int> { ["plain"] = 1, ["x"] = 1, ["y"] = 1 }, ignoreOrder: true);
    }

    [Fact]
    public async Task What_goes_wrong_with_a_job_is_told_to_a_client_on_another_node_as_on_its_own()
    {
        (_, TestNode b) = await TwoAsync();

        JobHandle bad = await b.Perdure.EnqueueAsync(new Work("bad")).Soon();
        (await Should.ThrowAsync<RejectedException>(bad.DoneAsync().Soon())).Message.ShouldContain("no");
        await Should.ThrowAsync<JobNotFoundException>(b.Perdure.Job("work-123").DoneAsync().Soon());
        await Should.ThrowAsync<JobNotFoundException>(b.Perdure.Job("work-123").DescribeAsync().Soon());
        await b.Perdure.Queue("work").DrainAsync().Soon();
        (await Should.ThrowAsync<PerdureException>(b.Perdure.EnqueueAsync(new Work("late")).Soon())).Code.ShouldBe(ErrorCodes.QueueDraining);
        await b.Perdure.Queue("work").ResumeAsync().Soon();
        JobHandle limited = await b.Perdure.EnqueueAsync(new Work("hold-limited"), new JobOptions { Limit = TimeSpan.FromMilliseconds(50) }).Soon();
        await Should.ThrowAsync<LimitReachedException>(limited.DoneAsync().Soon());
    }

    [Fact]
    public async Task A_job_that_is_the_same_is_joined_from_any_node_and_cancelled_by_the_last_who_wants_it()
    {
        (TestNode a, TestNode b) = await TwoAsync();
        var same = new JobOptions { DedupKey = "k" };

        JobHandle first = await a.Perdure.EnqueueAsync(new Work("hold-same"), same).Soon();
        JobHandle second = await b.Perdure.EnqueueAsync(new Work("hold-same"), same).Soon();
        second.Id.ShouldBe(first.Id);
        second.Enqueued.ShouldBe(Enqueued.Joined);
        (await b.Perdure.Queue("work").StatsAsync().Soon()).Running.ShouldBe(1);
        Task end = second.DoneAsync();
        (await first.CancelAsync("enough").Soon()).ShouldBe(CancelAnswer.Accepted);
        (await b.Perdure.Job(first.Id).DescribeAsync().Soon()).Status.ShouldBe(JobStatus.Running);
        (await second.CancelAsync("enough").Soon()).ShouldBe(CancelAnswer.Accepted);

        await Should.ThrowAsync<JobCancelledException>(end.Soon());
    }

    [Fact]
    public async Task A_queue_is_looked_after_from_any_node()
    {
        (_, TestNode b) = await TwoAsync();
        QueueHandle queue = b.Perdure.Queue("work");

        await queue.PauseAsync().Soon();
        await b.Perdure.EnqueueManyAsync([new Work("p1"), new Work("p2"), new Work("bad")]).Soon();
        (await queue.StatsAsync().Soon()).ShouldSatisfyAllConditions(s => s.IsPaused.ShouldBeTrue(), s => s.Waiting.ShouldBe(3));
        await queue.ChangeAsync(p => p.Concurrency = 2).Soon();
        (await b.Perdure.CancelJobsAsync(new JobFilter { Queue = "work", Limit = 1 }).Soon()).ShouldBe(1);
        (await ListAsync(b.Perdure.ListAsync(new JobFilter { Queue = "work", Status = JobStatus.Waiting }))).Count.ShouldBe(2);
        await b.Perdure.EnqueueAsync(new Work("bad")).Soon();
        await queue.ResumeAsync().Soon();
        await Deadline.UntilAsync("a dead letter", async () => (await ListAsync(queue.DeadLettersAsync())).Count == 1);

        JobInfo dead = (await ListAsync(queue.DeadLettersAsync()))[0];
        await (await queue.RedriveAsync(dead.Id, new Work("good")).Soon()).DoneAsync().Soon();
        _done["good"].ShouldBe(1);
        await b.Perdure.EnqueueAsync(new Work("bad")).Soon();
        await Deadline.UntilAsync("a second dead letter", async () => (await ListAsync(queue.DeadLettersAsync())).Count == 1);
        (await queue.RedriveAsync(new JobFilter(), new Rate(10, TimeSpan.FromSeconds(1))).Soon()).ShouldBe(1);
        await Deadline.UntilAsync("the dead letter again", async () => (await ListAsync(queue.DeadLettersAsync())).Count == 1);
        (await queue.DiscardAsync(new JobFilter()).Soon()).ShouldBe(1);
        await queue.ResetAsync().Soon();
    }

    [Fact]
    public async Task A_job_tried_now_from_another_node_gives_its_result_or_is_done_later()
    {
        (_, TestNode b) = await TwoAsync();

        NowOrLater<int> now = await b.Perdure.TryNowAsync(new Double(5), TimeSpan.FromSeconds(20)).Soon();
        (now.IsDone, now.Result).ShouldBe((true, 10));

        await b.Perdure.Queue("work").PauseAsync().Soon();
        NowOrLater<int> later = await b.Perdure.TryNowAsync(new Double(6), TimeSpan.FromSeconds(20)).Soon();
        later.IsDone.ShouldBeFalse();
        await b.Perdure.Queue("work").ResumeAsync().Soon();
        (await ((JobHandle<int>)later.Job!).ResultAsync().Soon()).ShouldBe(12);
    }

    [Fact]
    public async Task Events_are_published_once_from_any_node_and_their_subscriptions_looked_after()
    {
        (_, TestNode b) = await TwoAsync();

        PublishedEvent first = await b.Perdure.PublishAsync(new Happened("e1"), new PublishOptions { Id = "1" }).Soon();
        PublishedEvent again = await b.Perdure.PublishAsync(new Happened("e1"), new PublishOptions { Id = "1" }).Soon();
        (first.IsDuplicate, again.IsDuplicate, again.Position).ShouldBe((false, true, first.Position));
        (await Should.ThrowAsync<PerdureException>(b.Perdure.PublishAsync(new Happened("other"), new PublishOptions { Id = "1" }).Soon())).Code.ShouldBe(ErrorCodes.EventConflict);
        (await b.Perdure.PublishManyAsync([new Happened("e2"), new Happened("e3")]).Soon()).Select(e => e.Position).ShouldBe([first.Position + 1, first.Position + 2]);
        await b.Perdure.PublishCloudEventAsync(Encoding.UTF8.GetBytes("""{"specversion":"1.0","id":"c","source":"/s","type":"happened","subject":"c","data":{"name":"e4"}}""")).Soon();
        SubscriptionHandle hears = b.Perdure.Subscription("hears");
        await Deadline.UntilAsync("no lag", async () => (await hears.DescribeAsync()).Lag == 0);
        _done.ShouldBe(new Dictionary<string, int> { ["e1"] = 1, ["e2"] = 1, ["e3"] = 1, ["e4"] = 1 }, ignoreOrder: true);

        await hears.RewindAsync(SubscriptionStart.Beginning).Soon();
        await Deadline.UntilAsync("all once more", () => Task.FromResult(_done.Values.All(n => n == 2)));
        (await Should.ThrowAsync<PerdureException>(hears.RemoveAsync().Soon())).Code.ShouldBe(ErrorCodes.BadOption);
    }

    [Fact]
    public async Task A_schedule_is_looked_after_from_any_node()
    {
        (_, TestNode b) = await TwoAsync();
        ScheduleHandle schedule = b.Perdure.Schedule("yearly");

        await schedule.PauseAsync().Soon();
        (await schedule.DescribeAsync().Soon()).IsPaused.ShouldBeTrue();
        await schedule.ResumeAsync().Soon();
        await (await schedule.TriggerAsync().Soon()).DoneAsync().Soon();
        _done["yearly"].ShouldBe(1);
        (await schedule.BackfillAsync(new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(2022, 12, 31, 0, 0, 0, TimeSpan.Zero)).Soon()).ShouldBe(3);
        await Deadline.UntilAsync("all three", () => Task.FromResult(_done["yearly"] == 4));
    }

    [Fact]
    public async Task A_worker_outside_pulls_from_a_queue_by_any_node()
    {
        (_, TestNode b) = await TwoAsync();
        QueueHandle outside = b.Perdure.Queue("outside");

        Task<IReadOnlyList<LeasedJob>> pull = outside.LeaseAsync("w", 2, Timeout.InfiniteTimeSpan);
        JobHandle job = await b.Perdure.EnqueueAsync(new Remote("r1")).Soon();
        LeasedJob leased = (await pull.Soon()).ShouldHaveSingleItem();
        leased.Read<Remote>().Name.ShouldBe("r1");
        (await leased.RenewAsync(7).Soon()).ShouldBeTrue();
        (await leased.ReportAsync(0.5, "half").Soon()).ShouldBeTrue();
        (await job.DescribeAsync().Soon()).ShouldSatisfyAllConditions(i => i.Done.ShouldBe(0.5), i => i.Worker.ShouldBe("w"));
        await leased.ReleaseAsync().Soon();
        leased = (await outside.LeaseAsync("w", 1, TimeSpan.Zero).Soon()).ShouldHaveSingleItem();
        leased.Saved<int>().Value.ShouldBe(7);
        await leased.CompleteAsync().Soon();
        (await Should.ThrowAsync<PerdureException>(leased.CompleteAsync().Soon())).Code.ShouldBe(ErrorCodes.LeaseLost);
        (await outside.LeaseAsync("w", 1, TimeSpan.Zero).Soon()).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_pull_that_its_worker_withdraws_on_another_node_leaves_the_job_to_the_next()
    {
        (TestNode a, TestNode b) = await TwoAsync();
        using var stop = new CancellationTokenSource();

        Task<IReadOnlyList<LeasedJob>> pull = b.Perdure.Queue("outside").LeaseAsync("w", 1, Timeout.InfiniteTimeSpan, stop.Token);
        await stop.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(pull);
        await b.Perdure.EnqueueAsync(new Remote("r1")).Soon();

        (await a.Perdure.Queue("outside").LeaseAsync("v", 1, Timeout.InfiniteTimeSpan).Soon()).ShouldHaveSingleItem().Attempt.ShouldBe(1);
    }

    [Fact]
    public async Task A_pull_of_a_node_that_is_gone_gets_no_job()
    {
        (TestNode a, TestNode b) = await TwoAsync();
        _ = b.Perdure.Queue("outside").LeaseAsync("w", 1, Timeout.InfiniteTimeSpan);
        await Deadline.UntilAsync("the pull", () => Task.FromResult(!a.Node.Home.Leases.IsEmpty));

        b.Die();
        _cluster.Shared.Expire("b");
        await Deadline.UntilAsync("no pull", () => Task.FromResult(a.Node.Home.Leases.IsEmpty));
        await a.Perdure.EnqueueAsync(new Remote("r1")).Soon();

        (await a.Perdure.Queue("outside").LeaseAsync("v", 1, Timeout.InfiniteTimeSpan).Soon()).ShouldHaveSingleItem().Attempt.ShouldBe(1);
    }

    [Fact]
    public async Task A_client_on_another_node_follows_a_job_to_its_end()
    {
        (_, TestNode b) = await TwoAsync();
        JobHandle job = await b.Perdure.EnqueueAsync(new Work("hold-followed")).Soon();
        List<(JobStatus, double?)> seen = [];

        await foreach (JobProgress progress in job.FollowAsync().WithCancellation(new CancellationTokenSource(TimeSpan.FromSeconds(30)).Token))
        {
            seen.Add((progress.Status, progress.Done));
            if (progress.Done is not null)
            {
                Held("hold-followed").TrySetResult();
            }
        }

        seen.ShouldContain((JobStatus.Running, 0.5));
        seen[^1].ShouldBe((JobStatus.Completed, 0.5));
    }

    [Fact]
    public async Task Calls_under_way_are_answered_by_whoever_has_the_home_next()
    {
        (TestNode a, TestNode b) = await TwoAsync();
        TestNode c = await _cluster.JoinAndShareAsync("c");
        JobHandle held = await c.Perdure.EnqueueAsync(new Work("hold-moved")).Soon();
        Task end = held.DoneAsync();
        await Deadline.UntilAsync("an attempt", () => Task.FromResult(_held.ContainsKey("hold-moved")));

        a.Store.Freeze(); // nothing of what the home decides gets through any more
        Task<JobHandle<int>> enqueue = c.Perdure.EnqueueAsync(new Double(21));
        a.Die();
        _cluster.Shared.Expire("a");
        a.Store.GoOn();
        Held("hold-moved").TrySetResult();

        (await (await enqueue.Soon()).ResultAsync().Soon()).ShouldBe(42);
        await end.Soon();
        (await b.Perdure.Queue("work").StatsAsync().Soon()).Running.ShouldBe(0);
    }

    [Fact]
    public async Task A_job_from_another_node_comes_once_though_answers_of_commits_are_lost()
    {
        (TestNode a, TestNode b) = await TwoAsync();
        await a.Perdure.Queue("work").PauseAsync().Soon();
        int commits = 0;
        a.Store.Around = async (batches, commit) =>
        {
            IReadOnlyList<CommitAnswer> answers = await commit();
            return batches.Any(x => x.NewJobs.Count > 0) && Interlocked.Increment(ref commits) % 2 == 1 ? throw new IOException("the answer is lost") : answers;
        };

        JobHandle[] jobs = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => b.Perdure.EnqueueAsync(new Work($"once{i}")))).Soon();
        a.Store.Around = null;

        commits.ShouldBeGreaterThan(0);
        (await ListAsync(b.Perdure.ListAsync(new JobFilter { Queue = "work" }))).Select(j => j.Id).Order().ShouldBe(jobs.Select(j => j.Id).Order());
    }

    [Fact]
    public async Task A_job_from_another_node_that_the_store_refuses_is_refused_alone()
    {
        (TestNode a, TestNode b) = await TwoAsync();
        await a.Perdure.Queue("work").PauseAsync().Soon();
        a.Store.Around = async (batches, commit) => batches.Any(x => x.NewJobs.Any(j => j.Key == "poison"))
            ? [.. batches.Select(_ => new CommitAnswer(CommitOutcome.Refused, "poison"))]
            : await commit();

        Task<JobHandle>[] jobs = [.. Enumerable.Range(0, 10).Select(i => b.Perdure.EnqueueAsync(new Work($"r{i}"), new JobOptions { Key = i == 5 ? "poison" : "k" }))];
        (await Should.ThrowAsync<StoreUnavailableException>(jobs[5].Soon())).Code.ShouldBe(ErrorCodes.StoreRefused);
        await Task.WhenAll(jobs.Where((_, i) => i != 5)).Soon();
        Task<IReadOnlyList<JobHandle>> many = b.Perdure.EnqueueManyAsync([new Work("m1"), new Work("m2")], new JobOptions { Key = "poison" });
        await Should.ThrowAsync<StoreUnavailableException>(many.Soon());

        (await ListAsync(b.Perdure.ListAsync(new JobFilter { Queue = "work" }))).Count.ShouldBe(9);
    }

    [Fact]
    public async Task A_caller_on_another_node_waits_for_room_in_a_queue()
    {
        (TestNode a, TestNode b) = await TwoAsync();
        JobHandle[] first = [await a.Perdure.EnqueueAsync(new Small("hold-small1")).Soon(), await a.Perdure.EnqueueAsync(new Small("small2")).Soon()];

        Task<JobHandle> blocked = b.Perdure.EnqueueAsync(new Small("small3"));
        await Deadline.UntilAsync("a blocked caller", async () => (await a.Perdure.Queue("small").StatsAsync()).BlockedCallers == 1);
        blocked.IsCompleted.ShouldBeFalse();
        Held("hold-small1").TrySetResult();

        await (await blocked.Soon()).DoneAsync().Soon();
        await Task.WhenAll(first.Select(j => j.DoneAsync())).Soon();
    }

    [Fact]
    public async Task A_job_tried_now_from_another_node_for_a_queue_that_stays_full_is_refused_as_at_home()
    {
        var time = new ManualTime();
        await using var cluster = new TestCluster(Jobs, time);
        TestNode a = await cluster.JoinAndShareAsync("a");
        TestNode b = await cluster.JoinAsync("b");
        Task even = cluster.IsEvenAsync();
        await Deadline.UntilAsync("even shares", () =>
        {
            time.Advance(TimeSpan.FromMilliseconds(100)); // nodes hand over after a while
            return Task.FromResult(even.IsCompleted);
        });
        await even;
        await a.Perdure.EnqueueAsync(new Small("hold-small1")).Soon();
        await a.Perdure.EnqueueAsync(new Quick(1)).Soon();

        Task<NowOrLater<int>> now = b.Perdure.TryNowAsync(new Quick(2), TimeSpan.FromSeconds(10), whenStoreDown: WhenStoreDown.RunUnrecorded);
        await Deadline.UntilAsync("a blocked caller", async () => (await a.Perdure.Queue("small").StatsAsync()).BlockedCallers == 1);
        time.Advance(TimeSpan.FromSeconds(8)); // before the budget ends

        (await Should.ThrowAsync<PerdureException>(now.Soon())).Code.ShouldBe(ErrorCodes.QueueFull);
        (await a.Perdure.Queue("small").StatsAsync().Soon()).BlockedCallers.ShouldBe(0);
        Held("hold-small1").TrySetResult();
        await Deadline.UntilAsync("all that was taken", () => Task.FromResult(_done.ContainsKey("quick1")));
        _done.ShouldNotContainKey("quick2");
    }

    private static JobOptions Kept { get; } = new() { KeepResult = TimeSpan.FromHours(1) };

    private TaskCompletionSource Held(string name) => _held.GetOrAdd(name, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    public Task InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    private async Task<(TestNode A, TestNode B)> TwoAsync()
    {
        TestNode a = await _cluster.JoinAndShareAsync("a"); // the queues' home is here
        return (a, await _cluster.JoinAndShareAsync("b"));
    }

    private static async Task<List<JobInfo>> ListAsync(IAsyncEnumerable<JobInfo> jobs)
    {
        List<JobInfo> list = [];
        await foreach (JobInfo job in jobs)
        {
            list.Add(job);
        }

        return list;
    }

    private void Jobs(PerdureBuilder p) => p
        .AddQueue("work", q => q.Retry = Retry.Fixed(2, TimeSpan.Zero))
        .AddQueue("small", q => { q.Concurrency = 1; q.BacklogMax = 1; q.WhenFull = WhenFull.Block; })
        .AddQueue("outside")
        .AddJob<Work>("work", c => c.Options = Kept)
        .AddJob<Small>("small", c => c.Options = Kept)
        .AddJob<Remote>("outside")
        .AddHandler<Double, int>("work", (job, _) => Task.FromResult(job.Number * 2))
        .AddHandler<Work>("work", (job, context) => DoAsync(job.Name, context))
        .AddHandler<Quick, int>("small", (job, _) =>
        {
            Count($"quick{job.Number}");
            return Task.FromResult(job.Number);
        })
        .AddHandler<Small>("small", (job, context) => DoAsync(job.Name, context))
        .AddSchedule("yearly", Timetable.Cron("0 0 1 1 *"), new Work("yearly"))
        .AddEvent<Happened>(e => e.Name)
        .Subscribe<Happened>("hears", (e, _) => { Count(e.Name); return Task.CompletedTask; });

    private async Task DoAsync(string name, JobContext context)
    {
        if (name == "bad")
        {
            throw new RejectedException("no");
        }

        if (name.StartsWith("hold", StringComparison.Ordinal))
        {
            if (name == "hold-followed")
            {
                await context.ReportAsync(0.5, "half");
            }

            await Held(name).Task.WaitAsync(context.CancellationToken);
        }

        Count(name);
    }

    private void Count(string name) => _done.AddOrUpdate(name, 1, (_, n) => n + 1);

    private sealed record Double(int Number) : IJob<int>;

    private sealed record Work(string Name) : IJob;

    private sealed record Small(string Name) : IJob;

    private sealed record Quick(int Number) : IJob<int>;

    private sealed record Remote(string Name) : IJob;

    private sealed record Happened(string Name);
}
