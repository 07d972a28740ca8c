using Perdure;

namespace Fulfilment.Ordering;

/// <param name="End">completed or cancelled.</param>
/// <param name="Reason">Why it was cancelled.</param>
public sealed record OrderOutcome(string End, string? Reason = null);

/// <summary>What Order wants of the other services: each is a command, how long its reply may take, and what undoes it.</summary>
public sealed class Requests(IBus bus, FlowContext flow, Order order, FulfilmentLimits limits)
{
    private const string Reason = "order";

    /// <summary>For the picture of the whole: what a flow with these requests says and waits for.</summary>
    public static void Declare(FlowOptions flow, Style style)
    {
        flow.Publishes<OrderCompletedEvent>().Publishes<OrderCancelledEvent>();
        if (style == Style.Orchestrated)
        {
            flow.Publishes<RetrievePaymentCommand>().Publishes<CancelPaymentCommand>().Publishes<RefundPaymentCommand>().Awaits<PaymentReceivedEvent>().Awaits<PaymentFailedEvent>()
                .Publishes<FetchGoodsCommand>().Publishes<PutBackGoodsCommand>().Awaits<GoodsFetchedEvent>().Awaits<GoodsNotFetchedEvent>()
                .Publishes<ShipGoodsCommand>().Publishes<RecallShipmentCommand>().Awaits<GoodsShippedEvent>().Awaits<GoodsNotShippedEvent>();
        }
    }

    public async Task RetrievePayment()
    {
        if (order.PaysByInvoice)
        {
            return;
        }

        string request = NewRequest();
        await bus.Ask(flow, new RetrievePaymentCommand(request, order.Id, Reason, order.Items.Sum(item => item.Quantity * item.Price), order.Customer, order.Card),
            limits.Payment, "not paid in time", undo: new RefundPaymentCommand(request, order.Id), giveUp: new CancelPaymentCommand(request, order.Id));
    }

    public async Task<GoodsFetchedEvent> FetchGoods()
    {
        string request = NewRequest();
        return await bus.Ask(flow, new FetchGoodsCommand(request, order.Id, Reason, order.Items),
            limits.Goods, "goods not fetched in time", undo: new PutBackGoodsCommand(request, order.Id));
    }

    public async Task<GoodsShippedEvent> ShipGoods(string pickId)
    {
        string request = NewRequest();
        return await bus.Ask(flow, new ShipGoodsCommand(request, order.Id, pickId, "DHL", order.Recipient.Name, order.Recipient.Address),
            limits.Shipment, "goods not shipped in time", undo: new RecallShipmentCommand(request, order.Id));
    }

    /// <summary>Fresh for each command, and in the flow's history: the reply echoes it.</summary>
    private string NewRequest() => flow.NewGuid().ToString("n");
}
