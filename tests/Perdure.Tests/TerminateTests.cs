namespace Perdure.Tests;

public class TerminateTests
{
    [Fact]
    public async Task A_back_off_is_gone_when_its_run_is_terminated_without_its_code()
    {
        TestHost host = await TestHost.StartAsync(p => p.AddFlow<int, int>("f", (_, flow) =>
            flow.Step(() => Task.FromException<int>(new IOException("down")), retry: Retry.Fixed(5, TimeSpan.FromHours(1)), name: "a")));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.UntilAsync(d => d.Asks[0].NextAttemptAt is not null);

        await using TestHost without = await host.CrashAsync(p => p.AddFlow<int, int>("other", (_, _) => Task.FromResult(1)));
        await without.Perdure.Get("f", "1").TerminateAsync().Soon();

        IReadOnlyList<Storage.StoredFlow?> stored = await without.Memory.ReadFlowsAsync([new("f", "1")], Storage.FlowParts.All, CancellationToken.None);
        stored[0]!.Backoffs.ShouldBeEmpty();
    }

    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private static readonly Retry Quick = Retry.Forever with { First = TimeSpan.FromMilliseconds(1), StuckAfter = 3 };

    [Fact]
    public async Task A_terminated_flows_step_in_back_off_is_not_attempted_again()
    {
        int attempts = 0;
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Step(() =>
        {
            attempts++;
            return Task.FromException<int>(new IOException("later"));
        }, retry: Retry.Fixed(10, Day), name: "a")));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.UntilAsync(d => d.Asks.Count == 1 && d.Asks[0].NextAttemptAt is not null);

        await run.TerminateAsync().Soon();

        (await run.DescribeAsync()).Asks[0].NextAttemptAt.ShouldBeNull();
        await host.DisposeAsync(); // waits for attempts that run
        attempts.ShouldBe(1);
    }

    [Fact]
    public async Task A_stuck_flow_that_is_terminated_says_so_and_its_children_are_cancelled()
    {
        await using TestHost host = await TestHost.StartAsync(StuckParent);
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("parent").StartAsync(0, "1");
        await run.UntilAsync(FlowStatus.Stuck);

        await run.TerminateAsync("enough").Soon();

        FlowDescription ended = await run.DescribeAsync();
        ended.Status.ShouldBe(FlowStatus.Terminated);
        ended.Error!.Code.ShouldBe("PRD1011");
        ended.Error!.Message.ShouldBe("enough");
        FlowCancelledException e = await Should.ThrowAsync<FlowCancelledException>(() => run.ResultAsync().Soon());
        (e.Code, e.Reason).ShouldBe(("PRD1011", "enough"));
        await host.Perdure.Get("child", "kid").UntilAsync(FlowStatus.Cancelled);
    }

    [Fact]
    public async Task A_stuck_flow_that_is_terminated_after_a_restart_cancels_its_children_too()
    {
        TestHost host = await TestHost.StartAsync(StuckParent);
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("parent").StartAsync(0, "1");
        await run.UntilAsync(FlowStatus.Stuck);
        await host.Perdure.Get("child", "kid").UntilAsync(d => d.Asks.Count == 1);

        await using TestHost next = await host.RestartAsync();
        await next.Perdure.Get("parent", "1").TerminateAsync("enough").Soon();

        await next.Perdure.Get("child", "kid").UntilAsync(FlowStatus.Cancelled);
    }

    [Fact]
    public async Task A_cancel_that_waits_for_the_pivot_is_answered_when_the_flow_is_terminated()
    {
        var charge = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
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

        await run.TerminateAsync().Soon();

        (await cancel.Soon()).ShouldBe(CancelAnswer.AlreadyEnded);
        charge.SetResult();
        (await run.DescribeAsync()).Status.ShouldBe(FlowStatus.Terminated);
    }

    [Fact]
    public async Task What_comes_for_a_stuck_flow_between_its_termination_and_the_commit_of_it_is_no_input_any_more()
    {
        await using TestHost host = await TestHost.StartAsync(StuckParent);
        string id = Enumerable.Range(0, 1_000).Select(n => $"{n}").First(n => host.Node.ShardOf(new("parent", n)) != host.Node.ShardOf(new("child", "kid")));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("parent").StartAsync(0, id);
        await run.UntilAsync(FlowStatus.Stuck);
        await host.Perdure.Get("child", "kid").UntilAsync(d => d.Asks.Count == 1);
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        host.Store.IsFull = batches =>
        {
            bool terminates = batches.Any(b => b.History.Any(h => h.Kind == Storage.InputKind.Terminated));
            if (terminates)
            {
                held.TrySetResult();
            }

            return terminates;
        };

        Task terminate = run.TerminateAsync("enough");
        await held.Task.Soon();
        await host.Perdure.Get("child", "kid").SignalAsync(1, "never").Soon();
        await host.Perdure.Get("child", "kid").UntilAsync(FlowStatus.Completed);
        host.Store.IsFull = null;
        await terminate.Soon();

        await Should.ThrowAsync<FlowCancelledException>(() => run.ResultAsync().Soon());
        (await run.DescribeAsync()).Inputs[^1].Kind.ShouldBe("Terminated");
    }

    private static void StuckParent(PerdureBuilder perdure) => perdure
        .AddFlow("parent", async (int _, FlowContext flow) =>
        {
            flow.Child<int, int>("child").Start(1, "kid");
            return await flow.Step(() => Task.FromException<int>(new IOException("down")), retry: Quick, name: "a");
        })
        .AddFlow("child", async (int _, FlowContext flow) => await flow.Signal<int>("never", Day));
}
