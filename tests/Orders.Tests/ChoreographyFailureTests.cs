using Orders.Choreography;
using Orders.Services;
using Perdure;

namespace Orders.Tests;

/// <summary>F8 to F11 of the choreographed Create Order: a charge that nobody knows of, no answer in time, no way back, and a user who cancels.</summary>
public sealed class ChoreographyFailureTests : IAsyncLifetime
{
    private const string TimedOut = "no answer in time";

    private static readonly Order Order = Some.GoodOrder;
    private static readonly OrderFacts Approved = new("1", OrderState.Approved, 22.80m, TicketState.AwaitingAcceptance, AuthorizationState.Authorized, Charges: 1, Refunds: 0, Paid: 22.80m);
    private static readonly OrderFacts TimedOutUncharged = new("1", OrderState.Rejected, 22.80m, TicketState.CreateRejected, AuthorizationState.Voided, Charges: 0, Refunds: 0, Paid: 0);
    private static readonly OrderFacts TimedOutRefunded = TimedOutUncharged with { Charges = 1, Refunds = 1 };

    private ChoreographyWorld _world = null!;

    public async Task InitializeAsync() => _world = await ChoreographyWorld.StartAsync();

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task F8_after_a_crash_around_the_charge_Accounting_is_asked_and_the_card_is_charged_once(bool wasCharged)
    {
        _world.AnswersLate("Authorize", isDelivered: wasCharged);
        await _world.Placed.PlaceAsync(Order);
        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        OrderFacts unknown = _world.Facts(Order);
        (unknown.Order, unknown.Ticket).ShouldBe((OrderState.ApprovalPending, TicketState.CreatePending));
        _world.Network.On("Authorize", null);

        await _world.Test.CrashAsync();
        await _world.Test.IdleAsync();

        _world.Facts(Order).ShouldBe(Approved);
        _world.Network.Calls("FindAuthorization").ShouldBe(1);
        _world.Network.Calls("Authorize").ShouldBe(wasCharged ? 1 : 2);
    }

    [Fact]
    public async Task F8_while_nobody_can_say_whether_the_card_was_charged_the_order_is_neither_rejected_nor_charged_again()
    {
        _world.Network.Unavailable("FindAuthorization").On("Authorize", async (call, deliver, _) =>
        {
            await deliver();
            throw new TimeoutException($"{call} was not answered");
        });
        await _world.Placed.PlaceAsync(Order);

        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(3));
        _world.Network.Calls("FindAuthorization").ShouldBeGreaterThan(10);
        _world.Facts(Order).Order.ShouldBe(OrderState.ApprovalPending);

        _world.Network.On("FindAuthorization", null);
        await _world.Test.IdleAsync();
        _world.Facts(Order).ShouldBe(Approved);
        _world.Network.Calls("Authorize").ShouldBe(1);
    }

    [Theory]
    [InlineData("consumer")]
    [InlineData("kitchen")]
    [InlineData("accounting")]
    public async Task F9_an_order_is_rejected_when_a_service_says_nothing_in_time_also_over_a_crash_and_what_comes_late_is_refused(string silent)
    {
        await _world.PauseAsync(silent);
        await _world.Placed.PlaceAsync(Order);
        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(14));
        await _world.Test.CrashAsync();
        _world.Facts(Order).Order.ShouldBe(OrderState.ApprovalPending);

        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        _world.Facts(Order).Order.ShouldBe(OrderState.Rejected);
        (await _world.Orders.PlacedAsync()).ShouldHaveSingleItem().Reason.ShouldBe(TimedOut);
        await _world.ResumeAsync(silent);

        _world.Facts(Order).ShouldBe(TimedOutUncharged);
        _world.Network.Calls("Authorize").ShouldBe(0);
        (await _world.CountAsync<OrderTimedOut>(Order)).ShouldBe(1);
        (await _world.CountAsync<OrderRejected>(Order)).ShouldBe(1);
    }

    [Fact]
    public async Task F9_an_order_that_ended_in_time_is_not_touched_by_its_timer()
    {
        await _world.RunAsync(Order);

        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(20));

        _world.Network.Calls("RejectOrder").ShouldBe(1);    // the timer asked
        _world.Facts(Order).ShouldBe(Approved);
        (await _world.CountAsync<OrderTimedOut>(Order)).ShouldBe(0);
    }

    [Fact]
    public async Task F9_a_charge_that_nobody_knew_of_when_the_time_was_up_is_found_and_reversed()
    {
        _world.Network.Unavailable("FindAuthorization").Unavailable("VoidAuthorization").On("Authorize", async (call, deliver, _) =>
        {
            await deliver();
            throw new TimeoutException($"{call} was not answered");
        });
        await _world.Placed.PlaceAsync(Order);
        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(16));
        _world.Facts(Order).ShouldBe(TimedOutUncharged with { Authorization = AuthorizationState.Authorized, Charges = 1, Paid = 22.80m });

        _world.Network.On("VoidAuthorization", null).On("FindAuthorization", null);
        await _world.Placed.RetryAsync(Order.Id);
        await _world.Test.IdleAsync();

        _world.Facts(Order).ShouldBe(TimedOutRefunded);
        (await _world.CountAsync<CreditCardAuthorized>(Order)).ShouldBe(1);    // it came late: Order and Kitchen passed over it
    }

    [Fact]
    public async Task F9_an_authorization_that_Order_hears_of_too_late_is_reversed_and_the_ticket_that_it_confirmed_withdrawn()
    {
        await _world.PauseAsync("accounting");
        await _world.RunAsync(Order);
        await _world.PauseAsync("order");
        await _world.ResumeAsync("accounting");
        (_world.Facts(Order).Order, _world.Facts(Order).Ticket).ShouldBe((OrderState.ApprovalPending, TicketState.AwaitingAcceptance));

        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(15));   // the timer is Order's too, but in a queue of its own
        await _world.ResumeAsync("order");

        _world.Facts(Order).ShouldBe(TimedOutRefunded);
        (await _world.CountAsync<OrderApproved>(Order)).ShouldBe(0);
    }

    [Fact]
    public async Task F9_an_authorization_that_Kitchen_hears_of_after_the_time_out_confirms_nothing()
    {
        await _world.PauseAsync("accounting");
        await _world.Placed.PlaceAsync(Order);
        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(15));
        _world.Facts(Order).Ticket.ShouldBe(TicketState.CreateRejected);

        await _world.Perdure.PublishAsync(new CreditCardAuthorized(Order.Id, "late", Order.Total));
        await _world.ResumeAsync("accounting");

        _world.Facts(Order).ShouldBe(TimedOutUncharged);
        (await _world.Placed.StuckAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("ConfirmCreateTicket", "kitchen")]
    [InlineData("ApproveOrder", "order")]
    public async Task F10_what_keeps_failing_after_the_charge_waits_for_a_person_and_nothing_is_undone(string command, string service)
    {
        await using ChoreographyWorld world = await ChoreographyWorld.StartAsync(new ChoreographyOptions { Retry = Retry.Exponential(attempts: 5) });
        world.Network.Unavailable(command);
        await world.RunAsync(Order);

        JobInfo stuck = (await world.Placed.StuckAsync()).ShouldHaveSingleItem();
        (stuck.Queue, stuck.Key, stuck.Attempts).ShouldBe((service, Order.Id, 5));
        OrderFacts half = world.Facts(Order);
        (half.Order, half.Ticket).ShouldBe(service == "order" ? (OrderState.ApprovalPending, TicketState.AwaitingAcceptance) : (OrderState.Approved, TicketState.CreatePending));
        (half.Authorization, half.Charges).ShouldBe((AuthorizationState.Authorized, 1));

        world.Network.On(command, null);
        (await world.Placed.RetryAsync(Order.Id)).ShouldBe(1);
        await world.Test.IdleAsync();

        world.Facts(Order).ShouldBe(Approved);
    }

    [Fact]
    public async Task F11_an_order_that_is_pending_refuses_to_be_cancelled_and_can_be_once_it_is_approved()
    {
        await _world.PauseAsync("accounting");
        await _world.RunAsync(Order);
        (await Should.ThrowAsync<CancelRefusedException>(() => _world.Orders.BeginCancelAsync(Order.Id))).Message.ShouldContain("APPROVAL_PENDING");

        await _world.ResumeAsync("accounting");
        _world.Facts(Order).ShouldBe(Approved);
        await _world.Orders.BeginCancelAsync(Order.Id);
        await _world.Perdure.Flow<CancelOrder>().RunAsync(Order.Id, id: Order.Id);

        OrderFacts cancelled = new("1", OrderState.Cancelled, 22.80m, TicketState.Cancelled, AuthorizationState.Voided, Charges: 1, Refunds: 1, Paid: 0);
        _world.Facts(Order).ShouldBe(cancelled);
        await Task.WhenAll(Choreography.Choreography.Services.Select(_world.RewindAsync));
        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(20));
        _world.Facts(Order).ShouldBe(cancelled);        // no event of the past and no timer approves it again
    }

    [Fact]
    public async Task F11_a_cancel_that_is_faster_than_Kitchen_waits_for_the_ticket()
    {
        await _world.PauseAsync("accounting");
        await _world.RunAsync(Order);
        await _world.PauseAsync("kitchen");
        await _world.ResumeAsync("accounting");
        (_world.Facts(Order).Order, _world.Facts(Order).Ticket).ShouldBe((OrderState.Approved, TicketState.CreatePending));
        await _world.Orders.BeginCancelAsync(Order.Id);
        FlowHandle cancel = await _world.Perdure.Flow<CancelOrder>().StartAsync(Order.Id, id: Order.Id);
        await _world.Test.AdvanceAsync(TimeSpan.FromSeconds(30));
        _world.Facts(Order).Order.ShouldBe(OrderState.CancelPending);

        await _world.ResumeAsync("kitchen");

        (await cancel.DescribeAsync()).Status.ShouldBe(FlowStatus.Completed);
        _world.Facts(Order).ShouldBe(new OrderFacts("1", OrderState.Cancelled, 22.80m, TicketState.Cancelled, AuthorizationState.Voided, Charges: 1, Refunds: 1, Paid: 0));
    }

    [Fact]
    public async Task F11_a_rejected_order_cannot_be_cancelled_nor_approved()
    {
        await _world.RunAsync(Some.WithDeclinedCard);

        (await Should.ThrowAsync<CancelRefusedException>(() => _world.Orders.BeginCancelAsync("4"))).Message.ShouldContain("REJECTED");
        await _world.Perdure.PublishAsync(new CreditCardAuthorized("4", "forged", 22.80m));
        await _world.Test.IdleAsync();

        _world.Facts(Some.WithDeclinedCard).Violation().ShouldBeNull();
        _world.Facts(Some.WithDeclinedCard).Order.ShouldBe(OrderState.Rejected);
    }

    [Fact]
    public async Task The_same_order_placed_again_is_the_same_and_another_one_with_its_id_is_refused()
    {
        await _world.RunAsync(Order);
        await _world.RunAsync(Order);

        _world.Facts(Order).ShouldBe(Approved);
        (await _world.CountAsync<OrderCreated>(Order)).ShouldBe(1);
        (await Should.ThrowAsync<OrderTakenException>(() => _world.Placed.PlaceAsync(Order with { Card = "visa-2429" }))).Message.ShouldContain("order 1");
    }
}
