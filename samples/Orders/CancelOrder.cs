using Orders.Services;
using Perdure;

namespace Orders;

/// <summary>Cancels an order that was approved. It starts when <see cref="OrderService.BeginCancelAsync"/> has let it, so there is only a way forward.</summary>
public sealed class CancelOrder(OrderService orders, KitchenService kitchen, AccountingService accounting, CreateOrderOptions options)
    : IFlow<string>
{
    public async Task RunAsync(string orderId, FlowContext flow)
    {
        flow.Pivot();
        await flow.Step(s => kitchen.CancelTicketAsync(orderId, s), retry: options.AfterPivot);
        await flow.Step(s => accounting.ReverseAuthorizationAsync(orderId, s), retry: options.AfterPivot);
        await flow.Step(s => orders.ConfirmCancelAsync(orderId, s), retry: options.AfterPivot);
    }
}
