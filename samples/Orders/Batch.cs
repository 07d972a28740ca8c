using Orders.Choreography;
using Orders.Report;
using Orders.Services;

namespace Orders;

/// <summary>Takes every order of a file through Create Order, and those that an earlier process left in flight.</summary>
internal static class Batch
{
    private const int Interrupted = 130;

    public static async Task<int> RunAsync(CommandLine line)
    {
        IReadOnlyList<Order> orders = await OrderFile.ReadAsync(line.File, Console.Error.WriteLine);
        var network = new FaultyNetwork(line.Faults);
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders().AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace)
            .SetMinimumLevel(LogLevel.Error)        // each attempt that fails is a warning, and here they fail by the hundred
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);      // why the start failed is said by Program, in one line
        builder.Services.AddSingleton<INetwork>(network).AddSingleton(new CreateOrderOptions { Limit = line.Limit }).AddOrders(line.DataFolder, line.Choreography, line.Postgres);
        using IHost host = builder.Build();
        CancellationToken stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

        DateTimeOffset start = TimeProvider.System.GetUtcNow();
        await host.StartAsync(CancellationToken.None);      // from here on, orders that were in flight go on by themselves
        var tally = new Tally();
        IOrderRuns runs = line.Choreography is null
            ? ActivatorUtilities.CreateInstance<OrderRuns>(host.Services, tally)
            : ActivatorUtilities.CreateInstance<PlacedOrderRuns>(host.Services, tally);
        try
        {
            await TakeAllAsync(orders, runs, tally, network, start, line.Together, stopping);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            await host.StopAsync(CancellationToken.None);
            Console.WriteLine($"stopped: {tally.Ended} of {tally.Expected} orders are done; run the same command again, and it goes on");
            return Interrupted;
        }

        if (tally.Expected == 0)
        {
            await host.StopAsync(CancellationToken.None);
            Console.WriteLine($"{line.File} has no order, and {line.DataFolder} none in flight");
            return 0;
        }

        await network.IdleAsync();      // calls that arrive late may still change what the audit sees
        await host.StopAsync(CancellationToken.None);
        using var audit = new Audit(host.Services.GetRequiredService<DataFolder>());
        return Summary.Print(tally, audit, network.Counts) ? 0 : 1;
    }

    private static async Task TakeAllAsync(IReadOnlyList<Order> orders, IOrderRuns runs, Tally tally, FaultyNetwork network,
        DateTimeOffset start, int together, CancellationToken stopping)
    {
        IReadOnlyList<EarlierOrder> earlier = await runs.TakenBeforeAsync(start, stopping);
        int inFlight = earlier.Count(order => order.IsInFlight);
        if (earlier.Count > 0)
        {
            Console.WriteLine($"picked up {inFlight} {(inFlight == 1 ? "order" : "orders")} in flight; {earlier.Count - inFlight} were done before");
        }

        Console.WriteLine($"{orders.Count} orders to take. Kill this process whenever you like (kill -9 {Environment.ProcessId}), and start it again");
        tally.Expect(orders.Select(order => order.Id).Union(earlier.Select(order => order.Id)).Count());
        using var done = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        Task watching = Task.WhenAll(Progress.ShowAsync(tally, network, done.Token), runs.WatchAsync(done.Token));
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = together, CancellationToken = stopping };
        try
        {
            await Task.WhenAll(
                Parallel.ForEachAsync(earlier, parallel, (order, ct) => runs.FollowAsync(order.Id, ct)),
                Parallel.ForEachAsync(orders, parallel, runs.StartAsync));
            await runs.SettleAsync(stopping);
        }
        finally
        {
            await done.CancelAsync();
            await watching;
        }
    }
}
