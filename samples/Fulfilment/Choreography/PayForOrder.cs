using Fulfilment.Payment;
using Perdure;

namespace Fulfilment.Choreography;

/// <summary>Payment's part: it has to know what a shop's order looks like, what it costs, and who pays by invoice; and which events of others cost the customer nothing.</summary>
public sealed class PayForOrder(Collecting collecting) : IFlow<OrderPlaced>
{
    public static void Register(PerdureBuilder perdure, string subscription) => perdure
        .AddFlow<PayForOrder>(flow => flow.Publishes<PaymentReceived>().Publishes<PaymentFailed>().Publishes<CustomerCreditUsedEvent>().Publishes<CreditCardChargedEvent>()
            .Publishes<NewCardWantedEvent>().Awaits<CreditCardUpdatedEvent>())
        .StartOn<OrderPlaced, PayForOrder>(subscription: subscription)
        .Subscribe<GoodsNotFetched>(subscription, (e, job) => RefundAsync(e, job))
        .Subscribe<GoodsNotShipped>(subscription, (e, job) => RefundAsync(e, job));

    public async Task RunAsync(OrderPlaced placed, FlowContext flow)
    {
        Order order = placed.Order;
        try
        {
            if (!order.PaysByInvoice)
            {
                decimal total = order.Items.Sum(item => item.Quantity * item.Price);
                await collecting.CollectAsync(new Due(order.Id, order.Id, total, order.Customer, order.Card), flow);
            }

            flow.Publish(new PaymentReceived(order));   // by invoice, too: it is what Inventory waits for
        }
        catch (PerdureException no)
        {
            flow.Publish(new PaymentFailed(order, Collecting.Reason(no)));
        }
    }

    private static Task RefundAsync(IOrderEvent no, JobContext job)
        => job.Get<PerdureClient>().Flow<RefundPayment>().StartAsync(new RefundPaymentCommand(no.Order.Id, no.Order.Id), id: no.Order.Id, cancellationToken: job);
}
