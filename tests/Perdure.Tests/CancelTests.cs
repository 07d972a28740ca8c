namespace Perdure.Tests;

public class CancelTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task Cancel_ends_the_waits_and_undoes()
    {
        List<string> undone = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, undo: () => Note(undone, "a"), name: "a");
            await flow.Step(() => Task.CompletedTask, undo: () => Note(undone, "b"), name: "b");
            return await flow.Signal<int>("never", Day);
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.UntilAsync(d => d.Asks.Count == 3);

        (await run.CancelAsync("not wanted").Soon()).ShouldBe(CancelAnswer.Accepted);

        FlowCancelledException e = await Should.ThrowAsync<FlowCancelledException>(() => run.ResultAsync().Soon());
        e.Reason.ShouldBe("not wanted");
        undone.ShouldBe(["b", "a"]);
        (await run.CancelAsync().Soon()).ShouldBe(CancelAnswer.AlreadyEnded);
        (await run.DescribeAsync()).Status.ShouldBe(FlowStatus.Cancelled);
    }

    [Fact]
    public async Task A_running_step_gets_its_token_and_is_undone_as_unknown()
    {
        List<string> undone = [];
        var started = new TaskCompletionSource();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(s =>
            {
                started.SetResult();
                return Task.Delay(Timeout.Infinite, s);
            }, undo: () => Note(undone, "long"), name: "long");
            return 0;
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await started.Task.Soon();
        await run.CancelAsync();

        await Should.ThrowAsync<FlowCancelledException>(() => run.ResultAsync().Soon());
        undone.ShouldBe(["long"]);
    }

    [Fact]
    public async Task Code_that_swallows_the_cancel_still_ends_cancelled_and_undone()
    {
        List<string> undone = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, undo: () => Note(undone, "a"), name: "a");
            try
            {
                await flow.Delay(Day);
            }
            catch (Exception)
            {
                undone.Add("swallowed");
            }

            return 0;
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.UntilAsync(d => d.Asks.Count == 2);
        await run.CancelAsync();

        await Should.ThrowAsync<FlowCancelledException>(() => run.ResultAsync().Soon());
        undone.ShouldBe(["swallowed", "a"]);
    }

    [Fact]
    public async Task Cancel_is_refused_after_the_pivot()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, undo: () => throw new InvalidOperationException("no way back"), name: "a");
            flow.Pivot();
            return await flow.Signal<int>("go", Day);
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.UntilAsync(d => d.Asks.Count == 2);

        (await run.CancelAsync().Soon()).ShouldBe(CancelAnswer.Refused);
        await run.SignalAsync(5, "go");
        (await run.ResultAsync().Soon()).ShouldBe(5);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Cancel_waits_for_the_outcome_of_a_step_that_is_the_pivot(bool succeeds)
    {
        List<string> undone = [];
        var charge = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, undo: () => Note(undone, "a"), name: "a");
            await flow.Step(() =>
            {
                started.SetResult();
                return charge.Task;
            }, pivot: true, name: "charge");
            return 1;
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await started.Task.Soon();
        Task<CancelAnswer> cancel = run.CancelAsync();
        await run.UntilAsync(d => d.Inputs.Any(i => i.Kind == "CancelRequested"));
        cancel.IsCompleted.ShouldBeFalse();

        if (succeeds)
        {
            charge.SetResult();
            (await cancel.Soon()).ShouldBe(CancelAnswer.Refused);
            (await run.ResultAsync().Soon()).ShouldBe(1);
        }
        else
        {
            charge.SetException(new RejectedException("declined"));
            (await cancel.Soon()).ShouldBe(CancelAnswer.Accepted);
            await Should.ThrowAsync<FlowCancelledException>(() => run.ResultAsync().Soon());
            undone.ShouldBe(["a"]);
        }
    }

    [Fact]
    public async Task Terminate_undoes_nothing()
    {
        List<string> undone = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, undo: () => Note(undone, "a"), name: "a");
            return await flow.Signal<int>("never", Day);
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.UntilAsync(d => d.Asks.Count == 2);

        await run.TerminateAsync("enough").Soon();

        (await Should.ThrowAsync<FlowCancelledException>(() => run.ResultAsync().Soon())).Code.ShouldBe("PRD1011");
        undone.ShouldBeEmpty();
        (await Should.ThrowAsync<PerdureException>(() => run.SignalAsync(1, "never").Soon())).Code.ShouldBe("PRD1004");
    }

    [Fact]
    public async Task Undo_is_shielded_from_cancel_and_retried_until_it_succeeds()
    {
        int attempts = 0;
        var undoing = new TaskCompletionSource();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, undo: () =>
            {
                undoing.TrySetResult();
                return ++attempts < 4 ? throw new IOException("not yet") : Task.CompletedTask;
            }, name: "a");
            throw new RejectedException("no");
        }));
        FlowHandle<NoResult> run = await host.Perdure.Flow<int, NoResult>("f").StartAsync(0, "1");
        await undoing.Task.Soon();
        await run.CancelAsync().Soon();

        await Should.ThrowAsync<FlowFailedException>(() => run.ResultAsync().Soon());
        attempts.ShouldBe(4);
    }

    [Fact]
    public async Task A_callback_on_the_flows_token_that_throws_makes_the_flow_stuck_and_nothing_else()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.Configure(o => o.ShardCount = 1).AddFlow("f", async (int _, FlowContext flow) =>
        {
            flow.CancellationToken.Register(() => throw new InvalidOperationException("a defect"));
            return await flow.Signal<int>("never", Day);
        }).AddFlow("good", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");

        await run.CancelAsync().Soon();

        FlowDescription stuck = await run.UntilAsync(FlowStatus.Stuck);
        stuck.StuckReason!.ShouldContain("a callback on a cancellation token of f/1 threw: a defect");
        (await host.Perdure.Flow<int, int>("good").RunAsync(3).Soon()).ShouldBe(3);
    }

    [Fact]
    public async Task A_callback_on_a_steps_token_that_throws_does_not_keep_the_flow_from_its_cancel()
    {
        var started = new TaskCompletionSource();
        await using TestHost host = await TestHost.StartAsync(p => p.Configure(o => o.ShardCount = 1).AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(s =>
            {
                s.CancellationToken.Register(() => throw new InvalidOperationException("a defect"));
                started.SetResult();
                return Task.Delay(Timeout.Infinite, s);
            }, name: "long");
            return 1;
        }).AddFlow("good", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await started.Task.Soon();

        (await run.CancelAsync().Soon()).ShouldBe(CancelAnswer.Accepted);

        await Should.ThrowAsync<FlowCancelledException>(() => run.ResultAsync().Soon());
        (await host.Perdure.Flow<int, int>("good").RunAsync(3).Soon()).ShouldBe(3);
    }

    private static Task Note(List<string> list, string what)
    {
        list.Add(what);
        return Task.CompletedTask;
    }
}
