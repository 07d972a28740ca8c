using Fulfilment.Participants;
using Perdure;

namespace Fulfilment.Checkout;

/// <summary>The shop: it places orders, asks customers for new cards, and tells them how their orders ended.</summary>
public sealed class Shop(PerdureClient perdure, Books books, FulfilmentOptions options)
{
    private const string Name = "checkout";

    public static void Register(PerdureBuilder perdure, FulfilmentOptions options)
    {
        perdure.Services.AddSingleton<Shop>();
        perdure.AddQueue(Name, queue => queue.Retry = options.Patient)
            .AddSubscription(Name, s => s.Publishes<CreditCardUpdatedEvent>())
            .Subscribe<NewCardWantedEvent>(Name, (wanted, job) => job.Get<Shop>().AskForCardAsync(wanted, job));
        if (options.Style == Style.Choreographed)
        {
            perdure.Subscribe<Choreography.OrderCompleted>(Name, (e, job) => job.Get<Shop>().Ended("completed", e.Order.Id))
                .Subscribe<Choreography.PaymentFailed>(Name, (e, job) => job.Get<Shop>().Ended("cancelled", e.Order.Id))
                .Subscribe<Choreography.GoodsNotFetched>(Name, (e, job) => job.Get<Shop>().Ended("cancelled", e.Order.Id))
                .Subscribe<Choreography.GoodsNotShipped>(Name, (e, job) => job.Get<Shop>().Ended("cancelled", e.Order.Id));
        }
        else
        {
            perdure.Subscribe<OrderCompletedEvent>(Name, (e, job) => job.Get<Shop>().Ended("completed", e.OrderId))
                .Subscribe<OrderCancelledEvent>(Name, (e, job) => job.Get<Shop>().Ended("cancelled", e.OrderId));
        }
    }

    /// <summary>Places an order, durably. The same id again is the same order.</summary>
    /// <returns>The business transaction that all of it belongs to.</returns>
    public async Task<string> PlaceAsync(Order order, CancellationToken cancellationToken = default)
    {
        string correlation = CorrelationOf(order.Id);
        books.Checkout.Do("placed", order.Id, order.Id, order.Items.Sum(item => item.Quantity * item.Price), order.PaysByInvoice ? "invoice" : null);
        await perdure.PublishAsync(
            options.Style == Style.Choreographed ? (IMessage)new Choreography.OrderPlaced(order) : new OrderPlacedEvent(order),
            new PublishOptions { Id = correlation, CorrelationId = correlation }, cancellationToken);
        return correlation;
    }

    /// <summary>A customer has another card for an order.</summary>
    public Task UpdateCardAsync(string orderId, string card, CancellationToken cancellationToken = default)
        => UpdateCardAsync(CorrelationOf(orderId), orderId, card, cancellationToken);

    /// <summary>The orders that have ended, and how.</summary>
    public IReadOnlyDictionary<string, string> Ends() => books.Checkout.Lines().Where(line => line.Kind is "completed" or "cancelled").ToDictionary(line => line.Key, line => line.Kind);

    public static string CorrelationOf(string orderId) => $"order-{orderId}";

    private async Task AskForCardAsync(NewCardWantedEvent wanted, JobContext job)
    {
        if (options.CustomersAnswer)
        {
            await UpdateCardAsync(wanted.TraceId, wanted.RefId, $"new-{wanted.Card}", job);     // each time another one, since it may have expired, too
        }
    }

    /// <summary>Answers who waits in that business transaction, which need not be an order's: a payment of the ladder is one by itself.</summary>
    private Task UpdateCardAsync(string traceId, string refId, string card, CancellationToken cancellationToken)
        => perdure.PublishAsync(new CreditCardUpdatedEvent(traceId, refId, card), new PublishOptions { Id = $"{traceId} {card}", CorrelationId = traceId }, cancellationToken);

    private Task Ended(string end, string orderId)
    {
        books.Checkout.Do(end, orderId, orderId);
        return Task.CompletedTask;
    }
}
