using Perdure;

namespace Orders.Choreography;

/// <summary>Where is order X? Nobody leads a choreography, so this flow listens to it. It does nothing else: without it all would go on the same.</summary>
/// <remarks>Its result is the last thing that Order said, null if it never did. What it knows on the way is <see cref="OrderTrack"/>.</remarks>
public sealed class TrackOrder(ChoreographyOptions options) : IFlow<OrderCreated, string?>
{
    /// <summary>What has not come by then does not come by itself.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromDays(1);

    public async Task<string?> RunAsync(OrderCreated created, FlowContext flow)
    {
        _ = HearAnswers();      // whoever is silent when the order has ended is not waited for
        return await Hear("Order", Said<OrderApproved>, Said<OrderRejected>);

        async Task HearAnswers()
        {
            string?[] answers = await Task.WhenAll(
                Hear("Consumer", Said<ConsumerVerified>, Said<ConsumerVerificationFailed>),
                Hear("Kitchen", Said<TicketCreated>, Said<TicketCreationFailed>));
            if (answers is [nameof(ConsumerVerified), nameof(TicketCreated)])
            {
                await Hear("Accounting", Said<CreditCardAuthorized>, Said<CreditCardAuthorizationFailed>);
            }
        }

        async Task<string?> Hear(string service, Func<Task<string?>> yes, Func<Task<string?>> no)
        {
            DateTimeOffset since = flow.Now;
            while (flow.Now < since + Limit)
            {
                if (await flow.First(yes, no) is { } said)
                {
                    return said;
                }

                flow.Log.LogWarning("order {Order} has heard nothing from {Service} since {Since:u}", created.OrderId, service, since);
            }

            return null;
        }

        async Task<string?> Said<TEvent>()
            => (await flow.TryEvent<TEvent>(created.OrderId, options.Patience)).HasValue ? typeof(TEvent).Name : null;
    }
}

/// <summary>How far an order has come, as its tracking flow heard it.</summary>
/// <param name="Heard">Which events came, and when.</param>
/// <param name="Missing">Who is to say something and has not, and since when.</param>
public sealed record OrderTrack(IReadOnlyList<Heard> Heard, IReadOnlyList<Missing> Missing)
{
    /// <summary>Reads it off the run: the waits that were answered, and those that are open.</summary>
    public static OrderTrack Of(FlowDescription run)
    {
        FlowAsk[] waits = [.. run.Asks.Where(ask => ask.Kind == "event")];
        return new(
            [new Heard("order-created", run.StartedAt), .. waits.Where(wait => wait.State == "received").Select(wait => new Heard(EventOf(wait), wait.AnsweredAt!.Value)).OrderBy(heard => heard.At)],
            run.EndedAt is not null ? [] : [.. waits.Where(wait => wait.State == "open").Select(wait => ServiceOf(wait)).Distinct()
                .Select(service => new Missing(service, waits.First(wait => ServiceOf(wait) == service).AskedAt))]);
    }

    private static string EventOf(FlowAsk wait) => wait.Name[..wait.Name.IndexOf('/', StringComparison.Ordinal)];

    private static string ServiceOf(FlowAsk wait) => EventOf(wait) switch
    {
        "consumer-verified" or "consumer-verification-failed" => "Consumer",
        "ticket-created" or "ticket-creation-failed" => "Kitchen",
        "credit-card-authorized" or "credit-card-authorization-failed" => "Accounting",
        _ => "Order",
    };
}

public sealed record Heard(string Event, DateTimeOffset At);

public sealed record Missing(string Service, DateTimeOffset Since);
