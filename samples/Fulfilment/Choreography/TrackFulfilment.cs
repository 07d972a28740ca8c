using Perdure;

namespace Fulfilment.Choreography;

/// <summary>Where is order X? Nobody leads a choreography, so this flow listens to it. It does nothing else: without it all would go on the same.</summary>
/// <remarks>Its result is the last thing that was said of the order. What it knows on the way is <see cref="OrderTrack"/>.</remarks>
public sealed class TrackFulfilment(FulfilmentOptions options) : IFlow<OrderPlaced, string>
{
    public static void Register(PerdureBuilder perdure) => perdure
        .AddFlow<TrackFulfilment>(flow => flow.Awaits<PaymentReceived>().Awaits<PaymentFailed>().Awaits<GoodsFetched>().Awaits<GoodsNotFetched>()
            .Awaits<GoodsShipped>().Awaits<GoodsNotShipped>().Awaits<OrderCompleted>())
        .StartOn<OrderPlaced, TrackFulfilment>(subscription: "tracking");

    public async Task<string> RunAsync(OrderPlaced placed, FlowContext flow)
    {
        return await Hear<PaymentReceived, PaymentFailed>("Payment", options.Limits.Payment)
            ?? await Hear<GoodsFetched, GoodsNotFetched>("Inventory", options.Limits.Goods)
            ?? await Hear<GoodsShipped, GoodsNotShipped>("Shipment", options.Limits.Shipment)
            ?? await Hear<OrderCompleted, OrderCompleted>("Shipment", options.Limits.Shipment)
            ?? nameof(OrderCompleted);

        // Null when the story goes on; the end of it when a service said no, or nothing: choreographies have no limits, so this is where it shows.
        async Task<string?> Hear<TYes, TNo>(string service, TimeSpan limit)
            where TYes : IOrderEvent
            where TNo : IOrderEvent
        {
            DateTimeOffset since = flow.Now;
            for (int times = 1; times <= 30; times++)
            {
                bool? said = await flow.First(
                    async () => (await flow.TryEvent<TYes>(placed.Order.Id, limit)).HasValue ? true : (bool?)null,
                    async () => typeof(TYes) != typeof(TNo) && (await flow.TryEvent<TNo>(placed.Order.Id, limit)).HasValue ? false : (bool?)null);
                if (said is { } yes)
                {
                    return yes ? null : typeof(TNo).Name;
                }

                flow.Log.LogWarning("order {Order} has heard nothing from {Service} since {Since:u}", placed.Order.Id, service, since);
            }

            return $"nothing from {service}";
        }
    }
}

/// <summary>How far an order has come, as its tracking flow heard it.</summary>
/// <param name="Heard">Which events came, and when.</param>
/// <param name="Missing">Which would be next, and since when they are waited for; empty when the story has ended.</param>
public sealed record OrderTrack(IReadOnlyList<(string Event, DateTimeOffset At)> Heard, IReadOnlyList<(string Event, DateTimeOffset Since)> Missing)
{
    /// <summary>Reads it off the run: the waits that were answered, and those that are open.</summary>
    public static OrderTrack Of(FlowDescription run)
    {
        FlowAsk[] waits = [.. run.Asks.Where(ask => ask.Kind == "event")];
        return new(
            [("order-placed", run.StartedAt), .. waits.Where(wait => wait.State == "received").Select(wait => (EventOf(wait), wait.AnsweredAt!.Value))],
            run.EndedAt is not null ? [] : [.. waits.Where(wait => wait.State == "open").Select(wait => (EventOf(wait), waits.First(first => first.Name == wait.Name).AskedAt))]);
    }

    private static string EventOf(FlowAsk wait) => wait.Name[..wait.Name.IndexOf('/', StringComparison.Ordinal)];
}
