using System.Diagnostics;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Tests.Cluster;

public class NodesTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task Nodes_share_the_shards_evenly_as_they_come_and_go()
    {
        await using var cluster = new TestCluster(Flows);
        await cluster.JoinAndShareAsync("a");
        cluster.Shares.ShouldBe([12]);

        TestNode b = await cluster.JoinAndShareAsync("b");
        cluster.Shares.ShouldBe([6, 6]);

        await cluster.JoinAndShareAsync("c");
        cluster.Shares.ShouldBe([4, 4, 4]);

        await b.StopAsync();
        await cluster.IsEvenAsync();
        cluster.Shares.ShouldBe([6, 6]);
    }

    [Fact]
    public async Task A_client_on_any_node_starts_signals_awaits_and_cancels_any_flow()
    {
        await using var cluster = new TestCluster(Flows);
        TestNode a = await cluster.JoinAsync("a");
        TestNode b = await cluster.JoinAndShareAsync("b");
        string there = b.IdHere("wait");

        FlowHandle<int> run = await a.Perdure.Flow<int, int>("wait").StartAsync(1, there).Soon();
        Task<int> end = run.ResultAsync();
        await run.SignalAsync(41, "go").Soon();
        (await end.Soon()).ShouldBe(42);
        (await run.ResultAsync().Soon()).ShouldBe(42);
        (await a.Perdure.Flow<int, int>("wait").StartAsync(1, there).Soon()).Id.ShouldBe(there);
        await Should.ThrowAsync<FlowConflictException>(a.Perdure.Flow<int, int>("wait").StartAsync(2, there).Soon());
        (await Should.ThrowAsync<PerdureException>(run.SignalAsync(1, "go").Soon())).Code.ShouldBe(ErrorCodes.FlowEnded);
        (await run.CancelAsync("late").Soon()).ShouldBe(CancelAnswer.AlreadyEnded);

        string other = Enumerable.Range(0, 1_000).Select(i => $"other{i}").First(id => b.Node.Here(b.Node.ShardOf(new FlowKey("wait", id))) is not null);
        FlowHandle<int> second = await a.Perdure.Flow<int, int>("wait").StartAsync(1, other).Soon();
        (await second.CancelAsync("enough").Soon()).ShouldBe(CancelAnswer.Accepted);
        (await Should.ThrowAsync<FlowCancelledException>(second.ResultAsync().Soon())).Reason.ShouldBe("enough");
        await Should.ThrowAsync<FlowNotFoundException>(a.Perdure.Flow<int, int>("wait").Get(b.IdHere("wait") + "none").ResultAsync().Soon());
    }

    [Fact]
    public async Task A_run_that_is_awaited_from_its_start_on_another_node_gives_its_result()
    {
        await using var cluster = new TestCluster(Flows);
        TestNode a = await cluster.JoinAsync("a");
        TestNode b = await cluster.JoinAndShareAsync("b");

        (await a.Perdure.Flow<int, int>("steps").RunAsync(3, b.IdHere("steps")).Soon()).ShouldBe(6);
        (await a.Perdure.Flow<int, int>("steps").RunAsync(3, b.IdHere("steps")).Soon()).ShouldBe(6);
        (await Should.ThrowAsync<FlowFailedException>(a.Perdure.Flow<int, int>("fails").RunAsync(3, b.IdHere("fails")).Soon())).Error.Message.ShouldContain("no");
    }

    [Fact]
    public async Task A_start_without_an_id_takes_a_shard_of_its_own_node()
    {
        await using var cluster = new TestCluster(Flows);
        TestNode a = await cluster.JoinAsync("a");
        await cluster.JoinAndShareAsync("b");

        for (int i = 0; i < 20; i++)
        {
            FlowHandle<int> run = await a.Perdure.Flow<int, int>("wait").StartAsync(1).Soon();
            a.Node.Here(a.Node.ShardOf(new FlowKey("wait", run.Id))).ShouldNotBeNull();
        }
    }

    [Fact]
    public async Task Children_on_other_nodes_answer_their_parents()
    {
        await using var cluster = new TestCluster(Flows);
        TestNode a = await cluster.JoinAsync("a");
        await cluster.JoinAsync("b");
        await cluster.JoinAndShareAsync("c");

        (await a.Perdure.Flow<int, int>("parent").RunAsync(20).Soon()).ShouldBe(Enumerable.Range(0, 20).Sum(n => n * 2));
    }

    [Fact]
    public async Task What_a_node_was_doing_when_it_died_goes_on_elsewhere()
    {
        await using var cluster = new TestCluster(Flows);
        TestNode a = await cluster.JoinAsync("a");
        TestNode b = await cluster.JoinAndShareAsync("b");
        string there = b.IdHere("wait");
        FlowHandle<int> run = await a.Perdure.Flow<int, int>("wait").StartAsync(1, there).Soon();
        Task<int> end = run.ResultAsync();

        b.Die();
        cluster.Shared.Expire("b");
        await run.SignalAsync(41, "go").Soon();

        (await end.Soon()).ShouldBe(42);
        await cluster.IsEvenAsync();
        cluster.Shares.ShouldBe([12]);
    }

    [Fact]
    public async Task Flows_move_with_their_shards_and_lose_nothing()
    {
        await using var cluster = new TestCluster(Flows);
        TestNode a = await cluster.JoinAndShareAsync("a");
        List<FlowHandle<int>> runs = [];
        for (int i = 0; i < 40; i++)
        {
            runs.Add(await a.Perdure.Flow<int, int>("wait").StartAsync(i, $"w{i}"));
        }

        Task<int>[] ends = [.. runs.Select(r => r.ResultAsync())];
        TestNode b = await cluster.JoinAndShareAsync("b");
        for (int i = 0; i < 40; i++)
        {
            await (i % 2 == 0 ? a : b).Perdure.Flow<int, int>("wait").Get($"w{i}").SignalAsync(100, "go").Soon();
        }

        (await Task.WhenAll(ends).Soon()).ShouldBe(Enumerable.Range(0, 40).Select(i => 100 + i));
    }

    [Fact]
    public async Task A_node_that_freezes_past_its_lease_harms_nothing_and_joins_anew()
    {
        await using var cluster = new TestCluster(Flows);
        TestNode a = await cluster.JoinAsync("a");
        TestNode b = await cluster.JoinAndShareAsync("b");
        string there = b.IdHere("wait");
        FlowHandle<int> run = await a.Perdure.Flow<int, int>("wait").StartAsync(1, there).Soon();

        b.Store.Freeze();
        cluster.Shared.Expire("b");
        await Deadline.UntilAsync("all shards with a", () => Task.FromResult(cluster.Shared.Owned["a"].Count() == TestCluster.ShardCount));
        await run.SignalAsync(41, "go").Soon();
        (await run.ResultAsync().Soon()).ShouldBe(42);
        b.Store.GoOn();

        await cluster.IsEvenAsync();
        (await b.Perdure.Flow<int, int>("wait").Get(there).ResultAsync().Soon()).ShouldBe(42);
        b.Log.Lines.ShouldContain(l => l.Contains(ErrorCodes.NodeGone, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Commits_of_unknown_outcome_are_no_deaths_and_nobody_is_suspected_of_them()
    {
        await using var cluster = new TestCluster(Flows);
        TestNode a = await cluster.JoinAndShareAsync("a");
        FlowHandle<int> run = await a.Perdure.Flow<int, int>("wait").StartAsync(1, "one");
        for (int i = 0; i < 6; i++)
        {
            a.Store.Around = async (_, commit) =>
            {
                a.Store.Around = null;
                await commit();
                throw new StoreException(ErrorCodes.StoreFailed, "the connection was cut after the commit");
            };
            await Should.ThrowAsync<StoreUnavailableException>(run.SignalAsync(i, "other").Soon());
            await Deadline.UntilAsync("the shard", () => Task.FromResult(a.Node.IsReady));
        }

        await run.SignalAsync(41, "go").Soon();
        (await run.ResultAsync().Soon()).ShouldBe(42);
        a.Log.Lines.ShouldNotContain(l => l.Contains("uncleanly", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Wake_ups_that_are_lost_cost_a_second_and_nothing_else()
    {
        await using var cluster = new TestCluster(Flows);
        TestNode a = await cluster.JoinAsync("a");
        TestNode b = await cluster.JoinAndShareAsync("b");
        cluster.Shared.LosesWakeUps = true;

        (await a.Perdure.Flow<int, int>("steps").RunAsync(3, b.IdHere("steps")).Soon()).ShouldBe(6);
        (await a.Perdure.Flow<int, int>("parent").RunAsync(10).Soon()).ShouldBe(Enumerable.Range(0, 10).Sum(n => n * 2));
    }

    [Fact]
    public async Task A_start_waits_for_a_node_that_has_the_code()
    {
        await using var cluster = new TestCluster(Flows);
        TestNode old = await cluster.JoinAsync("old");
        TestNode @new = await cluster.JoinAndShareAsync("new", p => { Flows(p); p.AddFlow<int, int>("newer", (n, _) => Task.FromResult(n + 1)); });

        Task<int> end = @new.Perdure.Flow<int, int>("newer").RunAsync(1, old.IdHere("newer"));
        await Deadline.UntilAsync("a word on it", () => Task.FromResult(old.Log.Lines.Any(l => l.Contains("waits for a node that has its code", StringComparison.Ordinal))));
        await old.StopAsync();

        (await end.Soon()).ShouldBe(2);
    }

    [Fact]
    public async Task A_node_that_is_slow_to_begin_with_new_shards_takes_them_once()
    {
        using var gate = new ManualResetEventSlim();
        await using var cluster = new TestCluster(p => Flows(p.Configure(o => o.Loops = 1)));
        TestNode a = await cluster.JoinAsync("a");
        TestNode b = await cluster.JoinAndShareAsync("b");
        a.Node.Shards[0].Post(new Waiting(gate));

        await b.StopAsync();
        int beats = cluster.Shared.Beats;
        await Deadline.UntilAsync("more looks at who has what", () => Task.FromResult(cluster.Shared.Beats > beats + 3));
        gate.Set();

        await cluster.IsEvenAsync();
        a.Log.Lines.ShouldNotContain(l => l.Contains("forgets", StringComparison.Ordinal));
        a.Log.Lines.ShouldContain("Information: Took 6 shards, 0 of them from nodes that did not end cleanly");
    }

    [Fact]
    public async Task All_nodes_hear_at_once_who_has_a_shard_now()
    {
        await using var cluster = new TestCluster(Flows);
        TestNode a = await cluster.JoinAsync("a");
        TestNode b = await cluster.JoinAndShareAsync("b");
        long start = Stopwatch.GetTimestamp();

        for (int i = 0; i < 30; i++)
        {
            await a.Perdure.Flow<int, int>("steps").RunAsync(1, b.IdHere("steps") + i).Soon();
        }

        Stopwatch.GetElapsedTime(start).ShouldBeLessThan(TimeSpan.FromSeconds(10), "each would take a second or two if nobody was told of its mail");
    }

    /// <summary>Keeps a loop from its other work.</summary>
    private sealed class Waiting(ManualResetEventSlim gate) : Message
    {
        public override void Handle() => gate.Wait(TimeSpan.FromSeconds(20));
    }

    private static void Flows(PerdureBuilder p) => p
        .AddFlow("wait", async (int n, FlowContext flow) => n + await flow.Signal<int>("go", Day))
        .AddFlow("fails", (int _, FlowContext _) => Task.FromException<int>(new RejectedException("no")))
        .AddFlow("steps", async (int n, FlowContext flow) =>
        {
            int sum = 0;
            for (int i = 1; i <= n; i++)
            {
                int add = i;
                sum += await flow.Step(() => Task.FromResult(add), name: "add");
            }

            return sum;
        })
        .AddFlow("double", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n * 2), name: "double"))
        .AddFlow("parent", async (int n, FlowContext flow) => (await Task.WhenAll(Enumerable.Range(0, n).Select(i => flow.Child<int, int>("double").Run(i, $"{flow.Id}-{i}")))).Sum());
}
