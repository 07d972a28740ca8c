using System.Text.Json;
using Orders.Services;
using Perdure;

namespace Orders.Choreography;

/// <summary>What a caller does with choreographed orders: places them, and looks after those that no service can go on with.</summary>
public sealed class PlacedOrders(PerdureClient perdure, OrderService orders)
{
    /// <summary>Takes an order, durably. The same id again is the same order.</summary>
    /// <exception cref="OrderTakenException">An order with this id has come before, and was another one.</exception>
    public async Task PlaceAsync(Order order, CancellationToken cancellationToken = default)
    {
        if (await orders.FindPlacedAsync(order.Id) is not { } there)
        {
            await perdure.EnqueueAsync(new PlaceOrder(order), new JobOptions { Key = order.Id, DedupKey = order.Id }, cancellationToken);
        }
        else if (JsonSerializer.Serialize(there) != JsonSerializer.Serialize(order))
        {
            throw new OrderTakenException(order.Id);
        }
    }

    /// <summary>The orders that were placed and that Order has not stored yet.</summary>
    public async Task<IReadOnlyList<string>> OnTheirWayAsync(string? orderId = null, CancellationToken cancellationToken = default)
        => [.. (await perdure.ListAsync(new JobFilter { Queue = OrderHandler.Subscription, Type = "place-order", Key = orderId, Limit = int.MaxValue }, cancellationToken).ToListAsync(cancellationToken)).Select(job => job.Key!)];

    /// <summary>What has failed too often, or in a way that does not pass: each waits for a person.</summary>
    public async Task<IReadOnlyList<JobInfo>> StuckAsync(string? orderId = null, CancellationToken cancellationToken = default)
    {
        List<JobInfo> stuck = [];
        foreach (string service in Choreography.Services)
        {
            stuck.AddRange(await perdure.Queue(service).DeadLettersAsync(new JobFilter { Key = orderId }, cancellationToken).ToListAsync(cancellationToken));
        }

        return stuck;
    }

    /// <summary>For the person who has repaired what kept an order from going on.</summary>
    /// <returns>How many events are handled again.</returns>
    public async Task<int> RetryAsync(string orderId, CancellationToken cancellationToken = default)
    {
        int count = 0;
        foreach (string service in Choreography.Services)
        {
            count += await perdure.Queue(service).RedriveAsync(new JobFilter { Key = orderId }, cancellationToken: cancellationToken);
        }

        return count;
    }

    /// <summary>Whether all events have come to all services, and nobody has anything left to do. Timers and dead letters are not looked at.</summary>
    public async Task<bool> AreAtRestAsync(CancellationToken cancellationToken = default)
    {
        foreach (string service in Choreography.Services)
        {
            SubscriptionInfo heard = await perdure.Subscription(service).DescribeAsync(cancellationToken);
            QueueStats work = await perdure.Queue(service).StatsAsync(cancellationToken: cancellationToken);
            if (heard.Lag > 0 || work is not { Waiting: 0, Delayed: 0, Running: 0 })
            {
                return false;
            }
        }

        return true;
    }
}

/// <summary>The id belongs to an order that was taken before, with other contents.</summary>
public sealed class OrderTakenException(string orderId) : Exception($"order {orderId} was taken before, with other contents; it is left as it was");
