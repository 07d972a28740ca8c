using System.Collections.Concurrent;
using Orders.Report;
using Orders.Services;
using Perdure;

namespace Orders.Choreography;

/// <summary>Places orders, follows each in Order's own books to its end, and tells the tally how it ended.</summary>
internal sealed class PlacedOrderRuns(PlacedOrders placed, OrderService orders, Tally tally) : IOrderRuns
{
    private readonly ConcurrentDictionary<string, TaskCompletionSource<string>> _followed = new();

    public async Task<IReadOnlyList<EarlierOrder>> TakenBeforeAsync(DateTimeOffset time, CancellationToken cancellationToken)
    {
        IReadOnlyList<PlacedOrder> stored = [.. (await orders.PlacedAsync()).Where(order => order.At < time)];
        return
        [
            .. stored.Select(order => new EarlierOrder(order.Id, IsInFlight: order.EndedAt is null || order.EndedAt >= time)),
            .. (await placed.OnTheirWayAsync(cancellationToken: cancellationToken)).Except(stored.Select(order => order.Id)).Select(id => new EarlierOrder(id, IsInFlight: true)),
        ];
    }

    public async ValueTask StartAsync(Order order, CancellationToken cancellationToken)
    {
        try
        {
            await placed.PlaceAsync(order, cancellationToken);
            await FollowAsync(order.Id, cancellationToken);
        }
        catch (OrderTakenException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
        }
    }

    public async ValueTask FollowAsync(string id, CancellationToken cancellationToken) => tally.Set(id, await EndOf(id).Task.WaitAsync(cancellationToken));

    /// <summary>Looks now and then which orders have ended, or wait for a person.</summary>
    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
        while (await timer.NextAsync(cancellationToken))
        {
            foreach (PlacedOrder order in (await orders.PlacedAsync()).Where(order => order.EndedAt is not null))
            {
                EndOf(order.Id).TrySetResult(order.Reason is null ? "approved" : $"rejected: {order.Reason}");
            }

            foreach (JobInfo job in await placed.StuckAsync(cancellationToken: CancellationToken.None))
            {
                EndOf(job.Key!).TrySetResult(Stuck(job));
            }
        }
    }

    /// <summary>Order has said how all orders ended; the other services may still have to hear of it.</summary>
    public async Task SettleAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await placed.AreAtRestAsync(cancellationToken))
        {
            await timer.WaitForNextTickAsync(cancellationToken);
        }

        foreach (JobInfo job in await placed.StuckAsync(cancellationToken: cancellationToken))
        {
            tally.Set(job.Key!, Stuck(job));
        }
    }

    private static string Stuck(JobInfo job) => $"stuck: {job.Queue} cannot handle {job.Type}: {job.Error?.Message}";

    private TaskCompletionSource<string> EndOf(string id) => _followed.GetOrAdd(id, _ => new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously));
}
