using Perdure;

namespace Fulfilment.Choreography;

/// <summary>Where is order X? Nobody leads a choreography, so this flow listens to it. It does nothing else: without it all would go on the same.</summary>
/// <remarks>Its result is the last thing that was said of the order. What it knows on the way is <see cref="OrderTrack"/>.</remarks>
public sealed class TrackFulfilment(FulfilmentOptions options) : IFlow<OrderPlaced, string>
{
    /// <summary>So many times it says that somebody is silent; then it gives up listening.</summary>
    private const int TimesMax = 30;

    public static void Register(PerdureBuilder perdure) => perdure
        .AddFlow<TrackFulfilment>(flow => flow.Awaits<PaymentReceived>().Awaits<PaymentFailed>().Awaits<GoodsFetched>().Awaits<GoodsNotFetched>()
            .Awaits<GoodsShipped>().Awaits<GoodsNotShipped>().Awaits<OrderCompleted>())
        .StartOn<OrderPlaced, TrackFulfilment>(subscription: "tracking");

    public async Task<string> RunAsync(OrderPlaced placed, FlowContext flow)
    {
        return await Hear("Payment", options.Limits.Payment, nameof(PaymentReceived), Said<PaymentReceived>, Said<PaymentFailed>)
            ?? await Hear("Inventory", options.Limits.Goods, nameof(GoodsFetched), Said<GoodsFetched>, Said<GoodsNotFetched>)
            ?? await Hear("Shipment", options.Limits.Shipment, nameof(GoodsShipped), Said<GoodsShipped>, Said<GoodsNotShipped>)
            ?? await Hear("Shipment", options.Limits.Shipment, nameof(OrderCompleted), Said<OrderCompleted>)
            ?? nameof(OrderCompleted);

        // Null when the story goes on; otherwise how it ended. A choreography has no limits, so this is where they show.
        async Task<string?> Hear(string service, TimeSpan limit, string yes, params Func<TimeSpan, Task<string?>>[] answers)
        {
            DateTimeOffset since = flow.Now;
            for (int times = 1; times <= TimesMax; times++)
            {
                if (await flow.First(answers.Select(answer => (Func<Task<string?>>)(() => answer(limit)))) is { } said)
                {
                    return said == yes ? null : said;
                }

                flow.Log.LogWarning("order {Order} has heard nothing from {Service} since {Since:u}", placed.Order.Id, service, since);
            }

            return $"nothing from {service}";
        }

        async Task<string?> Said<TEvent>(TimeSpan limit) => (await flow.TryEvent<TEvent>(placed.Order.Id, limit)).HasValue ? typeof(TEvent).Name : null;
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
