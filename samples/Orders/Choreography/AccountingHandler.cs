using Orders.Services;
using Perdure;

namespace Orders.Choreography;

/// <summary>
/// Accounting's part: it charges the card once it has heard of the order, of the consumer's right to order and of the ticket, in whatever
/// order they come; and takes everything back when somebody says no.
/// </summary>
public sealed class AccountingHandler(AccountingService accounting)
{
    public const string Subscription = "accounting";

    public static PerdureBuilder Register(PerdureBuilder perdure) => perdure
        .Subscribe<OrderCreated>(Subscription, (e, job) => job.Get<AccountingHandler>().JoinAsync(e, e.Order, job))
        .Subscribe<ConsumerVerified>(Subscription, (e, job) => job.Get<AccountingHandler>().JoinAsync(e, order: null, job))
        .Subscribe<TicketCreated>(Subscription, (e, job) => job.Get<AccountingHandler>().JoinAsync(e, order: null, job))
        .Subscribe<ConsumerVerificationFailed>(Subscription, (e, job) => job.Get<AccountingHandler>().VoidAsync(e, job))
        .Subscribe<TicketCreationFailed>(Subscription, (e, job) => job.Get<AccountingHandler>().VoidAsync(e, job))
        .Subscribe<OrderTimedOut>(Subscription, (e, job) => job.Get<AccountingHandler>().VoidAsync(e, job));

    public async Task JoinAsync<TEvent>(TEvent @event, Order? order, JobContext job)
        where TEvent : IOrderEvent
    {
        if (await accounting.JoinAsync(@event.OrderId, typeof(TEvent).Name, order, job) is not { } due)
        {
            return; // the others are still to come, or somebody said no
        }

        try
        {
            // A charge that left before, in an attempt that failed or in a process that died, may have been done: Accounting is asked under the
            // order's id. While it cannot say, this handler is tried again, and nobody hears anything.
            Authorization? there = due.MayBeDone ? await accounting.FindAuthorizationAsync(due.Order.Id, job) : null;
            Authorization done = there ?? await accounting.AuthorizeAsync(due.Order, job);
            job.Publish(new CreditCardAuthorized(due.Order.Id, done.Id, done.Amount));
        }
        catch (CardDeclinedException no)
        {
            job.Publish(new CreditCardAuthorizationFailed(due.Order.Id, no.Message));
        }
    }

    /// <summary>Also takes back an authorization that came after the order had timed out.</summary>
    public Task VoidAsync<TEvent>(TEvent no, JobContext job)
        where TEvent : IOrderEvent
        => accounting.VoidAuthorizationAsync(no.OrderId, job);
}
