using Microsoft.Extensions.DependencyInjection;
using Perdure.Diagnostics;

namespace Perdure.Testing.Tests.Worlds;

/// <summary>Processes that crash, restart, change, and what the host looks for meanwhile.</summary>
public sealed class ProcessTests
{
    [Fact]
    public async Task A_call_that_waits_learns_of_the_crash_and_can_be_made_again()
    {
        var answer = new TaskCompletionSource<int>();
        await using FlowTest test = await Flows.StartAsync((_, flow) => flow.Step(() => answer.Task, name: "Ask"), new FlowTestOptions { OutsideWorkMax = Timeout.InfiniteTimeSpan });
        FlowHandle<int> run = await test.StartFlowAsync<int>();
        Task<int> waiting = run.ResultAsync();

        await test.CrashAsync();

        await Should.ThrowAsync<StoreUnavailableException>(() => waiting);
        answer.SetResult(5);
        (await run.ResultAsync()).ShouldBe(5);
    }

    [Fact]
    public async Task A_step_that_ran_at_the_crash_runs_again_under_its_key()
    {
        List<string> keys = [];
        var never = new TaskCompletionSource();
        await using FlowTest test = await Flows.StartAsync(async (_, flow) =>
        {
            await flow.Step(s =>
            {
                keys.Add(s.IdempotencyKey);
                return keys.Count == 1 ? never.Task : Task.CompletedTask;
            }, name: "Charge");
            return 1;
        }, new FlowTestOptions { OutsideWorkMax = TimeSpan.Zero, Time = TestTime.ByHand });
        FlowHandle<int> run = await test.StartFlowAsync<int>();
        await test.IdleAsync();

        await test.CrashAsync();

        (await run.ResultAsync()).ShouldBe(1);
        keys.Count.ShouldBe(2);
        keys.Distinct().Count().ShouldBe(1);
    }

    [Fact]
    public async Task Objects_outlive_a_crash_and_what_the_container_makes_does_not()
    {
        var bank = new Bank();
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddSingleton(bank).AddSingleton<Cache>().AddPerdure(p => p.UseMemory()));
        var cache = test.Services.GetRequiredService<Cache>();

        await test.CrashAsync();

        test.Services.GetRequiredService<Bank>().ShouldBeSameAs(bank);
        test.Services.GetRequiredService<Cache>().ShouldNotBeSameAs(cache);
    }

    [Fact]
    public async Task Code_that_was_changed_in_place_is_found_when_the_new_build_meets_an_open_run()
    {
        await using FlowTest test = await Flows.StartAsync((_, flow) => Sold(flow, "Pay"));
        FlowHandle<int> run = await test.StartFlowAsync<int>();
        await test.IdleAsync();

        await test.RestartAsync(Flows.Of((_, flow) => Sold(flow, "Charge")));
        await run.SignalAsync(1, "go");
        await test.IdleAsync();

        (await run.ShouldBeStuckAsync(ErrorCodes.HistoryMismatch)).StuckReason!.ShouldContain("history says step `Pay`, the code says step `Charge`");
    }

    [Fact]
    public async Task Code_that_decides_by_what_a_step_wrote_into_a_variable_is_found()
    {
        FlowTest test = await Flows.StartAsync(async (_, flow) =>
        {
            bool paid = false;
            await flow.Step(() =>
            {
                paid = true;
                return Task.CompletedTask;
            }, name: "Pay");
            await flow.Step(() => Task.CompletedTask, name: paid ? "Ship" : "Remind");
            return 1;
        });
        FlowHandle<int> run = await test.StartFlowAsync<int>();
        await run.ResultAsync();

        string message = (await Should.ThrowAsync<ExpectationException>(() => test.IdleAsync())).Message;

        message.ShouldContain("history says step `Ship`, the code says step `Remind`");
        await Should.ThrowAsync<ExpectationException>(async () => await test.DisposeAsync());
    }

    [Fact]
    public async Task Registrations_without_an_engine_are_refused()
        => (await Should.ThrowAsync<InvalidOperationException>(() => FlowTest.StartAsync(_ => { }))).Message.ShouldContain("do not call AddPerdure");

    [Fact]
    public async Task Mistakes_in_registrations_are_found_at_the_start()
    {
        var wrong = await Should.ThrowAsync<PerdureException>(() => FlowTest.StartAsync(services => services.AddScoped<Cache>().AddPerdure(p => p
            .UseMemory().AddFlow<string, int, Cache>("flow", (_, _, _) => Task.FromResult(1)))));

        wrong.Code.ShouldBe(ErrorCodes.ScopedInFlow);
    }

    private static async Task<int> Sold(FlowContext flow, string step)
    {
        await flow.Step(() => Task.CompletedTask, name: step);
        return await flow.Signal<int>("go", TimeSpan.FromDays(1));
    }

    private sealed class Bank;

    private sealed class Cache;
}
