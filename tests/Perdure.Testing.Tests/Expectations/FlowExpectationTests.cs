using Perdure.Diagnostics;

namespace Perdure.Testing.Tests.Expectations;

/// <summary>Each expectation holds where it is so, and otherwise says what is.</summary>
public sealed class FlowExpectationTests : IAsyncLifetime
{
    private FlowTest _test = null!;
    private FlowDescription _run = null!;

    public async Task InitializeAsync()
    {
        _test = await Flows.StartAsync<int>(async (_, flow) =>
        {
            await flow.Step(() => Reserve(), undo: () => Release());
            await flow.Step(() => Charge(), undo: () => Refund());
            await flow.Step(() => Notify());
            await flow.Signal<int>("paid", TimeSpan.FromDays(1));
            return 1;
        });
        FlowHandle<int> run = await _test.StartFlowAsync<int>();
        await Should.ThrowAsync<FlowFailedException>(() => run.ResultAsync());
        _run = await run.DescribeAsync();
    }

    public async Task DisposeAsync() => await _test.DisposeAsync();

    [Fact]
    public void What_is_so_passes_and_can_be_said_in_one_breath()
    {
        _run.ShouldHaveEndedAs(FlowStatus.Failed)
            .ShouldHaveRun("Reserve").ShouldHaveRun("Charge", times: 1).ShouldNotHaveRun("Ship")
            .ShouldHaveRunInOrder("Reserve", "Charge", "Notify").ShouldHaveRunInOrder("Reserve", "Notify")
            .ShouldHaveTried("Charge", attempts: 1)
            .ShouldHaveUndone("Release").ShouldHaveUndoneInOrder("Refund", "Release");
    }

    [Fact]
    public void Names_may_have_a_receiver_and_async() => _run.ShouldHaveRun("cards.Charge").ShouldHaveRun("ChargeAsync").ShouldHaveUndone("cards.RefundAsync");

    public static TheoryData<string, Action<FlowDescription>> Wrong => new()
    {
        { "should have ended as Completed, and is Failed", run => run.ShouldHaveCompleted() },
        { "should have ended as Cancelled, and is Failed", run => run.ShouldHaveEndedAs(FlowStatus.Cancelled) },
        { "should have run Ship, and did not run it", run => run.ShouldHaveRun("Ship") },
        { "should have run Charge twice, and ran it once", run => run.ShouldHaveRun("Charge", times: 2) },
        { "should not have run Charge, and asked for it once", run => run.ShouldNotHaveRun("Charge") },
        { "should have run Charge, Reserve in this order, and Reserve is missing or comes too early", run => run.ShouldHaveRunInOrder("Charge", "Reserve") },
        { "should have tried Charge 3 times, and tried it once", run => run.ShouldHaveTried("Charge", attempts: 3) },
        { "should have run the undo Recall, and ran Refund, Release", run => run.ShouldHaveUndone("Recall", "Refund") },
        { "should have run the undos Release, Refund, in this order and no others, and ran Refund, Release", run => run.ShouldHaveUndoneInOrder("Release", "Refund") },
        { "should have run the undos Refund, in this order and no others", run => run.ShouldHaveUndoneInOrder("Refund") },
        { "should have run no undo, and asked for Refund, Release", run => run.ShouldHaveUndoneNothing() },
        { "should be waiting for paid, and has ended as Failed", run => run.ShouldBeWaitingFor("paid") },
        { "should be stuck with PRD3001, and is Failed", run => run.ShouldBeStuck(ErrorCodes.HistoryMismatch) },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_is_not_so_is_said_with_the_history(string says, Action<FlowDescription> expect)
    {
        ArgumentNullException.ThrowIfNull(expect);
        string message = Should.Throw<ExpectationException>(() => expect(_run)).Message;

        message.ShouldStartWith($"flow/1 {says}");
        message.ShouldContain("flow/1 Failed after 1d 00:00:00: PRD2004:");
    }

    [Fact]
    public void The_history_is_a_table()
    {
        string[] table = Should.Throw<ExpectationException>(() => _run.ShouldHaveCompleted()).Message.Split('\n')[2..];

        table.ShouldBe(
        [
            "     0       0.000 s  step Reserve  completed",
            "     1       0.000 s  step Charge   completed",
            "     2       0.000 s  step Notify   completed",
            "     3       0.000 s  signal paid   fired at 1d 00:00:00",
            "     4   1d 00:00:00  undo Refund   completed",
            "     5   1d 00:00:00  undo Release  completed",
        ], string.Join('\n', table));
    }

    private static Task Reserve() => Task.CompletedTask;

    private static Task Release() => Task.CompletedTask;

    private static Task Charge() => Task.CompletedTask;

    private static Task Refund() => Task.CompletedTask;

    private static Task Notify() => Task.CompletedTask;
}
