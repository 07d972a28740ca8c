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

    /// <summary>The same, as the next build has it: it mails once more, to runs that start from then on.</summary>
    public static IServiceCollection AddNextShop(this IServiceCollection services) => services
        .AddSingleton<Stock>().AddSingleton<Cards>().AddSingleton<Mail>()
        .AddPerdure(perdure => perdure.UseSqlite("/nowhere/shop.db").AddFlow<PlaceOrder>().AddFlow<PlaceOrderWithReminder>());
}

/// <summary>The next version: open runs stay on the one that they started with.</summary>
[Named("place-order", Version = 2)]
public sealed class PlaceOrderWithReminder(Stock stock, Cards cards, Mail mail) : IFlow<Order, Receipt>
{
    public async Task<Receipt> RunAsync(Order order, FlowContext flow)
    {
        await flow.Step(() => stock.ReserveAsync(order), undo: () => stock.ReleaseAsync(order.Id));
        string charge = await flow.Step(s => cards.ChargeAsync(order, s.IdempotencyKey), undo: () => cards.RefundAsync(order.Id));
        await flow.Step(() => mail.InviteAsync(order.Id));
        if (!(await flow.TrySignal<PickedUp>(TimeSpan.FromDays(10))).HasValue)
        {
            await flow.Step(() => mail.InviteAsync(order.Id), name: "Remind");
            await flow.Signal<PickedUp>(TimeSpan.FromDays(10));
        }

        return new Receipt(order.Id, charge);
    }
}
