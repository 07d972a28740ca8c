namespace Perdure.Tests;

public class ProbeTests
{
    [Fact]
    public async Task Probe_reconcile_after_rejection()
    {
        int asked = 0;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
            await flow.Step(s => s.Attempt == 1 ? Task.FromException<string>(new TimeoutException("t")) : Task.FromException<string>(new RejectedException("already charged")),
                undo: _ => Task.CompletedTask,
                reconcile: _ => Task.FromResult(++asked == 1 ? null : "receipt"), retry: Retry.Fixed(3, TimeSpan.Zero), name: "charge")));
        (await host.Perdure.Flow<int, string>("f").RunAsync(0).Soon()).ShouldBe("receipt");
    }

    [Fact]
    public async Task Probe_cancel_pending_at_stop()
    {
        var started = new TaskCompletionSource();
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(s =>
            {
                started.TrySetResult();
                return Task.Delay(Timeout.Infinite, s);
            }, pivot: true, name: "charge");
            return 1;
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await started.Task.Soon();
        Task<CancelAnswer> cancel = run.CancelAsync();
        await run.UntilAsync(d => d.Inputs.Any(i => i.Kind == "CancelRequested"));
        await host.DisposeAsync();
        await Should.ThrowAsync<StoreUnavailableException>(() => cancel.Soon());
    }

    [Fact]
    public async Task Probe_cancel_after_crash_reconcile_no_undo()
    {
        bool undone = false;
        var started = new TaskCompletionSource();
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
            await flow.Step(async _ =>
            {
                started.TrySetResult();
                await new TaskCompletionSource().Task;
                return "x";
            },
            undo: _ =>
            {
                undone = true;
                return Task.CompletedTask;
            }, reconcile: _ => Task.FromResult<string?>(null), name: "charge")));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await started.Task.Soon();
        await run.CancelAsync().Soon();
        await using TestHost next = await host.CrashAsync();
        await Should.ThrowAsync<FlowCancelledException>(() => next.Perdure.Flow<int, string>("f").Get("1").ResultAsync().Soon());
        undone.ShouldBeTrue();
    }

    [Fact]
    public async Task Probe_call_after_stop()
    {
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Signal<int>("x", TimeSpan.FromDays(1))));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await host.DisposeAsync();
        await Should.ThrowAsync<PerdureException>(() => run.SignalAsync(1, "x").Soon());
    }
}
