using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Tests;

public class StuckStepTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly Retry Quick = Retry.Forever with { First = TimeSpan.FromMilliseconds(1), Cap = TimeSpan.FromMilliseconds(2), StuckAfter = 3 };

    [Fact]
    public async Task A_stuck_step_shows_no_next_attempt_and_is_retried_by_a_process_that_never_ran_it()
    {
        bool broken = true;
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Step(() => DoAsync(broken, 1), retry: Quick, name: "a")));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        FlowDescription stuck = await run.UntilAsync(FlowStatus.Stuck);
        stuck.Asks[0].Attempts.ShouldBe(3);
        stuck.Asks[0].NextAttemptAt.ShouldBeNull();

        await using TestHost next = await host.RestartAsync();
        broken = false;
        await next.Perdure.Get("f", "1").RetryAsync().Soon();

        (await next.Perdure.Flow<int, int>("f").Get("1").ResultAsync().Soon()).ShouldBe(1);
    }

    [Fact]
    public async Task An_undo_that_waits_for_a_person_can_be_skipped_after_a_restart()
    {
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, undo: () => throw new RejectedException("already shipped"), name: "a");
            throw new RejectedException("no");
        }));
        FlowHandle run = await host.Perdure.Flow<int, NoResult>("f").StartAsync(0, "1");
        await run.UntilAsync(FlowStatus.Stuck);

        await using TestHost next = await host.RestartAsync();
        await next.Perdure.Get("f", "1").SkipUndoAsync("by hand").Soon();

        await Should.ThrowAsync<FlowFailedException>(() => next.Perdure.Flow<int, NoResult>("f").Get("1").ResultAsync().Soon());
        (await next.Perdure.Get("f", "1").DescribeAsync()).Asks[1].State.ShouldBe("settled by hand");
    }

    [Fact]
    public async Task Of_two_steps_that_are_stuck_both_go_on_after_one_retry()
    {
        bool broken = true;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            int[] all = await Task.WhenAll(
                flow.Step(() => DoAsync(broken, 1), retry: Quick, name: "a"),
                flow.Step(() => DoAsync(broken, 2), retry: Quick with { StuckAfter = 6 }, name: "b"));
            return all.Sum();
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.UntilAsync(d => d.Asks.Select(a => a.Attempts).SequenceEqual([3, 6]));

        broken = false;
        await run.RetryAsync().Soon();

        (await run.ResultAsync().Soon()).ShouldBe(3);
    }

    [Fact]
    public async Task A_stuck_flow_leaves_memory_and_its_step_goes_on_after_a_retry()
    {
        bool broken = true;
        await using TestHost host = await TestHost.StartAsync(p => p.Configure(o => (o.ShardCount, o.FlowsInMemoryMax) = (1, 5))
            .AddFlow("f", async (int _, FlowContext flow) => await flow.Step(() => DoAsync(broken, 1), retry: Quick, name: "a"))
            .AddFlow("wait", async (int _, FlowContext flow) => await flow.Signal<int>("never", Day)));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.UntilAsync(FlowStatus.Stuck);
        for (int i = 0; i < 10; i++)
        {
            await host.Perdure.Flow<int, int>("wait").StartAsync(i, $"{i}");
        }

        await Deadline.UntilAsync("the eviction", () => IsGoneAsync(host.Node.Shards[0], new FlowKey("f", "1")));
        broken = false;
        await run.RetryAsync().Soon();

        (await run.ResultAsync().Soon()).ShouldBe(1);
    }

    [Fact]
    public async Task A_signal_with_the_senders_id_is_taken_once_also_when_the_flow_was_stuck_in_between()
    {
        bool broken = true;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => DoAsync(broken, 1), retry: Quick, name: "a");
            return await flow.Signal<int>("n", Day) + await flow.Signal<int>("n", Day);
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.SignalAsync(1, "n", "x");
        await run.UntilAsync(FlowStatus.Stuck);
        await run.SignalAsync(1, "n", "x");
        broken = false;
        await run.RetryAsync().Soon();
        await run.SignalAsync(1, "n", "x");
        await run.SignalAsync(10, "n", "y");

        (await run.ResultAsync().Soon()).ShouldBe(11);
    }

    [Fact]
    public async Task Flow_code_in_an_undo_that_throws_makes_the_flow_stuck_and_the_rest_is_undone_after_the_repair()
    {
        bool broken = true;
        List<string> undone = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, undo: () =>
            {
                undone.Add("a");
                return Task.CompletedTask;
            }, name: "a");
            flow.OnUndo(() => Volatile.Read(ref broken) ? throw new InvalidOperationException("a defect") : Task.CompletedTask);
            throw new RejectedException("no");
        }));
        FlowHandle<NoResult> run = await host.Perdure.Flow<int, NoResult>("f").StartAsync(0, "1");
        FlowDescription stuck = await run.UntilAsync(FlowStatus.Stuck);
        stuck.StuckCode.ShouldBe("PRD3006");
        stuck.StuckReason!.ShouldContain("a defect");
        undone.ShouldBeEmpty();

        Volatile.Write(ref broken, false);
        await run.RetryAsync().Soon();

        (await Should.ThrowAsync<FlowFailedException>(() => run.ResultAsync().Soon())).Error.Kind.ShouldBe(ErrorKind.Rejected);
        undone.ShouldBe(["a"]);
    }

    private static Task<int> DoAsync(bool broken, int result) => broken ? throw new IOException("down") : Task.FromResult(result);

    private static Task<bool> IsGoneAsync(Shard shard, FlowKey key)
    {
        var look = new Look(key);
        shard.Post(look);
        return look.IsGone;
    }

    /// <summary>Looks on the shard's own thread whether a flow is out of memory.</summary>
    private sealed class Look(FlowKey key) : Message
    {
        private readonly TaskCompletionSource<bool> _isGone = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<bool> IsGone => _isGone.Task;

        public override void Handle() => _isGone.SetResult(Shard.Find(key) is null);
    }
}
