using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Tests;

public class ChildTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task The_end_of_a_child_that_is_told_again_to_a_parent_without_its_code_is_recorded_once()
    {
        static PerdureBuilder Child(PerdureBuilder p) => p.AddFlow<int, int>("child", (_, flow) => flow.Signal<int>("go", Day));
        var parent = new FlowKey("parent", "1");
        TestHost host = await TestHost.StartAsync(p => Child(p).AddFlow<int, int>("parent", (n, flow) => flow.Child<int, int>("child").Run(n, id: "c")));
        await host.Perdure.Flow<int, int>("parent").StartAsync(0, "1");
        await Deadline.UntilAsync("the child", async () => await host.Perdure.CountAsync(new FlowFilter { Type = "child" }) == 1);
        TestHost without = await host.CrashAsync(p => Child(p));
        await without.Perdure.Get("child", "c").SignalAsync(5, "go");
        await without.Perdure.Get("parent", "1").UntilAsync(d => d.Inputs.Count == 2);

        await using TestHost again = await without.CrashAsync(p => Child(p));
        var end = new InboxRow(again.Node.ShardOf(parent), "late", MessageKind.ChildCompleted, parent) { From = new ParentRef(new FlowKey("child", "c"), 0), Payload = "5"u8.ToArray() };
        again.Node.Shards[end.Shard].Post(new InboxArrived(end));
        await again.Perdure.Get("parent", "1").SignalAsync(1, "after it");

        FlowDescription told = await again.Perdure.Get("parent", "1").DescribeAsync();
        told.Inputs.Select(i => i.Kind).ShouldBe(["Started", "Completed", "SignalReceived"]);
    }

    [Fact]
    public async Task A_parent_awaits_its_childrens_results()
    {
        await using TestHost host = await TestHost.StartAsync(p => p
            .AddFlow("parent", async (int n, FlowContext flow) =>
            {
                int[] all = await Task.WhenAll(Enumerable.Range(0, n).Select(i => flow.Child<int, int>("square").Run(i)));
                return all.Sum();
            })
            .AddFlow("square", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n * n), name: "square")));

        (await host.Perdure.Flow<int, int>("parent").RunAsync(10).Soon()).ShouldBe(285);
    }

    [Fact]
    public async Task A_childs_failure_reaches_the_parent()
    {
        await using TestHost host = await TestHost.StartAsync(p => p
            .AddFlow("parent", async (int _, FlowContext flow) =>
            {
                try
                {
                    return await flow.Child<int, string>("child").Run(1, "c");
                }
                catch (ChildFailedException e)
                {
                    return $"{e.Child}: {e.Error.Kind}";
                }
            })
            .AddFlow<int, string>("child", (_, _) => throw new RejectedException("no")));

        (await host.Perdure.Flow<int, string>("parent").RunAsync(0).Soon()).ShouldBe("child/c: Rejected");
    }

    [Fact]
    public async Task A_cancelled_parent_cancels_its_children_and_undoes_after_them()
    {
        List<string> undone = [];
        await using TestHost host = await TestHost.StartAsync(p => p
            .AddFlow("parent", async (int _, FlowContext flow) =>
            {
                await flow.Step(() => Task.CompletedTask, undo: () => Note(undone, "parent"), name: "a");
                flow.Child<int, int>("child").Start(1, "detached", detached: true);
                return await flow.Child<int, int>("child").Run(1, "attached");
            })
            .AddFlow("child", async (int _, FlowContext flow) =>
            {
                await flow.Step(() => Task.CompletedTask, undo: () => Note(undone, $"child {flow.Id}"), name: "b");
                return await flow.Signal<int>("go", Day);
            }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("parent").StartAsync(0, "p");
        await Deadline.UntilAsync("the children's waits", async () => await host.Perdure.CountAsync(new FlowFilter { Type = "child" }) == 2);
        await host.Perdure.Get("child", "attached").UntilAsync(d => d.Asks.Count == 2);
        await run.CancelAsync().Soon();

        await Should.ThrowAsync<FlowCancelledException>(() => run.ResultAsync().Soon());
        undone.ShouldBe(["child attached", "parent"]);
        FlowHandle<int> detached = host.Perdure.Flow<int, int>("child").Get("detached");
        await detached.SignalAsync(3, "go");
        (await detached.ResultAsync().Soon()).ShouldBe(3);
    }

    [Fact]
    public async Task An_undo_can_run_a_child()
    {
        List<string> undone = [];
        await using TestHost host = await TestHost.StartAsync(p => p
            .AddFlow("parent", async (int _, FlowContext flow) =>
            {
                await flow.Step(() => Task.CompletedTask, undo: () => Note(undone, "first"), name: "first");
                flow.OnUndo(() => flow.Child<int, int>("refund").Run(5));
                await flow.Step(() => Task.CompletedTask, undo: () => Note(undone, "last"), name: "last");
                throw new RejectedException("no");
            })
            .AddFlow("refund", async (int n, FlowContext flow) =>
            {
                await flow.Step(() => Note(undone, $"refund {n}"), name: "refund");
                return n;
            }));

        await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, NoResult>("parent").RunAsync(0).Soon());
        undone.ShouldBe(["last", "refund 5", "first"]);
    }

    [Fact]
    public async Task A_child_whose_id_belongs_to_another_run_is_refused()
    {
        await using TestHost host = await TestHost.StartAsync(p => p
            .AddFlow("parent", async (int _, FlowContext flow) => await flow.Child<int, int>("child").Run(1, "taken"))
            .AddFlow("child", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        await host.Perdure.Flow<int, int>("child").RunAsync(2, "taken").Soon();

        FlowFailedException e = await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, int>("parent").RunAsync(0).Soon());
        e.Message.ShouldContain("child/taken exists already");
    }

    [Fact]
    public async Task A_parent_that_returns_waits_for_a_child_it_started()
    {
        await using TestHost host = await TestHost.StartAsync(p => p
            .AddFlow("parent", (int _, FlowContext flow) => Task.FromResult(flow.Child<int, int>("child").Start(1, "c")))
            .AddFlow("child", async (int _, FlowContext flow) => await flow.Signal<int>("go", Day)));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("parent").StartAsync(0, "p");
        FlowHandle child = host.Perdure.Get("child", "c");
        await Deadline.UntilAsync("the child", async () => await host.Perdure.CountAsync(new FlowFilter { Type = "child" }) == 1);
        (await run.DescribeAsync()).HasEnded.ShouldBeFalse();
        await child.SignalAsync(1, "go");

        (await run.ResultAsync().Soon()).ShouldBe("c");
    }

    private static Task Note(List<string> list, string what)
    {
        lock (list)
        {
            list.Add(what);
        }

        return Task.CompletedTask;
    }
}
