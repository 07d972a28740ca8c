namespace Perdure.Testing.Tests.Worlds;

/// <summary>When a test's time moves, and when it does not.</summary>
public sealed class TimeTests
{
    private static readonly FlowTestOptions ByHand = new() { Time = TestTime.ByHand };

    [Fact]
    public async Task A_flow_of_20_days_ends_when_its_end_is_awaited()
    {
        await using FlowTest test = await Flows.StartAsync(async (_, flow) =>
        {
            await flow.Delay(TimeSpan.FromDays(20));
            return flow.Now;
        });
        DateTimeOffset start = test.Now;

        FlowHandle<DateTimeOffset> run = await test.StartFlowAsync<DateTimeOffset>();

        ((await run.ResultAsync()) - start).TotalDays.ShouldBe(20, tolerance: 0.001);
    }

    [Fact]
    public async Task Time_stands_still_between_the_calls_of_a_test()
    {
        await using FlowTest test = await Flows.StartAsync((_, flow) => flow.Signal<int>("go", TimeSpan.FromSeconds(1)));
        DateTimeOffset start = test.Now;
        FlowHandle<int> run = await test.StartFlowAsync<int>();

        await test.IdleAsync();
        await run.ShouldBeWaitingForAsync("go");
        await run.SignalAsync(7, "go");

        (await run.ResultAsync()).ShouldBe(7);
        (test.Now - start).ShouldBeLessThan(TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Idle_lets_time_pass_for_steps_that_are_tried_again()
    {
        int attempts = 0;
        await using FlowTest test = await Flows.StartAsync(async (_, flow) =>
        {
            await flow.Step(() => ++attempts < 4 ? throw new InvalidOperationException("not yet") : Task.CompletedTask, name: "Try", retry: Retry.Fixed(5, TimeSpan.FromHours(1)));
            return await flow.Signal<int>("go", TimeSpan.FromDays(1));
        }, new FlowTestOptions { ReplaysEveryInput = false });
        DateTimeOffset start = test.Now;
        FlowHandle<int> run = await test.StartFlowAsync<int>();

        await test.IdleAsync();

        (await run.ShouldHaveTriedAsync("Try", attempts: 4)).ShouldBeWaitingFor("go");
        (test.Now - start).TotalHours.ShouldBeInRange(2.4, 3.9);
    }

    [Fact]
    public async Task By_hand_it_moves_as_far_as_it_is_moved()
    {
        await using FlowTest test = await Flows.StartAsync(async (_, flow) =>
        {
            await flow.Delay(TimeSpan.FromDays(2));
            return 1;
        }, ByHand);
        FlowHandle<int> run = await test.StartFlowAsync<int>();

        await test.AdvanceAsync(TimeSpan.FromDays(2) - TimeSpan.FromSeconds(1));
        await run.ShouldBeWaitingForAsync("delay");

        await test.AdvanceAsync(TimeSpan.FromSeconds(1));
        (await run.ResultAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task By_hand_an_end_that_takes_time_is_told_with_what_moves_it()
    {
        await using FlowTest test = await Flows.StartAsync(async (_, flow) =>
        {
            await flow.Delay(TimeSpan.FromDays(2));
            return 1;
        }, ByHand);

        string message = (await Should.ThrowAsync<ExpectationException>(() => test.Perdure.Flow<string, int>("flow").RunAsync("1", id: "1"))).Message;

        message.ShouldStartWith(
            "The test waits for the end of flow/1, and time moves by hand (TestTime.ByHand): what comes next is due in 2d 00:00:00, at 2026-01-03 12:00:00Z. "
            + "Let time pass by AdvanceAsync first, and await the end then.\n");
        message.ShouldContain("timer delay  open");
        await test.AdvanceAsync(TimeSpan.FromDays(2));
        (await test.Perdure.Flow<string, int>("flow").Get("1").ResultAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task By_hand_an_end_that_needs_a_slow_step_is_told_when_it_is_done()
    {
        await using FlowTest test = await Flows.StartAsync(async (_, flow) =>
        {
            await flow.Step(() => Task.CompletedTask, name: "Pay");
            return 1;
        }, ByHand);
        test.Faults.Step("Pay").BeSlow(TimeSpan.FromSeconds(20));
        FlowHandle<int> run = await test.StartFlowAsync<int>();

        (await Should.ThrowAsync<ExpectationException>(() => run.ResultAsync())).Message.ShouldContain("what comes next is due in 20.000 s, at 2026-01-01 12:00:20Z.");

        await test.AdvanceAsync(TimeSpan.FromSeconds(20));
        (await run.ResultAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task By_hand_an_end_that_only_a_signal_brings_is_told()
    {
        await using FlowTest test = await Flows.StartAsync((_, flow) => flow.Signal<int>("go", TimeSpan.MaxValue), ByHand);
        FlowHandle<int> run = await test.StartFlowAsync<int>();

        (await Should.ThrowAsync<ExpectationException>(() => run.ResultAsync())).Message.ShouldStartWith("The test waits for the end of flow/1, and nothing more can happen.\n");
    }

    [Fact]
    public async Task An_end_that_cannot_come_is_told_with_the_history()
    {
        await using FlowTest test = await Flows.StartAsync((_, flow) => flow.Signal<int>("go", TimeSpan.MaxValue));
        FlowHandle<int> run = await test.StartFlowAsync<int>();

        string message = (await Should.ThrowAsync<ExpectationException>(() => run.ResultAsync())).Message;

        message.ShouldStartWith("The test waits for the end of flow/1, and nothing more can happen.");
        message.ShouldContain("signal go  open");
        await run.SignalAsync(3, "go");
        (await run.ResultAsync()).ShouldBe(3);
    }

    [Fact]
    public async Task An_end_that_never_comes_is_told_with_the_ends_of_the_history()
    {
        await using FlowTest test = await Flows.StartAsync<int>(async (_, flow) =>
        {
            while (true)
            {
                await flow.Delay(TimeSpan.FromDays(100));
            }
        });
        FlowHandle<int> run = await test.StartFlowAsync<int>();

        string message = (await Should.ThrowAsync<ExpectationException>(() => run.ResultAsync())).Message;

        message.ShouldStartWith("The test waits for the end of flow/1, and it has not come after 100 years.");
        message.ShouldContain("... 306 more\n");
        message.Split('\n').Length.ShouldBe(63);
    }

    [Fact]
    public async Task A_run_that_goes_on_while_time_stands_still_is_told()
    {
        FlowTest test = await Flows.StartAsync<int>(async (_, flow) =>
        {
            while (true)
            {
                await flow.Step(() => Task.CompletedTask, name: "Again");
            }
        });
        await test.StartFlowAsync<int>();

        (await Should.ThrowAsync<ExpectationException>(test.IdleAsync)).Message.ShouldContain("flow/1 goes on and on: ");
        await test.DisposeAsync();
        await Should.ThrowAsync<ObjectDisposedException>(test.IdleAsync);
        Should.Throw<ObjectDisposedException>(() => test.Perdure);
    }

    [Fact]
    public async Task A_test_may_start_at_any_time()
    {
        var lastNight = new DateTimeOffset(1999, 12, 31, 23, 59, 0, TimeSpan.Zero);
        await using FlowTest test = await Flows.StartAsync((_, flow) => Task.FromResult(flow.Now), new FlowTestOptions { StartAt = lastNight });

        FlowHandle<DateTimeOffset> run = await test.StartFlowAsync<DateTimeOffset>();

        (await run.ResultAsync()).ShouldBeInRange(lastNight, lastNight.AddSeconds(1));
    }
}
