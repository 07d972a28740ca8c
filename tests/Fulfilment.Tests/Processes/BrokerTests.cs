using Fulfilment.Checkout;
using Fulfilment.Ordering;
using Fulfilment.Participants;
using Fulfilment.Payment;
using Perdure;
using Perdure.RabbitMq.Tests;

namespace Fulfilment.Tests.Processes;

/// <summary>What goes over the broker when an order does not go well, or a service is not there.</summary>
[Collection(OneBroker.Name)]
public sealed class BrokerTests(RabbitServer broker) : IAsyncLifetime
{
    private static readonly Order OfBobWithExpiredCard = Some.OfBob with { Card = "expired-visa" };

    private readonly string _folder = Directory.CreateTempSubdirectory("fulfilment-").FullName;
    private readonly Books _books = Books.InMemory();
    private readonly List<ServiceHost> _services = [];

    public Task InitializeAsync() => CleanBroker.AsNewAsync(broker.Uri);

    public async Task DisposeAsync()
    {
        await Task.WhenAll(_services.Select(service => service.DisposeAsync().AsTask()));
        _books.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_service_that_has_never_started_still_hears_of_what_was_said_before()
    {
        var options = new FulfilmentOptions { Style = Style.Choreographed };
        ServiceHost checkout = await StartAsync(options, Services.Checkout);
        await StartAsync(options, Services.Payment);
        await StartAsync(options, Services.Shipment);
        await checkout.Service<Shop>().PlaceAsync(Some.Good);
        await checkout.HearsAsync<Choreography.PaymentReceived>(Some.Good);      // which Inventory is to hear of, too

        ServiceHost inventory = await StartAsync(options, Services.Inventory);

        await inventory.HearsAsync<Choreography.PaymentReceived>(Some.Good);
        await checkout.HearsAsync<Choreography.OrderCompleted>(Some.Good);
        await Deadline.Until(() => Facts(Some.Good).End == "completed", "the order is completed");
        Facts(Some.Good).Violation().ShouldBeNull();
    }

    [Fact]
    public async Task A_cancelled_order_ends_its_payments_wait_for_a_new_card()
    {
        var options = new FulfilmentOptions();
        ServiceHost checkout = await StartAsync(options, Services.Checkout);
        ServiceHost order = await StartAsync(options, Services.Order);
        ServiceHost payment = await StartAsync(options, Services.Payment);
        await checkout.Service<Shop>().PlaceAsync(OfBobWithExpiredCard);
        await checkout.HearsAsync<NewCardWantedEvent>(OfBobWithExpiredCard);
        payment.Service<CustomerCredit>().Balance("bob").ShouldBe(0);
        FlowHandle run = order.Perdure.Get("fulfil-order", OfBobWithExpiredCard.Id);

        (await run.CancelAsync("the customer has changed his mind")).ShouldBe(CancelAnswer.Accepted);

        await payment.HearsAsync<CancelPaymentCommand>(OfBobWithExpiredCard);
        await order.HearsAsync<PaymentCancelledEvent>(OfBobWithExpiredCard);
        await CancelledAsync(OfBobWithExpiredCard, charges: 0);
        payment.Service<CustomerCredit>().Balance("bob").ShouldBe(20);
        string request = (await payment.Perdure.ListAsync(new FlowFilter { Type = "retrieve-payment" }).SingleAsync()).Id;
        await Deadline.For(Should.ThrowAsync<FlowCancelledException>(() => payment.Perdure.Flow<RetrievePayment>().Get(request).ResultAsync()), "the payment's run has ended");
        (await LateReplyAsync(order, request)).ShouldBe(nameof(PaymentCancelledEvent));
    }

    [Fact]
    public async Task A_reply_that_comes_over_the_broker_after_the_limit_is_answered_by_its_undo()
    {
        var options = new FulfilmentOptions { Limits = new FulfilmentLimits { Goods = TimeSpan.FromSeconds(1) } };
        ServiceHost checkout = await StartAsync(options, Services.Checkout);
        ServiceHost order = await StartAsync(options, Services.Order);
        ServiceHost payment = await StartAsync(options, Services.Payment);
        await checkout.Service<Shop>().PlaceAsync(Some.OfBob);
        await checkout.HearsAsync<OrderCancelledEvent>(Some.OfBob);     // Inventory has not been there
        (await order.Perdure.Flow<FulfilOrder>().Get(Some.OfBob.Id).ResultAsync()).ShouldBe(new OrderOutcome("cancelled", "goods not fetched in time"));
        await payment.HearsAsync<RefundPaymentCommand>(Some.OfBob);
        await CancelledAsync(Some.OfBob, charges: 1);
        _books.Inventory.Lines().ShouldBeEmpty();

        ServiceHost inventory = await StartAsync(options, Services.Inventory);

        await inventory.HearsAsync<FetchGoodsCommand>(Some.OfBob);
        await order.HearsAsync<GoodsFetchedEvent>(Some.OfBob);
        await inventory.HearsAsync<PutBackGoodsCommand>(Some.OfBob);
        await Deadline.Until(() => _books.Inventory.Lines() is [{ IsDone: false }], "the goods are back");
        Line pick = _books.Inventory.Lines().Single();
        pick.OrderId.ShouldBe(Some.OfBob.Id, "they were fetched before they were put back");
        (await LateReplyAsync(order, pick.Key)).ShouldBe(nameof(GoodsFetchedEvent));
        await CancelledAsync(Some.OfBob, charges: 1);
        payment.Service<CustomerCredit>().Balance("bob").ShouldBe(20);
    }

    [Fact]
    public async Task Payments_own_no_goes_over_the_broker_and_the_order_does_not_wait_for_its_limit()
    {
        var options = new FulfilmentOptions { Limits = new FulfilmentLimits { NewCard = TimeSpan.FromSeconds(1) } };
        ServiceHost checkout = await StartAsync(options, Services.Checkout);
        ServiceHost order = await StartAsync(options, Services.Order);
        ServiceHost payment = await StartAsync(options, Services.Payment);

        await checkout.Service<Shop>().PlaceAsync(OfBobWithExpiredCard);

        await checkout.HearsAsync<NewCardWantedEvent>(OfBobWithExpiredCard);
        await order.HearsAsync<PaymentFailedEvent>(OfBobWithExpiredCard);
        await CancelledAsync(OfBobWithExpiredCard, charges: 0);
        payment.Service<CustomerCredit>().Balance("bob").ShouldBe(20);
        (await order.Perdure.Flow<FulfilOrder>().Get(OfBobWithExpiredCard.Id).ResultAsync()).ShouldBe(new OrderOutcome("cancelled", "no valid card in time"));
        FlowDescription run = await order.Perdure.Get("fulfil-order", OfBobWithExpiredCard.Id).DescribeAsync();
        run.Asks.ShouldNotContain(ask => ask.Name == "cancel-payment-command" || ask.Name == "refund-payment-command", "Payment has ended by itself, and has undone what it did");
    }

    /// <summary>The order is cancelled, and all that was done for it is undone: by services that nobody waits for.</summary>
    private async Task CancelledAsync(Order order, int charges)
    {
        await Deadline.Until(() => Facts(order) is { End: "cancelled", IsBeingUndone: false }, $"order {order.Id} is cancelled, and all is undone");
        Facts(order).Violation().ShouldBeNull();
        Facts(order).Charges.ShouldBe(charges);
        new Audit(_books).Strays().ShouldBe(0);
    }

    /// <summary>What came for a request that nobody waited for any more.</summary>
    private static async Task<string?> LateReplyAsync(ServiceHost order, string request)
    {
        Task<string?> late = order.Perdure.Flow<AnswerLateReply>().Get(request).ResultAsync();
        await Deadline.For(late, $"something comes for request {request}");
        return await late;
    }

    private async Task<ServiceHost> StartAsync(FulfilmentOptions options, Services here)
    {
        ServiceHost service = await ServiceHost.StartAsync(options with { Here = here, Amqp = broker.Uri }, _folder, _books);
        _services.Add(service);
        return service;
    }

    private OrderFacts Facts(Order order) => new Audit(_books).Orders().Single(facts => facts.Id == order.Id);
}
