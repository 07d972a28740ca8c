using Orders.Services;
using Perdure;

namespace Orders.Choreography;

/// <summary>Kitchen's part: it makes a ticket for each new order, beside Consumer or after it, and confirms it once the card is charged.</summary>
public sealed class KitchenHandler(KitchenService kitchen, ChoreographyOptions options)
{
    public const string Subscription = "kitchen";

    public static PerdureBuilder Register(PerdureBuilder perdure, ChoreographyOptions options)
    {
        if (options.IsSequential)
        {
            perdure.Subscribe<ConsumerVerified>(Subscription, (e, job) => job.Get<KitchenHandler>().OnAsync(e, job));
        }

        return perdure
            .Subscribe<OrderCreated>(Subscription, (e, job) => job.Get<KitchenHandler>().OnAsync(e, job))
            .Subscribe<CreditCardAuthorized>(Subscription, (e, job) => job.Get<KitchenHandler>().OnAsync(e, job))
            .Subscribe<ConsumerVerificationFailed>(Subscription, (e, job) => job.Get<KitchenHandler>().WithdrawAsync(e, job))
            .Subscribe<CreditCardAuthorizationFailed>(Subscription, (e, job) => job.Get<KitchenHandler>().WithdrawAsync(e, job))
            .Subscribe<OrderTimedOut>(Subscription, (e, job) => job.Get<KitchenHandler>().WithdrawAsync(e, job));
    }

    public async Task OnAsync(OrderCreated created, JobContext job)
    {
        Order? wanted = options.IsSequential ? await kitchen.JoinAsync(created.OrderId, nameof(OrderCreated), created.Order, job) : created.Order;
        await CreateTicketAsync(wanted, job);
    }

    /// <summary>In the sequential form: the consumer may order, so the ticket may be made, if the order came already.</summary>
    public async Task OnAsync(ConsumerVerified verified, JobContext job)
        => await CreateTicketAsync(await kitchen.JoinAsync(verified.OrderId, nameof(ConsumerVerified), order: null, job), job);

    /// <summary>A ticket that was withdrawn stays so: then the authorization came after the order had timed out, and is taken back.</summary>
    public Task OnAsync(CreditCardAuthorized authorized, JobContext job) => kitchen.TryConfirmTicketAsync(authorized.OrderId, nameof(CreditCardAuthorized), job);

    public Task WithdrawAsync<TEvent>(TEvent no, JobContext job)
        where TEvent : IOrderEvent
        => kitchen.WithdrawTicketAsync(no.OrderId, typeof(TEvent).Name, job);

    private async Task CreateTicketAsync(Order? order, JobContext job)
    {
        if (order is null)
        {
            return; // the other half is still to come
        }

        try
        {
            await kitchen.CreateTicketAsync(order, job);
            job.Publish(new TicketCreated(order.Id, TicketId: order.Id));
        }
        catch (TicketRefusedException no)
        {
            job.Publish(new TicketCreationFailed(order.Id, no.Message));
        }
    }
}
