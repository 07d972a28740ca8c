using Perdure.Engine;
using Perdure.Events;
using Perdure.Simulation.Events;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Orders;

/// <summary>Create Order as a choreography: who hears what, and what they do and say then. Kitchen works beside Consumer.</summary>
internal static class OrderPlan
{
    public const string Order = "order";
    public const string Consumer = "consumer";
    public const string Kitchen = "kitchen";
    public const string Accounting = "accounting";
    public const string Trackers = "trackers";

    private static readonly EventOptions Awaited = new() { Hold = TimeSpan.FromDays(7) };

    /// <summary>The subscriptions of the services.</summary>
    public static readonly IReadOnlyList<string> Services = [Order, Consumer, Kitchen, Accounting, Trackers];

    public static IEnumerable<EventType> Types() =>
    [
        EventPlan.TypeOf<OrderCreated>("orders", e => e.Order), EventPlan.TypeOf<OrderLate>("orders", e => e.Order), EventPlan.TypeOf<OrderTimedOut>("orders", e => e.Order),
        EventPlan.TypeOf<OrderApproved>("orders", e => e.Order, Awaited), EventPlan.TypeOf<OrderRejected>("orders", e => e.Order, Awaited),
        EventPlan.TypeOf<ConsumerVerified>("consumers", e => e.Order), EventPlan.TypeOf<ConsumerVerificationFailed>("consumers", e => e.Order),
        EventPlan.TypeOf<TicketCreated>("tickets", e => e.Order), EventPlan.TypeOf<TicketCreationFailed>("tickets", e => e.Order),
        EventPlan.TypeOf<CreditCardAuthorized>("cards", e => e.Order), EventPlan.TypeOf<CreditCardAuthorizationFailed>("cards", e => e.Order),
    ];

    public static IEnumerable<PlannedSubscription> Subscriptions(ReplayRandom chance)
    {
        return
        [
            Of(Order, "credit-card-authorized", "consumer-verification-failed", "ticket-creation-failed", "credit-card-authorization-failed", "order-late"),
            Of(Consumer, "order-created"),
            Of(Kitchen, "order-created", "credit-card-authorized", "consumer-verification-failed", "credit-card-authorization-failed", "order-timed-out"),
            Of(Accounting, "order-created", "consumer-verified", "ticket-created", "consumer-verification-failed", "ticket-creation-failed", "order-timed-out"),
            Of(Trackers, "order-created"),
        ];

        PlannedSubscription Of(string name, params string[] types) => new(name, types)
        {
            Start = DateTimeOffset.MinValue,
            Options = new SubscriptionOptions { Start = SubscriptionStart.Beginning, ReadAhead = chance.Next(2) == 0 ? 1_000 : chance.Next(1, 4) },
            Policy = new QueueOptions
            {
                Concurrency = chance.Next(2) == 0 ? null : chance.Next(1, 5),
                InOrder = chance.Next(2) == 0,
                Retry = Retry.Forever with { Cap = TimeSpan.FromSeconds(5) },
                Timeout = TimeSpan.FromSeconds(chance.Next(5, 20)),
            },
        };
    }

    public static HandlerDefinition PlaceHandler(Process process, EventWork work) => HandlerDefinition.Of<PlaceOrder, NoResult>(null, (place, job) => work.Service.ServeAsync(process, place.N, job, call =>
    {
        work.Town.Of(place.Order).Place();
        Say(call, job, new OrderCreated(work.Service.NextNumber(), place.Order));
        return Task.CompletedTask;
    }));

    public static HandlerDefinition HandlerOf(Process process, EventWork work, string subscription, string type) => (subscription, type) switch
    {
        (Trackers, _) => On<OrderCreated>(process, work, (_, _, job) => Do(() => job.Start(PlanTypes.Tracking, id: null))),
        (Consumer, _) => On<OrderCreated>(process, work, (e, call, job) => Do(() => Say(call, job, Book(work, e).ConsumerMay ? new ConsumerVerified(Number(work), e.Order) : new ConsumerVerificationFailed(Number(work), e.Order)))),
        (Order, "credit-card-authorized") => On<CreditCardAuthorized>(process, work, (e, call, job) => Do(() =>
        {
            if (Book(work, e).Decide(OrderState.Approved, type))
            {
                Say(call, job, new OrderApproved(Number(work), e.Order));
            }
        })),
        (Order, "consumer-verification-failed") => Rejects<ConsumerVerificationFailed>(process, work),
        (Order, "ticket-creation-failed") => Rejects<TicketCreationFailed>(process, work),
        (Order, "credit-card-authorization-failed") => Rejects<CreditCardAuthorizationFailed>(process, work),
        (Order, "order-late") => Rejects<OrderLate>(process, work),
        (Kitchen, "order-created") => On<OrderCreated>(process, work, (e, call, job) => Do(() => Say(call, job, Book(work, e).CreateTicket() ? new TicketCreated(Number(work), e.Order) : new TicketCreationFailed(Number(work), e.Order)))),
        (Kitchen, "credit-card-authorized") => On<CreditCardAuthorized>(process, work, (e, _, _) => Do(Book(work, e).ConfirmTicket)),
        (Kitchen, "consumer-verification-failed") => Withdraws<ConsumerVerificationFailed>(process, work),
        (Kitchen, "credit-card-authorization-failed") => Withdraws<CreditCardAuthorizationFailed>(process, work),
        (Kitchen, "order-timed-out") => Withdraws<OrderTimedOut>(process, work),
        (Accounting, "order-created") => Joins<OrderCreated>(process, work),
        (Accounting, "consumer-verified") => Joins<ConsumerVerified>(process, work),
        (Accounting, "ticket-created") => Joins<TicketCreated>(process, work),
        (Accounting, "consumer-verification-failed") => Voids<ConsumerVerificationFailed>(process, work),
        (Accounting, "ticket-creation-failed") => Voids<TicketCreationFailed>(process, work),
        (Accounting, "order-timed-out") => Voids<OrderTimedOut>(process, work),
        _ => throw new ArgumentException($"{subscription} does not hear of {type}", nameof(type)),
    };

    private static HandlerDefinition Rejects<TEvent>(Process process, EventWork work)
        where TEvent : IOrderEvent
        => On<TEvent>(process, work, (e, call, job) => Do(() =>
        {
            if (!Book(work, e).Decide(OrderState.Rejected, job.Event!.Type))
            {
                return;
            }

            if (e is OrderLate)
            {
                Say(call, job, new OrderTimedOut(Number(work), e.Order));
            }

            Say(call, job, new OrderRejected(Number(work), e.Order));
        }));

    private static HandlerDefinition Withdraws<TEvent>(Process process, EventWork work)
        where TEvent : IOrderEvent
        => On<TEvent>(process, work, (e, _, _) => Do(() => Book(work, e).WithdrawTicket(e is OrderTimedOut)));

    private static HandlerDefinition Voids<TEvent>(Process process, EventWork work)
        where TEvent : IOrderEvent
        => On<TEvent>(process, work, (e, _, _) => Do(Book(work, e).VoidCard));

    /// <summary>Accounting charges when all three events have come. What became of a charge that left may be unknown: then it asks before it charges.</summary>
    private static HandlerDefinition Joins<TEvent>(Process process, EventWork work)
        where TEvent : IOrderEvent
        => On<TEvent>(process, work, async (e, call, job) =>
        {
            OrderBook book = Book(work, e);
            (bool isDue, bool mayBeDone) = book.Join(typeof(TEvent).Name);
            if (!isDue)
            {
                return;
            }

            await work.Town.PauseAsync(process, job);
            bool isCharged = (mayBeDone ? book.FindCharge() : null) ?? book.Charge();
            await work.Town.PauseAsync(process, job);
            Say(call, job, isCharged ? new CreditCardAuthorized(Number(work), e.Order) : new CreditCardAuthorizationFailed(Number(work), e.Order));
        });

    private static HandlerDefinition On<TEvent>(Process process, EventWork work, Func<TEvent, HeardCall, JobContext, Task> handle)
        where TEvent : IOrderEvent
        => HandlerDefinition.Of<TEvent, NoResult>(null, (e, job) => work.Service.ServeAsync(process, e.N, job, call => handle(e, call, job)));

    private static Task Do(Action act)
    {
        act();
        return Task.CompletedTask;
    }

    private static OrderBook Book(EventWork work, IOrderEvent e) => work.Town.Of(e.Order);

    private static int Number(EventWork work) => work.Service.NextNumber();

    private static void Say(HeardCall call, JobContext job, IOrderEvent e) => EventService.Publish(call, job, e);
}
