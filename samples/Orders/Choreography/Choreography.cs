using Perdure;

namespace Orders.Choreography;

public sealed record ChoreographyOptions
{
    /// <summary>How long the others have to say yes or no. An order that has neither by then is rejected.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Whether Kitchen waits for Consumer; otherwise both are at work at once.</summary>
    public bool IsSequential { get; init; }

    /// <summary>Each event is tried so often; then it is a dead letter, which waits for a person.</summary>
    public Retry Retry { get; init; } = Retry.Exponential(attempts: 50, cap: TimeSpan.FromSeconds(10));

    /// <summary>After how long the tracking flow says that somebody is silent.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(1);
}

/// <summary>Create Order without anybody in the middle: four services that hear of each other's events.</summary>
public static class Choreography
{
    /// <summary>The subscriptions of the four services.</summary>
    public static readonly IReadOnlyList<string> Services = [OrderHandler.Subscription, ConsumerHandler.Subscription, KitchenHandler.Subscription, AccountingHandler.Subscription];

    public static PerdureBuilder AddChoreography(this PerdureBuilder perdure, ChoreographyOptions options)
    {
        perdure.Services
            .AddSingleton(options).AddSingleton<PlacedOrders>()
            .AddTransient<OrderHandler>().AddTransient<ConsumerHandler>().AddTransient<KitchenHandler>().AddTransient<AccountingHandler>();
        foreach (string queue in (string[])[.. Services, OrderHandler.Timers])
        {
            perdure.AddQueue(queue, q => q.Retry = options.Retry);
        }

        perdure.AddEvent<OrderCreated>(e => e.OrderId, topic: "order");
        AddEvents();
        OrderHandler.Register(perdure);
        ConsumerHandler.Register(perdure);
        KitchenHandler.Register(perdure, options);
        AccountingHandler.Register(perdure);
        return perdure.AddFlow<TrackOrder>().StartOn<OrderCreated, TrackOrder>(subscription: "tracking");

        void AddEvents()
        {
            Add<OrderTimedOut>("order");
            Add<OrderApproved>("order");
            Add<OrderRejected>("order");
            Add<ConsumerVerified>("consumer");
            Add<ConsumerVerificationFailed>("consumer");
            Add<TicketCreated>("ticket");
            Add<TicketCreationFailed>("ticket");
            Add<CreditCardAuthorized>("credit-card");
            Add<CreditCardAuthorizationFailed>("credit-card");
        }

        // The tracking flow may begin to listen a little later than the first of them come.
        void Add<TEvent>(string topic)
            where TEvent : IOrderEvent
            => perdure.AddEvent<TEvent>(e => e.OrderId, topic, e => e.Hold = options.Limit);
    }
}
