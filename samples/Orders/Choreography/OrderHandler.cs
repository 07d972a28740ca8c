using Orders.Services;
using Perdure;

namespace Orders.Choreography;

/// <summary>A customer wants this.</summary>
public sealed record PlaceOrder(Order Order) : IJob;

/// <summary>The order's time is up.</summary>
public sealed record TimeOutOrder(string OrderId) : IJob;

/// <summary>Order's part: it begins the choreography, and decides its end by the first yes or no that it hears, or when the time is up.</summary>
public sealed class OrderHandler(OrderService orders, PerdureClient perdure, ChoreographyOptions options)
{
    public const string Subscription = "order";

    /// <summary>Where timers wait: apart, so that they do not count as work that is to be done.</summary>
    public const string Timers = "order-timers";

    private const string TimedOut = "no answer in time";

    public static PerdureBuilder Register(PerdureBuilder perdure) => perdure
        .AddHandler<PlaceOrder>(Subscription, (place, job) => job.Get<OrderHandler>().PlaceAsync(place.Order, job))
        .AddHandler<TimeOutOrder>(Timers, (due, job) => job.Get<OrderHandler>().TimeOutAsync(due.OrderId, job))
        .Subscribe<CreditCardAuthorized>(Subscription, (e, job) => job.Get<OrderHandler>().OnAsync(e, job))
        .Subscribe<ConsumerVerificationFailed>(Subscription, (e, job) => job.Get<OrderHandler>().RejectAsync(e, e.Reason, job))
        .Subscribe<TicketCreationFailed>(Subscription, (e, job) => job.Get<OrderHandler>().RejectAsync(e, e.Reason, job))
        .Subscribe<CreditCardAuthorizationFailed>(Subscription, (e, job) => job.Get<OrderHandler>().RejectAsync(e, e.Reason, job));

    public async Task PlaceAsync(Order order, JobContext job)
    {
        await orders.PlaceOrderAsync(order, job);

        // The timer is set before anybody hears of the order; when this runs again it joins the timer that is there.
        await perdure.EnqueueAsync(new TimeOutOrder(order.Id), new JobOptions { Delay = options.Limit, Key = order.Id, DedupKey = order.Id }, job);
        job.Publish(new OrderCreated(order));
    }

    public async Task TimeOutAsync(string orderId, JobContext job)
    {
        if (await orders.TryRejectAsync(orderId, nameof(OrderTimedOut), TimedOut, job))
        {
            job.Publish(new OrderTimedOut(orderId, TimedOut));
            job.Publish(new OrderRejected(orderId, TimedOut));
        }
    }

    public async Task OnAsync(CreditCardAuthorized authorized, JobContext job)
    {
        if (await orders.TryApproveAsync(authorized.OrderId, nameof(CreditCardAuthorized), job))
        {
            job.Publish(new OrderApproved(authorized.OrderId));
        }
    }

    public async Task RejectAsync<TEvent>(TEvent no, string reason, JobContext job)
        where TEvent : IOrderEvent
    {
        if (await orders.TryRejectAsync(no.OrderId, typeof(TEvent).Name, reason, job))
        {
            job.Publish(new OrderRejected(no.OrderId, reason));
        }
    }
}
