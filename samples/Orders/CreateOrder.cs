using Orders.Services;
using Perdure;

namespace Orders;

/// <summary>Takes an order through four services. It ends approved, with the card charged once; or rejected, with all that was done undone.</summary>
public sealed class CreateOrder(
    OrderService orders, ConsumerService consumers, KitchenService kitchen, AccountingService accounting, CreateOrderOptions options)
    : IFlow<Order, OrderOutcome>
{
    public async Task<OrderOutcome> RunAsync(Order order, FlowContext flow)
    {
        try
        {
            await flow.Within(options.Limit, async () =>
            {
                await flow.Step(s => orders.CreateOrderAsync(order, s), undo: s => orders.RejectOrderAsync(order.Id, s));
                await flow.Step(s => consumers.ValidateAsync(order, s));
                await flow.Step(s => kitchen.CreateTicketAsync(order, s), undo: s => kitchen.CancelCreateTicketAsync(order.Id, s));

                // The pivot: once the card is charged the order will be approved, whatever it takes. After a crash or a time-out
                // nobody knows whether it was charged, so Accounting is asked before anything else is done.
                await flow.Step(s => accounting.AuthorizeAsync(order, s), undo: s => accounting.ReverseAuthorizationAsync(order.Id, s),
                    reconcile: s => accounting.FindAuthorizationAsync(order.Id, s), pivot: true);
            });
        }
        catch (PerdureException no)     // somebody said no; or a service gave no answer, within the limit or after all retries
        {
            await flow.Undo();
            return new OrderOutcome(order.Id, OrderState.Rejected, no is RejectedException rejected ? rejected.Reason : "no answer in time");
        }

        await flow.Step(s => kitchen.ConfirmCreateTicketAsync(order.Id, s), retry: options.AfterPivot);
        await flow.Step(s => orders.ApproveOrderAsync(order.Id, s), retry: options.AfterPivot);
        return new OrderOutcome(order.Id, OrderState.Approved);
    }
}

public sealed record CreateOrderOptions
{
    /// <summary>How long it may take until the card is charged. An order that has not come so far by then is rejected.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Once the card is charged, steps are retried, at most ten seconds apart; after 50 attempts the flow waits for a person.</summary>
    public Retry AfterPivot { get; init; } = Retry.Forever with { Cap = TimeSpan.FromSeconds(10), StuckAfter = 50 };
}
