using System.Globalization;
using Perdure.Simulation.Processes;

namespace Perdure.Simulation.Orders;

/// <summary>The flows about orders: one that listens to a choreography and keeps its time, and one that leads an order through the same services.</summary>
internal static class OrderFlows
{
    /// <summary>Numbers of what tracking flows publish begin here.</summary>
    private const int FirstNumber = 30_000_000;

    private static readonly TimeSpan Again = TimeSpan.FromSeconds(60);

    /// <summary>Where is the order? Nobody leads it, so this flow listens to what Order says, and speaks up when its time is over.</summary>
    public static async Task<string> TrackAsync(FlowContext flow, OrderCreated created, TimeSpan limit)
    {
        string? end = await HearAsync(limit);
        if (end is null)
        {
            flow.Publish(new OrderLate(FirstNumber + int.Parse(created.Order.AsSpan(1), CultureInfo.InvariantCulture), created.Order));
        }

        while (end is null)
        {
            end = await HearAsync(Again);
        }

        return end;

        Task<string?> HearAsync(TimeSpan within) => flow.First(() => SaidAsync<OrderApproved>(within), () => SaidAsync<OrderRejected>(within));

        async Task<string?> SaidAsync<TEvent>(TimeSpan within) => (await flow.TryEvent<TEvent>(created.Order, within)).HasValue ? typeof(TEvent).Name : null;
    }

    /// <summary>The same with somebody in the middle: the services are told one after the other, and what was done is undone, the last first, when one says no.</summary>
    public static async Task<string> LeadAsync(FlowContext flow, Process process, OrderTown town)
    {
        OrderBook book = town.Of(flow.Id);
        await flow.Step(s => town.CallAsync(process, () => Done(book.Place), s),
            undo: (s, _) => town.CallAsync(process, () => book.Decide(OrderState.Rejected, "undo"), s), name: "create-order", retry: Retry.Forever);
        bool isVerified = await flow.Step(s => town.CallAsync(process, () => book.ConsumerMay, s), name: "verify-consumer", retry: Retry.Forever);
        bool hasTicket = isVerified && await flow.Step(s => town.CallAsync(process, book.CreateTicket, s),
            undo: (s, _) => town.CallAsync(process, () => Done(() => book.WithdrawTicket(isLate: false)), s), name: "create-ticket", retry: Retry.Forever);
        bool isCharged = hasTicket && await flow.Step(s => town.CallAsync(process, book.Charge, s), name: "authorize", retry: Retry.Forever);
        if (!isCharged)
        {
            await flow.Undo();
            return nameof(OrderRejected);
        }

        flow.Pivot();
        await flow.Step(s => town.CallAsync(process, () => Done(book.ConfirmTicket), s), name: "approve-ticket", retry: Retry.Forever);
        await flow.Step(s => town.CallAsync(process, () => book.Decide(OrderState.Approved, "authorize"), s), name: "approve-order", retry: Retry.Forever);
        return nameof(OrderApproved);
    }

    private static bool Done(Action act)
    {
        act();
        return true;
    }
}
