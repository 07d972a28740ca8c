using Fulfilment.Checkout;
using Fulfilment.Participants;
using Perdure.RabbitMq.Tests;

namespace Fulfilment.Tests.Processes;

/// <summary>What goes over the broker when an order does not go well, or a service is not there.</summary>
[Collection(OneBroker.Name)]
public sealed class BrokerTests(RabbitServer broker) : IAsyncLifetime
{
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

    private async Task<ServiceHost> StartAsync(FulfilmentOptions options, Services here)
    {
        ServiceHost service = await ServiceHost.StartAsync(options with { Here = here, Amqp = broker.Uri }, _folder, _books);
        _services.Add(service);
        return service;
    }

    private OrderFacts Facts(Order order) => new Audit(_books).Orders().Single(facts => facts.Id == order.Id);
}
