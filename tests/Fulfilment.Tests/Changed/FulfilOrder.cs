using Fulfilment.Ordering;
using Perdure;

namespace Fulfilment.Tests.Changed;

/// <summary>Takes an order to its end: paid, fetched and shipped; or cancelled, with all undone that was done.</summary>
[Named("fulfil-order", Version = 2)]
public sealed class FulfilOrder(IBus bus, FulfilmentOptions options) : IFlow<OrderPlacedEvent, OrderOutcome>
{
    public static PerdureBuilder Register(PerdureBuilder perdure, Style style) => perdure
        .AddFlow<FulfilOrder1>().AddFlow<FulfilOrder>(flow => Requests.Declare(flow, style))
        .StartOn<OrderPlacedEvent, FulfilOrder>(subscription: "order");

    public async Task<OrderOutcome> RunAsync(OrderPlacedEvent placed, FlowContext flow)
    {
        var requests = new Requests(bus, flow, placed.Order, options.Limits);
        string reason = "cancelled by somebody";
        flow.OnUndo(() =>
        {
            flow.Publish(new OrderCancelledEvent(placed.Order.Id, reason));
            return Task.CompletedTask;
        });
        try
        {
            GoodsFetchedEvent goods = await requests.FetchGoods();
            await requests.RetrievePayment();
            GoodsShippedEvent parcel = await requests.ShipGoods(goods.PickId);
            flow.Publish(new OrderCompletedEvent(placed.Order.Id, parcel.ShipmentId));
            return new OrderOutcome("completed");
        }
        catch (RejectedException no)
        {
            reason = no.Reason;
            await flow.Undo();
            return new OrderOutcome("cancelled", reason);
        }
    }
}

/// <summary>Leads the orders that it began.</summary>
[Named("fulfil-order", Version = 1)]
public sealed class FulfilOrder1(IBus bus, FulfilmentOptions options) : IFlow<OrderPlacedEvent, OrderOutcome>
{
    public async Task<OrderOutcome> RunAsync(OrderPlacedEvent placed, FlowContext flow)
    {
        var requests = new Requests(bus, flow, placed.Order, options.Limits);
        string reason = "cancelled by somebody";
        flow.OnUndo(() =>
        {
            flow.Publish(new OrderCancelledEvent(placed.Order.Id, reason));
            return Task.CompletedTask;
        });
        try
        {
            await requests.RetrievePayment();
            GoodsFetchedEvent goods = await requests.FetchGoods();
            GoodsShippedEvent parcel = await requests.ShipGoods(goods.PickId);
            flow.Publish(new OrderCompletedEvent(placed.Order.Id, parcel.ShipmentId));
            return new OrderOutcome("completed");
        }
        catch (RejectedException no)
        {
            reason = no.Reason;
            await flow.Undo();
            return new OrderOutcome("cancelled", reason);
        }
    }
}
