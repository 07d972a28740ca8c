using System.Collections.Concurrent;
using Orders.Report;
using Perdure;

namespace Orders;

/// <summary>Takes orders, in either style.</summary>
internal interface IOrderRuns
{
    Task<IReadOnlyList<EarlierOrder>> TakenBeforeAsync(DateTimeOffset time, CancellationToken cancellationToken);

    /// <summary>Takes an order, unless its id was taken already, and follows it.</summary>
    ValueTask StartAsync(Order order, CancellationToken cancellationToken);

    /// <summary>Waits until an order has ended or is stuck, and tells the tally.</summary>
    ValueTask FollowAsync(string id, CancellationToken cancellationToken);

    /// <summary>Looks now and then for orders that need a person: they would never end by themselves.</summary>
    Task WatchAsync(CancellationToken cancellationToken);

    /// <summary>Waits until the services are done, too: then their files may be looked at.</summary>
    Task SettleAsync(CancellationToken cancellationToken);
}

/// <param name="IsInFlight">Whether it went on, or still has to.</param>
internal sealed record EarlierOrder(string Id, bool IsInFlight);

/// <summary>Starts runs of Create Order, follows each to its end, and tells the tally how it ended.</summary>
internal sealed class OrderRuns(PerdureClient perdure, Tally tally) : IOrderRuns
{
    private readonly IFlowClient<CreateOrder> _createOrder = perdure.Flow<CreateOrder>();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<FlowInfo>> _followed = new();

    public async Task<IReadOnlyList<EarlierOrder>> TakenBeforeAsync(DateTimeOffset time, CancellationToken cancellationToken)
    {
        List<EarlierOrder> runs = [];
        await foreach (FlowInfo run in perdure.ListAsync(new FlowFilter { Type = _createOrder.Name, StartedBefore = time }, cancellationToken))
        {
            runs.Add(new EarlierOrder(run.Id, IsInFlight: run.EndedAt is null || run.EndedAt >= time));
        }

        return runs;
    }

    public async ValueTask StartAsync(Order order, CancellationToken cancellationToken)
    {
        try
        {
            FlowHandle<OrderOutcome> run = await _createOrder.StartAsync(order, id: order.Id, cancellationToken: cancellationToken);
            await FollowAsync(run.Id, cancellationToken);
        }
        catch (FlowConflictException)
        {
            await Console.Error.WriteLineAsync($"order {order.Id} was taken before, with other contents; it is left as it was");
        }
    }

    public async ValueTask FollowAsync(string id, CancellationToken cancellationToken)
    {
        Task<FlowInfo> stuck = _followed.GetOrAdd(id, _ => new TaskCompletionSource<FlowInfo>()).Task;
        Task<OrderOutcome> result = _createOrder.Get(id).ResultAsync(cancellationToken);
        try
        {
            tally.Set(id, await Task.WhenAny(result, stuck) == result
                ? Label(await result)
                : $"stuck: {(await stuck).StuckReason}");
        }
        catch (Exception e) when (e is FlowFailedException or FlowCancelledException)
        {
            tally.Set(id, $"failed: {e.Message}");
        }
    }

    public async Task WatchAsync(CancellationToken cancellationToken)
    {
        var filter = new FlowFilter { Type = _createOrder.Name, Statuses = [FlowStatus.Stuck] };
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(500));
        while (await timer.NextAsync(cancellationToken))
        {
            await foreach (FlowInfo run in perdure.ListAsync(filter, CancellationToken.None))
            {
                _followed.GetOrAdd(run.Id, _ => new TaskCompletionSource<FlowInfo>()).TrySetResult(run);
            }
        }
    }

    public Task SettleAsync(CancellationToken cancellationToken) => Task.CompletedTask;     // a flow's end is that of all its steps

    private static string Label(OrderOutcome outcome) => outcome.Reason is null ? "approved" : $"rejected: {outcome.Reason}";
}
