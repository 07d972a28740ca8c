using Orders.Report;
using Orders.Services;
using Perdure;

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
        builder.Services.AddSingleton<INetwork>(network).AddSingleton(new CreateOrderOptions { Limit = line.Limit }).AddOrders(line.DataFolder);
        using IHost host = builder.Build();
        CancellationToken stopping = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;

        DateTimeOffset start = TimeProvider.System.GetUtcNow();
        await host.StartAsync(CancellationToken.None);      // from here on, orders that were in flight go on by themselves
        var tally = new Tally();
        try
        {
            await TakeAllAsync(orders, host.Services.GetRequiredService<PerdureClient>(), tally, network, start, line.Together, stopping);
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

    private static async Task TakeAllAsync(IReadOnlyList<Order> orders, PerdureClient perdure, Tally tally, FaultyNetwork network,
        DateTimeOffset start, int together, CancellationToken stopping)
    {
        var runs = new OrderRuns(perdure, tally);
        List<FlowInfo> earlier = await runs.StartedBeforeAsync(start, stopping);
        int inFlight = earlier.Count(run => run.EndedAt is null || run.EndedAt >= start);
        if (earlier.Count > 0)
        {
            Console.WriteLine($"picked up {inFlight} {(inFlight == 1 ? "order" : "orders")} in flight; {earlier.Count - inFlight} were done before");
        }

        Console.WriteLine($"{orders.Count} orders to take. Kill this process whenever you like (kill -9 {Environment.ProcessId}), and start it again");
        tally.Expect(orders.Select(order => order.Id).Union(earlier.Select(run => run.Id)).Count());
        using var done = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        Task watching = Task.WhenAll(Progress.ShowAsync(tally, network, done.Token), runs.WatchForStuckAsync(done.Token));
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = together, CancellationToken = stopping };
        try
        {
            await Task.WhenAll(
                Parallel.ForEachAsync(earlier, parallel, (run, ct) => runs.FollowAsync(run.Id, ct)),
                Parallel.ForEachAsync(orders, parallel, runs.StartAsync));
        }
        finally
        {
            await done.CancelAsync();
            await watching;
        }
    }
}
