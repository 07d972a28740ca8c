namespace Perdure.Tests;

public class HostStopTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task A_cancel_that_waits_for_the_pivot_hears_of_the_hosts_stop()
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
    public async Task A_client_that_waits_for_a_result_hears_of_the_hosts_stop()
    {
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Signal<int>("never", Day)));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        Task<int> result = run.ResultAsync();
        result.IsCompleted.ShouldBeFalse();

        await host.DisposeAsync();

        (await Should.ThrowAsync<StoreUnavailableException>(() => result.Soon())).Code.ShouldBe("PRD4005");
    }

    [Fact]
    public async Task Clients_whose_answer_waits_for_a_commit_that_never_ends_hear_of_the_hosts_stop()
    {
        var committing = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        TestHost host = await TestHost.StartAsync(p => p
            .Configure(o => o.ShutdownGrace = TimeSpan.Zero)
            .AddFlow("f", async (int _, FlowContext flow) => await flow.Signal<int>("go", Day)));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        host.Store.DieBeforeCommit = batches => batches.Any(b => b.History.Count > 0) && (committing.TrySetResult() || true);
        Task<int> result = run.ResultAsync();
        Task signal = run.SignalAsync(1, "go"); // its turn ends the flow
        await committing.Task.Soon();

        await host.DisposeAsync();

        await Should.ThrowAsync<StoreUnavailableException>(() => signal.Soon());
        await Should.ThrowAsync<StoreUnavailableException>(() => result.Soon());
    }

    [Fact]
    public async Task A_call_after_the_hosts_stop_is_refused_at_once()
    {
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Signal<int>("never", Day)));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");

        await host.DisposeAsync();

        (await Should.ThrowAsync<PerdureException>(() => run.SignalAsync(1, "never").Soon())).Code.ShouldBe("PRD4005");
    }

    [Fact]
    public async Task What_a_step_has_done_when_the_host_stops_is_kept()
    {
        var started = new TaskCompletionSource();
        int attempts = 0;
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Step(async s =>
        {
            attempts++;
            started.TrySetResult();
            await Task.WhenAny(Task.Delay(Timeout.Infinite, s));
            return 7;
        }, name: "a")));
        await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await started.Task.Soon();

        await using TestHost next = await host.RestartAsync();

        (await next.Perdure.Flow<int, int>("f").Get("1").ResultAsync().Soon()).ShouldBe(7);
        attempts.ShouldBe(1);
    }
}
