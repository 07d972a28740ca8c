namespace Perdure.Testing.Tests.Faults;

/// <summary>Each fault does to an attempt what it says.</summary>
public sealed class FaultPlanTests
{
    private int _done;
    private int _undone;
    private int _found;

    [Fact]
    public async Task Failing_attempts_do_nothing_and_are_retried()
    {
        await using FlowTest test = await StartAsync();
        FaultPlan plan = test.Faults.Step("Do").FailTimes(2);

        FlowDescription run = await EndAsync(test);

        run.ShouldHaveCompleted().ShouldHaveTried("Do", attempts: 3);
        (plan.Attempts, _done).ShouldBe((2, 1));
    }

    [Fact]
    public async Task An_error_of_the_tests_own_is_sorted_by_the_applications_rules()
    {
        await using FlowTest test = await StartAsync();
        test.Faults.Step("Do").FailTimes(1, () => new RejectedException("no"));

        (await EndAsync(test)).ShouldHaveEndedAs(FlowStatus.Failed).ShouldHaveTried("Do", attempts: 1).ShouldHaveUndoneNothing();
    }

    [Fact]
    public async Task A_step_that_always_fails_uses_up_its_retries()
    {
        await using FlowTest test = await StartAsync();
        test.Faults.Step("Do").FailAlways();

        (await EndAsync(test)).ShouldHaveEndedAs(FlowStatus.Failed);
        _done.ShouldBe(0);
    }

    [Fact]
    public async Task A_lost_answer_is_reconciled_and_not_done_again()
    {
        await using FlowTest test = await StartAsync();
        test.Faults.Step("Do").LoseAnswer();

        (await EndAsync(test)).ShouldHaveCompleted();
        (_done, _found).ShouldBe((1, 1));
    }

    [Fact]
    public async Task A_time_out_before_the_work_is_reconciled_and_done_then()
    {
        await using FlowTest test = await StartAsync();
        test.Faults.Step("Do").TimeOut();

        (await EndAsync(test)).ShouldHaveCompleted().ShouldHaveTried("Do", attempts: 2);
        (_done, _found).ShouldBe((1, 1));
    }

    [Fact]
    public async Task A_reconcile_can_fail_too()
    {
        await using FlowTest test = await StartAsync();
        test.Faults.Step("Do").LoseAnswer();
        test.Faults.Reconcile("Do").FailTimes(2);

        (await EndAsync(test)).ShouldHaveCompleted();
        (_done, _found).ShouldBe((1, 1));
    }

    [Fact]
    public async Task A_slow_step_takes_virtual_time_and_meets_its_time_out()
    {
        await using FlowTest test = await StartAsync();
        test.Faults.Step("Do").BeSlow(TimeSpan.FromSeconds(50)).BeSlow(TimeSpan.FromHours(1));

        FlowDescription run = await EndAsync(test);

        run.ShouldHaveCompleted().ShouldHaveTried("Do", attempts: 1);
        (run.EndedAt - run.StartedAt)!.Value.TotalSeconds.ShouldBe(50, tolerance: 0.1);
    }

    [Fact]
    public async Task A_step_can_run_twice_and_an_undo_can_fail()
    {
        await using FlowTest test = await StartAsync(then: flow => throw new InvalidOperationException("back"));
        test.Faults.Step("Do").RunTwice();
        test.Faults.Step("Undo").FailTimes(3);

        (await EndAsync(test)).ShouldHaveEndedAs(FlowStatus.Failed).ShouldHaveUndone("Undo").ShouldHaveTried("Undo", attempts: 4);
        (_done, _undone).ShouldBe((2, 1));
    }

    [Fact]
    public async Task A_plan_can_be_for_one_run_and_can_be_forgotten()
    {
        await using FlowTest test = await StartAsync();
        FaultPlan plan = test.Faults.Step("Do", id: "2").Reject("not you");
        FaultPlan forgotten = test.Faults.Step("Do", id: "3").Reject("nor you");

        (await EndAsync(test, "1")).ShouldHaveCompleted();
        (await EndAsync(test, "2")).ShouldHaveEndedAs(FlowStatus.Failed);
        test.Faults.Clear();
        (await EndAsync(test, "3")).ShouldHaveCompleted();
        (plan.Attempts, forgotten.Attempts).ShouldBe((1, 0));
    }

    [Theory]
    [InlineData(false, null, "No attempt met the plan of Faults.Step(\"Doo\"), and all runs have ended. What was tried: Do. ")]
    [InlineData(false, "2", "No attempt met the plan of Faults.Step(\"Doo\", id: \"2\"), and all runs have ended. What was tried: Do in run 1. ")]
    [InlineData(true, null, "No attempt met the plan of Faults.Reconcile(\"Doo\"), and all runs have ended. What was tried: nothing. ")]
    public async Task A_plan_that_no_attempt_met_fails_the_test_at_its_end(bool reconcile, string? id, string message)
    {
        FlowTest test = await StartAsync();
        _ = (reconcile ? test.Faults.Reconcile("Doo", id) : test.Faults.Step("Doo", id)).FailTimes(1);
        await EndAsync(test);

        (await Should.ThrowAsync<ExpectationException>(async () => await test.DisposeAsync())).Message.ShouldStartWith(message);
    }

    [Fact]
    public async Task A_plan_whose_step_may_still_come_does_not_fail_the_test()
    {
        FlowTest test = await StartAsync(then: flow => flow.Signal<int>("go", TimeSpan.FromDays(1)));
        test.Faults.Step("Undo").FailTimes(1);
        FlowHandle<int> run = await test.StartFlowAsync<int>();
        await test.IdleAsync();

        await run.ShouldBeWaitingForAsync("go");
        await test.DisposeAsync();
    }

    private static async Task<FlowDescription> EndAsync(FlowTest test, string id = "1")
    {
        FlowHandle<int> run = await test.StartFlowAsync<int>(id);
        try
        {
            await run.ResultAsync();
        }
        catch (FlowFailedException)
        {
            // The description says so.
        }

        return await run.DescribeAsync();
    }

    private Task<FlowTest> StartAsync(Func<FlowContext, Task>? then = null) => Flows.StartAsync(async (_, flow) =>
    {
        int result = await flow.Step(() => DoAsync(), undo: () => UndoAsync(), reconcile: () => FindAsync(), timeout: TimeSpan.FromMinutes(1)) ?? 0;
        await (then?.Invoke(flow) ?? Task.CompletedTask);
        return result;
    });

    private Task<int?> DoAsync() => Task.FromResult<int?>(++_done);

    private Task UndoAsync()
    {
        _undone++;
        return Task.CompletedTask;
    }

    private Task<int?> FindAsync()
    {
        _found++;
        return Task.FromResult(_done > 0 ? _done : (int?)null);
    }
}
