using Orders.Report;
using Orders.Services;
using Perdure;

namespace Orders.Tests;

/// <summary>F8 to F11 of the orchestrated Create Order: a crash around the charge, no answer in time, no way back, and a user who cancels.</summary>
public sealed class FailureTests : IDisposable
{
    private static readonly Order Order = Some.GoodOrder;
    private readonly TestFolder _folder = new();
    private readonly ScriptedNetwork _network = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task F8_after_a_crash_between_charge_and_answer_Accounting_is_asked_and_nothing_is_charged_again()
    {
        var gate = new Gate();
        _network.On("Authorize", async (_, deliver, ct) =>
        {
            await deliver();
            await gate.PassAsync(ct);      // charged, and the answer never comes
        });
        await using (OrdersHost host = await OrdersHost.StartAsync(_folder.Path, _network))
        {
            await host.CreateOrder.StartAsync(Order, id: Order.Id);
            await gate.Came;
        }

        _network.On("Authorize", null);
        await using OrdersHost next = await OrdersHost.StartAsync(_folder.Path, _network);

        (await next.ResultAsync(Order)).State.ShouldBe(OrderState.Approved);
        _network.Calls("Authorize").ShouldBe(1);
        _network.Calls("FindAuthorization").ShouldBe(1);
        next.Facts(Order).ShouldBe(new OrderFacts("1", OrderState.Approved, 22.80m, TicketState.AwaitingAcceptance, AuthorizationState.Authorized, Charges: 1, Refunds: 0, Paid: 22.80m));
    }

    [Fact]
    public async Task F8_after_a_crash_before_the_charge_the_card_is_charged_once()
    {
        var gate = new Gate();
        _network.On("Authorize", (_, _, ct) => gate.PassAsync(ct));
        await using (OrdersHost host = await OrdersHost.StartAsync(_folder.Path, _network))
        {
            await host.CreateOrder.StartAsync(Order, id: Order.Id);
            await gate.Came;
        }

        _network.On("Authorize", null);
        await using OrdersHost next = await OrdersHost.StartAsync(_folder.Path, _network);

        (await next.ResultAsync(Order)).State.ShouldBe(OrderState.Approved);
        _network.Calls("FindAuthorization").ShouldBe(1);
        next.Facts(Order).Charges.ShouldBe(1);
    }

    [Fact]
    public async Task F9_an_order_whose_ticket_is_not_answered_in_time_is_rejected_and_a_late_ticket_refused()
    {
        var gate = new Gate();
        var time = new ManualTime();
        Func<Task> late = null!;
        _network.On("CreateTicket", (_, deliver, ct) =>
        {
            late = deliver;
            return gate.PassAsync(ct);
        });
        await using OrdersHost host = await OrdersHost.StartAsync(_folder.Path, _network, time: time);
        await host.CreateOrder.StartAsync(Order, id: Order.Id);
        await gate.Came;

        time.Advance(TimeSpan.FromMinutes(14));
        host.Facts(Order).Order.ShouldBe(OrderState.ApprovalPending);
        time.Advance(TimeSpan.FromMinutes(2));

        (await host.ResultAsync(Order)).ShouldBe(new OrderOutcome("1", OrderState.Rejected, "no answer in time"));
        await Should.ThrowAsync<TicketRefusedException>(() => late());
        host.Facts(Order).ShouldBe(new OrderFacts("1", OrderState.Rejected, 22.80m, TicketState.CreateRejected, Authorization: null, Charges: 0, Refunds: 0, Paid: 0));
    }

    [Fact]
    public async Task F9_an_order_whose_charge_is_not_answered_in_time_is_rejected_and_a_late_charge_refused()
    {
        var time = new ManualTime();
        _network.TimesOut("Authorize");
        await using OrdersHost host = await OrdersHost.StartAsync(_folder.Path, _network, time: time);
        await host.CreateOrder.StartAsync(Order, id: Order.Id);

        Task<OrderOutcome> result = host.ResultAsync(Order);
        await time.AdvanceUntilAsync(() => result.IsCompleted, "the order is settled");

        (await result).ShouldBe(new OrderOutcome("1", OrderState.Rejected, "no answer in time"));
        _network.On("Authorize", null);
        await Should.ThrowAsync<CardDeclinedException>(() => host.Accounting.AuthorizeAsync(Order));
        host.Facts(Order).ShouldBe(new OrderFacts("1", OrderState.Rejected, 22.80m, TicketState.CreateRejected, AuthorizationState.Voided, Charges: 0, Refunds: 0, Paid: 0));
    }

    [Fact]
    public async Task F9_while_nobody_can_say_whether_the_card_was_charged_the_order_is_not_rejected()
    {
        var time = new ManualTime();
        DateTimeOffset start = time.GetUtcNow();
        _network.TimesOut("FindAuthorization").On("Authorize", async (call, deliver, _) =>
        {
            await deliver();
            throw new TimeoutException($"{call} was not answered");
        });
        await using OrdersHost host = await OrdersHost.StartAsync(_folder.Path, _network, time: time);
        await host.CreateOrder.StartAsync(Order, id: Order.Id);

        await time.AdvanceUntilAsync(() => time.GetUtcNow() > start.AddMinutes(20) && _network.Calls("FindAuthorization") > 10, "Accounting was asked again and again");
        host.Facts(Order).Order.ShouldBe(OrderState.ApprovalPending);

        _network.On("FindAuthorization", null);
        Task<OrderOutcome> result = host.ResultAsync(Order);
        await time.AdvanceUntilAsync(() => result.IsCompleted, "the order is settled");
        (await result).State.ShouldBe(OrderState.Approved);
        _network.Calls("Authorize").ShouldBe(1);
        host.Facts(Order).Charges.ShouldBe(1);
    }

    [Theory]
    [InlineData("ConfirmCreateTicket")]
    [InlineData("ApproveOrder")]
    public async Task F10_a_step_that_keeps_failing_after_the_pivot_is_never_undone_and_goes_on_after_the_repair(string command)
    {
        var options = new CreateOrderOptions
        {
            AfterPivot = Retry.Forever with { First = TimeSpan.FromMilliseconds(1), Cap = TimeSpan.FromMilliseconds(5), StuckAfter = 5 },
        };
        _network.Unavailable(command);
        await using OrdersHost host = await OrdersHost.StartAsync(_folder.Path, _network, options);
        FlowHandle<OrderOutcome> run = await host.CreateOrder.StartAsync(Order, id: Order.Id);

        await Deadline.UntilAsync(async () => (await run.DescribeAsync()).Status == FlowStatus.Stuck, "the flow is stuck");
        _network.Calls(command).ShouldBe(5);
        host.Trace(Order).ShouldNotContain("CancelCreateTicket");
        host.Trace(Order).ShouldNotContain("RejectOrder");
        host.Facts(Order).Order.ShouldBe(OrderState.ApprovalPending);
        host.Facts(Order).Authorization.ShouldBe(AuthorizationState.Authorized);

        _network.On(command, null);
        await run.RetryAsync();

        (await host.ResultAsync(Order)).State.ShouldBe(OrderState.Approved);
        host.Trace(Order).ShouldBe(["Validate", "CreateTicket", "Authorize", "ConfirmCreateTicket", "ApproveOrder"]);
    }

    [Fact]
    public async Task F10_a_stuck_order_is_reported_and_the_others_are_taken()
    {
        var options = new CreateOrderOptions { AfterPivot = Retry.Forever with { First = TimeSpan.FromMilliseconds(1), StuckAfter = 2 } };
        _network.Unavailable("ApproveOrder");
        await using OrdersHost host = await OrdersHost.StartAsync(_folder.Path, _network, options);
        var tally = new Tally();
        var runs = new OrderRuns(host.Perdure, tally);
        using var done = new CancellationTokenSource();
        Task watching = runs.WatchAsync(done.Token);

        await runs.StartAsync(Order, CancellationToken.None).AsTask().WaitAsync(Deadline.Time);
        await runs.StartAsync(Some.OfBlockedConsumer, CancellationToken.None).AsTask().WaitAsync(Deadline.Time);

        await done.CancelAsync();
        await watching;
        tally.Of("stuck").ShouldHaveSingleItem().OrderId.ShouldBe(Order.Id);
        tally.Count("rejected").ShouldBe(1);
    }

    [Fact]
    public async Task F11_an_order_that_is_pending_refuses_to_be_cancelled_and_can_be_once_it_is_approved()
    {
        var gate = new Gate();
        _network.On("CreateTicket", (_, _, ct) => gate.PassAsync(ct));
        await using OrdersHost host = await OrdersHost.StartAsync(_folder.Path, _network);
        await host.CreateOrder.StartAsync(Order, id: Order.Id);
        await gate.Came;

        (await Should.ThrowAsync<CancelRefusedException>(() => host.Orders.BeginCancelAsync(Order.Id))).Message.ShouldContain("APPROVAL_PENDING");

        gate.Open();
        (await host.ResultAsync(Order)).State.ShouldBe(OrderState.Approved);
        await host.Orders.BeginCancelAsync(Order.Id);
        await host.CancelOrder.RunAsync(Order.Id, id: Order.Id);
        host.Facts(Order).ShouldBe(new OrderFacts("1", OrderState.Cancelled, 22.80m, TicketState.Cancelled, AuthorizationState.Voided, Charges: 1, Refunds: 1, Paid: 0));
    }

    [Fact]
    public async Task F11_a_rejected_order_cannot_be_cancelled_nor_approved()
    {
        await using OrdersHost host = await OrdersHost.StartAsync(_folder.Path, _network);
        Order order = Some.WithDeclinedCard;
        await host.RunAsync(order);

        (await Should.ThrowAsync<CancelRefusedException>(() => host.Orders.BeginCancelAsync(order.Id))).Message.ShouldContain("REJECTED");
        await Should.ThrowAsync<WrongStateException>(() => host.Orders.ApproveOrderAsync(order.Id));
        host.Facts(order).Order.ShouldBe(OrderState.Rejected);
    }
}
