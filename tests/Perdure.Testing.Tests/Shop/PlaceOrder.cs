using Microsoft.Extensions.DependencyInjection;

namespace Perdure.Testing.Tests.Shop;

public sealed record Order(string Id, decimal Total);

public sealed record Receipt(string OrderId, string Charge);

public sealed record PickedUp(string By);

/// <summary>An order that is reserved, paid, and picked up within 20 days; or all of that is taken back.</summary>
public sealed class PlaceOrder(Stock stock, Cards cards, Mail mail) : IFlow<Order, Receipt>
{
    public async Task<Receipt> RunAsync(Order order, FlowContext flow)
    {
        await flow.Step(() => stock.ReserveAsync(order), undo: () => stock.ReleaseAsync(order.Id));
        string charge = await flow.Step(s => cards.ChargeAsync(order, s.IdempotencyKey), undo: () => cards.RefundAsync(order.Id));
        await flow.Step(() => mail.InviteAsync(order.Id));
        PickedUp pickedUp = await flow.Signal<PickedUp>(TimeSpan.FromDays(20));
        await flow.Step(() => mail.ThankAsync(order.Id, pickedUp.By));
        return new Receipt(order.Id, charge);
    }
}

public static class ShopServices
{
    /// <summary>The composition root: what the application's Program calls.</summary>
    public static IServiceCollection AddShop(this IServiceCollection services) => services
        .AddSingleton<Stock>().AddSingleton<Cards>().AddSingleton<Mail>()
        .AddPerdure(perdure => perdure.UseSqlite("/nowhere/shop.db").AddFlow<PlaceOrder>());
}
