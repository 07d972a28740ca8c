using System.Collections.Concurrent;
using Orders.Report;
using Perdure;

namespace Orders;

/// <summary>Starts runs of Create Order, follows each to its end, and tells the tally how it ended.</summary>
internal sealed class OrderRuns(PerdureClient perdure, Tally tally)
{
    private readonly IFlowClient<CreateOrder> _createOrder = perdure.Flow<CreateOrder>();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<FlowInfo>> _followed = new();

    public async Task<List<FlowInfo>> StartedBeforeAsync(DateTimeOffset time, CancellationToken cancellationToken)
    {
        List<FlowInfo> runs = [];
        await foreach (FlowInfo run in perdure.ListAsync(new FlowFilter { Type = _createOrder.Name, StartedBefore = time }, cancellationToken))
        {
            runs.Add(run);
        }

        return runs;
    }

    /// <summary>Starts an order's run, unless its id has one already, and follows it.</summary>
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

    /// <summary>Waits until a run has ended or is stuck.</summary>
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

    /// <summary>Looks now and then for runs that need a person: they would never end by themselves.</summary>
    public async Task WatchForStuckAsync(CancellationToken cancellationToken)
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

    private static string Label(OrderOutcome outcome) => outcome.Reason is null ? "approved" : $"rejected: {outcome.Reason}";
}
