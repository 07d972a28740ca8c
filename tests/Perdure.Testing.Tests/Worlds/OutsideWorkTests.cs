namespace Perdure.Testing.Tests.Worlds;

/// <summary>Steps that work on other threads, and the virtual time meanwhile.</summary>
public sealed class OutsideWorkTests
{
    [Fact]
    public async Task A_step_that_works_on_another_thread_is_waited_for_before_time_moves()
    {
        await using FlowTest test = await Flows.StartAsync(async (_, flow) =>
        {
            await flow.Step(() => Task.Run(() => SpinWait.SpinUntil(() => false, 20)), name: "Work", timeout: TimeSpan.FromMinutes(1));
            return flow.Now;
        }, new FlowTestOptions { OutsideWorkMax = TimeSpan.FromMinutes(1) });
        DateTimeOffset start = test.Now;

        FlowHandle<DateTimeOffset> run = await test.StartFlowAsync<DateTimeOffset>();

        ((await run.ResultAsync()) - start).ShouldBeLessThan(TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_step_that_does_not_come_back_in_time_is_overtaken()
    {
        var gate = new TaskCompletionSource();
        await using FlowTest test = await Flows.StartAsync(async (_, flow) =>
        {
            await flow.Step(s => gate.Task.WaitAsync(s.CancellationToken), name: "Hang", timeout: TimeSpan.FromMinutes(1), retry: Retry.None);
            return 1;
        }, new FlowTestOptions { OutsideWorkMax = TimeSpan.Zero });

        FlowHandle<int> run = await test.StartFlowAsync<int>();

        await Should.ThrowAsync<FlowFailedException>(() => run.ResultAsync());
        (await run.DescribeAsync()).Asks[0].Error!.Message.ShouldContain("no answer within 00:01:00");
    }

    [Fact]
    public async Task A_step_that_waits_for_the_tests_clock_is_not_waited_for()
    {
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddPerdure(perdure => perdure.UseMemory()
            .AddFlow<string, int, TimeProvider>("flow", async (_, flow, time) =>
            {
                await flow.Step(() => Task.Delay(TimeSpan.FromMinutes(4), time), name: "Wait");
                return 1;
            })), new FlowTestOptions { OutsideWorkMax = TimeSpan.FromHours(1) });

        FlowHandle<int> run = await test.StartFlowAsync<int>();

        (await run.ResultAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task A_test_can_hold_a_step_and_let_it_go()
    {
        var came = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var gate = new TaskCompletionSource();
        await using FlowTest test = await Flows.StartAsync(async (_, flow) =>
        {
            await flow.Step(() =>
            {
                came.SetResult();
                return gate.Task;
            }, name: "Held");
            return 1;
        });
        FlowHandle<int> run = await test.StartFlowAsync<int>();
        await came.Task;

        gate.SetResult();

        (await run.ResultAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task Flow_code_that_blocks_its_thread_is_found()
    {
        await using FlowTest test = await Flows.StartAsync<int>((_, _) =>
        {
            using var never = new ManualResetEventSlim();
            never.Wait();
            return Task.FromResult(1);
        });
        FlowHandle<int> run = await test.StartFlowAsync<int>();

        await Should.ThrowAsync<ExpectationException>(() => run.ResultAsync());

        await run.ShouldBeStuckAsync("PRD3003");
    }
}
