using Orders.Choreography;
using Orders.Services;

namespace Orders.Tests;

/// <summary>The choreographed Create Order: its happy path in both forms, and F1 to F7.</summary>
public sealed class ChoreographyTests : IAsyncLifetime
{
    private static readonly Order Order = Some.GoodOrder;
    private static readonly OrderFacts Approved = new("1", OrderState.Approved, 22.80m, TicketState.AwaitingAcceptance, AuthorizationState.Authorized, Charges: 1, Refunds: 0, Paid: 22.80m);

    private ChoreographyWorld _world = null!;

    public async Task InitializeAsync() => _world = await ChoreographyWorld.StartAsync();

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task A_good_order_is_approved_and_charged_once_and_each_service_says_one_thing()
    {
        await _world.RunAsync(Order);

        _world.Facts(Order).ShouldBe(Approved);
        (await _world.EventsAsync(Order)).ShouldBe(["order-created", "consumer-verified", "ticket-created", "credit-card-authorized", "order-approved"], ignoreOrder: true);
        _world.Trace(Order).ShouldBe(["Validate", "CreateTicket", "Authorize", "ConfirmCreateTicket on CreditCardAuthorized", "ApproveOrder on CreditCardAuthorized"], ignoreOrder: true);
        (await _world.Placed.AreAtRestAsync()).ShouldBeTrue();
    }

    [Fact]
    public async Task Kitchen_works_beside_Consumer_and_in_the_sequential_form_waits_for_it()
    {
        await using ChoreographyWorld sequential = await ChoreographyWorld.StartAsync(new ChoreographyOptions { IsSequential = true });
        foreach (ChoreographyWorld world in (ChoreographyWorld[])[_world, sequential])
        {
            await world.PauseAsync("consumer");
            await world.RunAsync(Order);
        }

        _world.Facts(Order).Ticket.ShouldBe(TicketState.CreatePending);
        sequential.Facts(Order).Ticket.ShouldBeNull();

        foreach (ChoreographyWorld world in (ChoreographyWorld[])[_world, sequential])
        {
            await world.ResumeAsync("consumer");
            world.Facts(Order).ShouldBe(Approved);
        }

        sequential.Trace(Order).Take(3).ShouldBe(["Validate", "CreateTicket", "Authorize"]);
    }

    [Fact]
    public async Task In_the_sequential_form_the_consumer_may_be_verified_before_Kitchen_hears_of_the_order()
    {
        await using ChoreographyWorld sequential = await ChoreographyWorld.StartAsync(new ChoreographyOptions { IsSequential = true });
        await sequential.Perdure.PublishAsync(new ConsumerVerified(Order.Id, Order.Consumer));
        await sequential.Test.IdleAsync();
        sequential.Trace(Order).ShouldBeEmpty();

        await sequential.PauseAsync("consumer");
        await sequential.RunAsync(Order);

        sequential.Facts(Order).ShouldBe(Approved);
    }

    [Theory]
    [InlineData("before")]
    [InlineData("after")]
    [InlineData("beside")]
    public async Task F1_an_order_whose_consumer_fails_has_no_ticket_and_no_charge_whenever_Kitchen_is_at_work(string kitchen)
    {
        Order order = Some.OfBlockedConsumer;
        if (kitchen == "before")
        {
            await _world.PauseAsync("consumer");
            await _world.RunAsync(order);
            _world.Facts(order).Ticket.ShouldBe(TicketState.CreatePending);
            await _world.ResumeAsync("consumer");
        }
        else
        {
            // Kitchen is tried again after the failure has come: it finds a tombstone.
            int calls = 0;
            _world.Network.On("CreateTicket", (call, _, _) => kitchen == "after" && calls++ < 3 ? throw new ServiceUnavailableException(call) : Task.CompletedTask);
            await _world.RunAsync(order);
        }

        _world.Facts(order).ShouldBe(new OrderFacts("2", OrderState.Rejected, 22.80m, TicketState.CreateRejected, AuthorizationState.Voided, Charges: 0, Refunds: 0, Paid: 0));
        (await _world.CountAsync<TicketCreated>(order)).ShouldBe(kitchen == "after" ? 0 : 1);
        (await _world.CountAsync<OrderRejected>(order)).ShouldBe(1);
        _world.Network.Calls("Authorize").ShouldBe(0);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task F2_an_order_whose_ticket_fails_has_none_and_that_the_consumer_is_verified_later_changes_nothing(bool isConsumerLate)
    {
        Order order = Some.FromClosedRestaurant;
        await _world.PauseAsync(isConsumerLate ? "consumer" : "kitchen");
        await _world.RunAsync(order);
        await _world.ResumeAsync(isConsumerLate ? "consumer" : "kitchen");

        _world.Facts(order).ShouldBe(new OrderFacts("3", OrderState.Rejected, 24.80m, Ticket: null, AuthorizationState.Voided, Charges: 0, Refunds: 0, Paid: 0));
        (await _world.EventsAsync(order)).ShouldBe(["order-created", "consumer-verified", "ticket-creation-failed", "order-rejected"], ignoreOrder: true);
    }

    [Theory]
    [InlineData("4", "order")]
    [InlineData("4", "kitchen")]
    [InlineData("5", "order")]
    [InlineData("5", "kitchen")]
    public async Task F3_an_order_whose_card_fails_is_rejected_and_its_ticket_withdrawn_whoever_hears_of_it_first(string id, string last)
    {
        Order order = id == "4" ? Some.WithDeclinedCard : Some.WithDisabledAccount;
        await _world.PauseAsync("accounting");
        await _world.RunAsync(order);
        await _world.PauseAsync(last);
        await _world.ResumeAsync("accounting");
        OrderFacts half = _world.Facts(order);
        (half.Order, half.Ticket).ShouldBe(last == "order" ? (OrderState.ApprovalPending, TicketState.CreateRejected) : (OrderState.Rejected, TicketState.CreatePending));

        await _world.ResumeAsync(last);

        _world.Facts(order).ShouldBe(new OrderFacts(id, OrderState.Rejected, 22.80m, TicketState.CreateRejected, AuthorizationState.Failed, Charges: 0, Refunds: 0, Paid: 0));
        (await _world.CountAsync<OrderRejected>(order)).ShouldBe(1);
    }

    [Theory]
    [InlineData("consumer", "restaurant closed")]
    [InlineData("kitchen", "consumer blocked")]
    public async Task F4_an_order_that_two_refuse_is_rejected_once_by_the_first(string second, string reason)
    {
        Order order = Some.FromClosedRestaurant with { Consumer = Some.OfBlockedConsumer.Consumer };
        await _world.PauseAsync(second);
        await _world.RunAsync(order);
        await _world.ResumeAsync(second);

        _world.Facts(order).ShouldBe(new OrderFacts("3", OrderState.Rejected, 24.80m, TicketState.CreateRejected, AuthorizationState.Voided, Charges: 0, Refunds: 0, Paid: 0));
        (await _world.EventsAsync(order)).ShouldBe(["order-created", "consumer-verification-failed", "ticket-creation-failed", "order-rejected"], ignoreOrder: true);
        (await _world.Orders.PlacedAsync()).ShouldHaveSingleItem().Reason.ShouldBe(reason);
    }

    [Fact]
    public async Task F5_the_whole_log_replayed_twice_changes_nothing()
    {
        foreach (Order order in (Order[])[Order, Some.OfBlockedConsumer, Some.FromClosedRestaurant, Some.WithDeclinedCard, Some.WithDisabledAccount])
        {
            await _world.RunAsync(order);
        }

        IReadOnlyList<OrderFacts> before = _world.AllFacts();
        before.Select(facts => facts.Violation()).ShouldAllBe(violation => violation == null);
        for (int replay = 1; replay <= 2; replay++)
        {
            await Task.WhenAll(Choreography.Choreography.Services.Select(_world.RewindAsync));
            await _world.Test.IdleAsync();
            _world.AllFacts().ShouldBe(before);
        }

        _world.Network.Calls("Validate").ShouldBe(15);      // all was indeed heard again
        (await _world.Placed.StuckAsync()).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(0, 1, 2)]
    [InlineData(0, 2, 1)]
    [InlineData(1, 0, 2)]
    [InlineData(1, 2, 0)]
    [InlineData(2, 0, 1)]
    [InlineData(2, 1, 0)]
    public async Task F6_Accounting_charges_once_in_whatever_order_it_hears_of_the_order_the_consumer_and_the_ticket(int first, int second, int third)
    {
        object[] inputs = [new OrderCreated(Order), new ConsumerVerified(Order.Id, Order.Consumer), new TicketCreated(Order.Id, Order.Id)];
        foreach (string other in (string[])["consumer", "kitchen"])
        {
            await _world.PauseAsync(other);     // Accounting hears of this test alone
        }

        foreach (int input in (int[])[first, second, third])
        {
            _world.Network.Calls("Authorize").ShouldBe(0);
            await _world.Perdure.PublishManyAsync([inputs[input]]);
            await _world.Test.IdleAsync();
        }

        _world.Network.Calls("Authorize").ShouldBe(1);
        (await _world.CountAsync<CreditCardAuthorized>(Order)).ShouldBe(1);
    }

    [Theory]
    [InlineData("CreateOrder")]
    [InlineData("Validate")]
    [InlineData("CreateTicket")]
    [InlineData("Authorize")]
    [InlineData("ConfirmCreateTicket")]
    [InlineData("ApproveOrder")]
    public async Task F7_after_a_crash_between_a_change_and_its_event_the_event_goes_out_once(string command)
    {
        _world.AnswersLate(command);
        await _world.Placed.PlaceAsync(Order);
        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        _world.Network.Calls(command).ShouldBe(1);
        _world.Network.On(command, null);

        await _world.Test.CrashAsync();
        await _world.Test.IdleAsync();

        _world.Facts(Order).ShouldBe(Approved);
        (await _world.EventsAsync(Order)).ShouldBe(["order-created", "consumer-verified", "ticket-created", "credit-card-authorized", "order-approved"], ignoreOrder: true);
        _world.Network.Calls(command).ShouldBe(command == "Authorize" ? 1 : 2);
    }
}
