using Orders.Services;

namespace Orders.Tests;

/// <summary>The four scenarios of the orchestrated Create Order, each with the exact commands that it sends.</summary>
public sealed class TraceTests : IAsyncLifetime, IDisposable
{
    private readonly TestFolder _folder = new();
    private OrdersHost _host = null!;

    public async Task InitializeAsync() => _host = await OrdersHost.StartAsync(_folder.Path, new ScriptedNetwork());

    public async Task DisposeAsync() => await _host.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_good_order_is_approved_and_charged_once()
    {
        (await _host.RunAsync(Some.GoodOrder)).ShouldBe(new OrderOutcome("1", OrderState.Approved));

        _host.Trace(Some.GoodOrder).ShouldBe(["Validate", "CreateTicket", "Authorize", "ConfirmCreateTicket", "ApproveOrder"]);
        _host.Facts(Some.GoodOrder).ShouldBe(new OrderFacts("1", OrderState.Approved, 22.80m, TicketState.AwaitingAcceptance, AuthorizationState.Authorized, Charges: 1, Refunds: 0, Paid: 22.80m));
    }

    [Fact]
    public async Task An_order_whose_consumer_fails_is_rejected_before_anything_else_is_asked()
    {
        (await _host.RunAsync(Some.OfBlockedConsumer)).ShouldBe(new OrderOutcome("2", OrderState.Rejected, "consumer blocked"));

        _host.Trace(Some.OfBlockedConsumer).ShouldBe(["Validate", "RejectOrder"]);
        _host.Facts(Some.OfBlockedConsumer).ShouldBe(new OrderFacts("2", OrderState.Rejected, 22.80m, Ticket: null, Authorization: null, Charges: 0, Refunds: 0, Paid: 0));
    }

    [Fact]
    public async Task An_order_whose_ticket_fails_is_rejected_and_has_no_ticket()
    {
        (await _host.RunAsync(Some.FromClosedRestaurant)).ShouldBe(new OrderOutcome("3", OrderState.Rejected, "restaurant closed"));

        _host.Trace(Some.FromClosedRestaurant).ShouldBe(["Validate", "CreateTicket", "RejectOrder"]);
        _host.Facts(Some.FromClosedRestaurant).ShouldBe(new OrderFacts("3", OrderState.Rejected, 24.80m, Ticket: null, Authorization: null, Charges: 0, Refunds: 0, Paid: 0));
    }

    [Fact]
    public async Task An_order_whose_card_fails_is_rejected_and_its_ticket_taken_back()
    {
        (await _host.RunAsync(Some.WithDeclinedCard)).ShouldBe(new OrderOutcome("4", OrderState.Rejected, "card declined"));

        _host.Trace(Some.WithDeclinedCard).ShouldBe(["Validate", "CreateTicket", "Authorize", "CancelCreateTicket", "RejectOrder"]);
        _host.Facts(Some.WithDeclinedCard).ShouldBe(new OrderFacts("4", OrderState.Rejected, 22.80m, TicketState.CreateRejected, AuthorizationState.Failed, Charges: 0, Refunds: 0, Paid: 0));
    }

    [Fact]
    public async Task A_disabled_account_fails_like_a_card()
    {
        (await _host.RunAsync(Some.WithDisabledAccount)).Reason.ShouldBe("account disabled");

        _host.Trace(Some.WithDisabledAccount).ShouldBe(["Validate", "CreateTicket", "Authorize", "CancelCreateTicket", "RejectOrder"]);
    }
}
