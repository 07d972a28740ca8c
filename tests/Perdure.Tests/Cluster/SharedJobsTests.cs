using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Storage;

namespace Perdure.Tests.Cluster;

public sealed class SharedJobsTests : IAsyncLifetime, IAsyncDisposable
{
    private readonly TestCluster _cluster = new(_ => throw new InvalidOperationException("each node has code of its own"));
    private readonly ConcurrentDictionary<string, TaskCompletionSource> _held = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<(string Node, string Job, int Attempt)> _begun = [];
    private readonly ConcurrentQueue<string> _heard = [];
    private readonly ConcurrentQueue<string> _cancelled = [];
    private readonly Lock _gate = new();
    private int _running;
    private int _most;

    [Fact]
    public async Task Nodes_share_the_jobs_of_a_busy_queue_and_its_limit_holds_over_all_of_them()
    {
        (TestNode a, TestNode b) = await TwoAsync(limit: 3);
        IReadOnlyList<JobHandle> held = await b.Perdure.EnqueueManyAsync(Enumerable.Range(0, 4).Select(i => new Work($"hold{i}"))).Soon();
        IReadOnlyList<JobHandle> more = await a.Perdure.EnqueueManyAsync(Enumerable.Range(0, 40).Select(i => new Work($"w{i}"))).Soon();
        await Deadline.UntilAsync("three at work", () => Task.FromResult(_begun.Count == 3));

        _begun.Select(r => r.Node).Order().ShouldBe(["a", "a", "b"]);
        (await b.Perdure.Queue("work").StatsAsync().Soon()).Running.ShouldBe(3);
        for (int i = 0; i < 4; i++)
        {
            Release($"hold{i}");
        }

        await Task.WhenAll(held.Concat(more).Select(j => j.DoneAsync())).Soon();
        _most.ShouldBe(3);
        _begun.Count.ShouldBe(44);
    }

    [Fact]
    public async Task A_job_runs_on_a_node_that_has_its_handler_wherever_its_home_is()
    {
        TestNode a = await JoinAsync("a", p => p.AddQueue("work").AddJob<Work>("work", Kept));
        JobHandle early = await a.Perdure.EnqueueAsync(new Work("early")).Soon();
        TestNode b = await JoinAsync("b", p => Jobs(p, "b", 32));
        await OffersAsync(a);

        JobHandle late = await a.Perdure.EnqueueAsync(new Work("late")).Soon();
        await early.DoneAsync().Soon();
        await late.DoneAsync().Soon();
        _begun.ShouldAllBe(r => r.Node == "b");

        await b.StopAsync();
        JobHandle waits = await a.Perdure.EnqueueAsync(new Work("waits")).Soon();
        (await waits.DescribeAsync().Soon()).Status.ShouldBe(JobStatus.Waiting);
        await JoinAsync("c", p => Jobs(p, "c", 32));
        await waits.DoneAsync().Soon();
        _begun.Single(r => r.Job == "waits").Node.ShouldBe("c");
    }

    [Fact]
    public async Task The_jobs_of_a_node_that_dies_run_again_elsewhere_and_use_up_no_attempt()
    {
        (TestNode a, TestNode b) = await TwoAsync(limit: 2);
        JobHandle job = await HeldOnBAsync(a);

        b.Die();
        (await a.Perdure.Queue("work").StatsAsync().Soon()).Running.ShouldBe(2); // its slot is free when it is gone by the store's clock, not before
        _cluster.Shared.Expire("b");
        await Deadline.UntilAsync("it runs again", () => Task.FromResult(_begun.Count(r => r.Job == "hold1") == 2));
        Release("hold1");

        await job.DoneAsync().Soon();
        _begun.Where(r => r.Job == "hold1").ShouldBe([("b", "hold1", 1), ("a", "hold1", 1)]);
    }

    [Fact]
    public async Task A_node_that_freezes_past_its_lease_stops_its_jobs_and_what_it_says_of_them_counts_no_more()
    {
        (TestNode a, TestNode b) = await TwoAsync(limit: 2);
        JobHandle job = await HeldOnBAsync(a);

        b.Store.Freeze();
        _cluster.Shared.Expire("b");
        await Deadline.UntilAsync("it runs again", () => Task.FromResult(_begun.Count(r => r.Job == "hold1") == 2));
        b.Store.GoOn();
        await Deadline.UntilAsync("the first attempt's end", () => Task.FromResult(_cancelled.Contains("b/hold1")));
        (await job.DescribeAsync().Soon()).Status.ShouldBe(JobStatus.Running);
        Release("hold1");

        Release("hold0");
        await job.DoneAsync().Soon();
        await Deadline.UntilAsync("an empty queue", async () => (await a.Perdure.Queue("work").StatsAsync()).Running == 0);
        await OffersAsync(a); // it has joined anew, and does jobs again
        JobHandle next = await HeldOnBAsync(a, "hold3", "hold4");
        Release("hold3");
        Release("hold4");
        await next.DoneAsync().Soon();
    }

    [Fact]
    public async Task An_attempt_that_outlives_its_home_is_joined_by_the_next_one()
    {
        (TestNode a, TestNode b) = await TwoAsync(limit: 2);
        TestNode c = await JoinAsync("c", p => Jobs(p, "c", 2));
        JobHandle job = await HeldOnBAsync(a);
        string id = job.Id;

        a.Die();
        await Deadline.UntilAsync("the dead do nothing", () => Task.FromResult(_running == 1));
        _cluster.Shared.Expire("a");
        JobHandle found = c.Perdure.Job(id);
        (await found.DescribeAsync().Soon()).Status.ShouldBe(JobStatus.Running);
        await Deadline.UntilAsync("the dead home's own job runs again", () => Task.FromResult(_begun.Count(r => r.Job == "hold0") == 2));
        Release("hold1");
        Release("hold0");

        await found.DoneAsync().Soon();
        _begun.Count(r => r.Job == "hold1").ShouldBe(1);
        _most.ShouldBe(2);
    }

    [Fact]
    public async Task A_node_that_stops_gives_its_jobs_back_at_once()
    {
        (TestNode a, TestNode b) = await TwoAsync(limit: 2);
        JobHandle job = await HeldOnBAsync(a);

        await b.StopAsync();
        await Deadline.UntilAsync("it runs again", () => Task.FromResult(_begun.Count(r => r.Job == "hold1") == 2));
        Release("hold1");
        await job.DoneAsync().Soon();

        _begun.Where(r => r.Job == "hold1").ShouldBe([("b", "hold1", 1), ("a", "hold1", 1)]);
        (await a.Perdure.Job(job.Id).DescribeAsync().Soon()).Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_job_on_another_node_is_cancelled_there()
    {
        (TestNode a, _) = await TwoAsync(limit: 2);
        JobHandle job = await HeldOnBAsync(a);

        (await job.CancelAsync("enough").Soon()).ShouldBe(CancelAnswer.Accepted);

        await Should.ThrowAsync<JobCancelledException>(job.DoneAsync().Soon());
        _cancelled.ShouldContain("b/hold1");
    }

    [Fact]
    public async Task What_an_attempt_on_another_node_saves_reports_throws_and_publishes_is_as_on_the_homes_own()
    {
        (TestNode a, _) = await TwoAsync(limit: 2);
        await HeldOnBAsync(a); // hold0 stays on a, hold1 on b
        Release("hold1");
        await Deadline.UntilAsync("a free place", async () => (await a.Perdure.Queue("work").StatsAsync()).Running == 1);

        JobHandle job = await a.Perdure.EnqueueAsync(new Work("tells")).Soon();
        await job.DoneAsync().Soon();
        (await job.DescribeAsync().Soon()).ShouldSatisfyAllConditions(i => i.Done.ShouldBe(0.5), i => i.Errors.Single().Error.Message.ShouldBe("once"));
        await Deadline.UntilAsync("the event", () => Task.FromResult(!_heard.IsEmpty));
        _heard.ShouldBe(["tells 7"]);
        _begun.Where(r => r.Job == "tells").ShouldBe([("b", "tells", 1), ("b", "tells", 2)]);
        (await Should.ThrowAsync<RejectedException>((await a.Perdure.EnqueueAsync(new Work("bad")).Soon()).DoneAsync().Soon())).Message.ShouldContain("no");
    }

    [Fact]
    public async Task Jobs_on_other_nodes_run_once_though_answers_of_commits_are_lost()
    {
        (TestNode a, TestNode b) = await TwoAsync(limit: 4);
        int commits = 0;
        a.Store.Around = b.Store.Around = async (batches, commit) =>
        {
            IReadOnlyList<CommitAnswer> answers = await commit();
            return Interlocked.Increment(ref commits) % 5 == 0 ? throw new IOException("the answer is lost") : answers;
        };

        List<Task<JobHandle>> jobs = [.. Enumerable.Range(0, 30).Select(i => a.Perdure.EnqueueAsync(new Work($"w{i}"), new JobOptions { DedupKey = $"w{i}", Dedup = Dedup.OncePer(TimeSpan.FromHours(1)) }))];
        await Task.WhenAll(jobs.Select(j => j.ContinueWith(_ => { }, TaskScheduler.Default))).Soon(); // whose answer was lost hears so
        a.Store.Around = b.Store.Around = null;
        await Deadline.UntilAsync("all done", async () => await a.Perdure.Queue("work").StatsAsync() is { Running: 0, Waiting: 0 });

        _begun.GroupBy(r => r.Job).ShouldAllBe(g => g.Count() == 1);
        _begun.ShouldContain(r => r.Node == "b");
    }

    [Fact]
    public async Task A_batch_goes_to_another_node_whole()
    {
        TestNode a = await JoinAsync("a", p => p.AddQueue("many").AddJob<Piece>("many", c => c.Options = new JobOptions { KeepResult = TimeSpan.FromHours(1) }));
        List<int> sizes = [];
        await JoinAsync("b", p => { p.Services.AddSingleton(sizes); p.AddQueue("many").AddHandler<Pieces>("many"); });
        await a.Perdure.Queue("many").PauseAsync().Soon();
        IReadOnlyList<JobHandle> pieces = await a.Perdure.EnqueueManyAsync(Enumerable.Range(0, 5).Select(i => new Piece(i))).Soon();
        await Deadline.UntilAsync("an offer", () => Task.FromResult(a.Node.Home.Nodes.Handle("many")));
        await a.Perdure.Queue("many").ResumeAsync().Soon();

        await Task.WhenAll(pieces.Select(p => p.DoneAsync())).Soon();
        sizes.ShouldBe([5]);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    Task IAsyncLifetime.DisposeAsync() => DisposeAsync().AsTask();

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    /// <summary>Two jobs, of which the second one runs on b, since the home's own node has its share.</summary>
    private async Task<JobHandle> HeldOnBAsync(TestNode home, string first = "hold0", string second = "hold1")
    {
        await home.Perdure.EnqueueAsync(new Work(first)).Soon();
        JobHandle job = await home.Perdure.EnqueueAsync(new Work(second)).Soon();
        await Deadline.UntilAsync("both at work", () => Task.FromResult(_begun.Any(r => r.Job == first) && _begun.Any(r => r.Job == second)));
        _begun.Last(r => r.Job == second).Node.ShouldBe("b");
        return job;
    }

    private async Task<(TestNode A, TestNode B)> TwoAsync(int limit)
    {
        TestNode a = await JoinAsync("a", p => Jobs(p, "a", limit));
        TestNode b = await JoinAsync("b", p => Jobs(p, "b", limit));
        await OffersAsync(a);
        return (a, b);
    }

    private Task<TestNode> JoinAsync(string name, Action<PerdureBuilder> code) => _cluster.JoinAndShareAsync(name, code);

    private static Task OffersAsync(TestNode home) => Deadline.UntilAsync("another node's offer", () => Task.FromResult(home.Node.Home.Nodes.Handle("work")));

    private void Jobs(PerdureBuilder p, string node, int limit) => p
        .AddQueue("work", q => { q.Concurrency = limit; q.Retry = Retry.Fixed(3, TimeSpan.Zero); })
        .AddJob<Work>("work", Kept)
        .AddHandler<Work>("work", (job, context) => DoAsync(node, job.Name, context))
        .AddEvent<Told>()
        .Subscribe<Told>("hears", (e, _) => { _heard.Enqueue(e.Text); return Task.CompletedTask; });

    private async Task DoAsync(string node, string name, JobContext context)
    {
        lock (_gate)
        {
            _most = Math.Max(_most, ++_running);
        }

        try
        {
            _begun.Enqueue((node, name, context.Attempt));
            switch (name)
            {
                case "bad":
                    throw new RejectedException("no");
                case "tells" when context.Attempt == 1:
                    await context.SaveAsync(7);
                    await context.ReportAsync(0.5, "half");
                    throw new IOException("once");
                case "tells":
                    context.Publish(new Told($"tells {context.Saved<int>().Value}"));
                    break;
            }

            if (name.StartsWith("hold", StringComparison.Ordinal))
            {
                await Held(name).Task.WaitAsync(context.CancellationToken);
            }
        }
        catch (OperationCanceledException)
        {
            _cancelled.Enqueue($"{node}/{name}");
            throw;
        }
        finally
        {
            lock (_gate)
            {
                _running--;
            }
        }
    }

    private TaskCompletionSource Held(string name) => _held.GetOrAdd(name, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));

    private void Release(string name) => Held(name).TrySetResult();

    private static void Kept(JobContract<Work> contract) => contract.Options = new JobOptions { KeepResult = TimeSpan.FromHours(1) };

    private sealed record Work(string Name) : IJob;

    private sealed record Told(string Text);

    private sealed record Piece(int Number) : IJob;

    private sealed class Pieces(List<int> sizes) : IBatchHandler<Piece>
    {
        public Task HandleAsync(IReadOnlyList<BatchedJob<Piece>> jobs, CancellationToken cancellationToken)
        {
            sizes.Add(jobs.Count);
            return Task.CompletedTask;
        }
    }
}
