using System.Diagnostics;
using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>Events to three subscriptions: as many publishers as clients, each event durable before the next, and no-op handlers, as many at once as clients.</summary>
internal static class Publish
{
    private static readonly string[] Subscriptions = ["first", "second", "third"];
    private static readonly string Padding = new('x', 78);
    private static long _handled;

    public static Workload Workload { get; } = new("publish", "events of 100 bytes to three subscriptions; per_second counts deliveries, latency is that of publishing", 50_000, MeasureAsync);

    /// <summary>The bench's subscriptions, for the host.</summary>
    public static void Add(PerdureBuilder perdure, BenchOptions options)
    {
        perdure.AddEvent<Happened>(topic: "bench");
        foreach (string subscription in Subscriptions)
        {
            perdure.AddQueue(subscription, q => q.Concurrency = options.Clients).Subscribe<Happened>(subscription, static (_, _) =>
            {
                Interlocked.Increment(ref _handled);
                return Task.CompletedTask;
            });
        }
    }

    private static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        if (options.WarmUp > 0)
        {
            await RunAsync(host, options.WarmUp, options.WarmUpClients, cancellationToken);
        }

        Meter meter = host.Meter();
        Latencies latencies = await RunAsync(host, options.N, options.Clients, cancellationToken);
        return Report.Of(options, options.N * Subscriptions.Length, meter.Read(), latencies, host.Durability);
    }

    private static async Task<Latencies> RunAsync(BenchHost host, int n, int clients, CancellationToken cancellationToken)
    {
        Interlocked.Exchange(ref _handled, 0);
        Latencies latencies = await ClosedLoop.RunAsync(n, clients, number => host.Client.PublishAsync(new Happened(number, Padding), cancellationToken: CancellationToken.None), cancellationToken);
        await DoneAsync(host, (long)n * Subscriptions.Length, cancellationToken);
        return latencies;
    }

    /// <summary>Waits until all were handled, and every cursor is at the end of the log.</summary>
    private static async Task DoneAsync(BenchHost host, long deliveries, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        while (Interlocked.Read(ref _handled) < deliveries || await LagAsync(host, cancellationToken) > 0)
        {
            await Task.Delay(1, cancellationToken);
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromMinutes(5))
            {
                throw new InvalidOperationException($"{Interlocked.Read(ref _handled)} of {deliveries} deliveries were handled, and no more");
            }
        }
    }

    private static async Task<long> LagAsync(BenchHost host, CancellationToken cancellationToken)
    {
        long lag = 0;
        foreach (string subscription in Subscriptions)
        {
            lag += (await host.Client.Subscription(subscription).DescribeAsync(cancellationToken)).Lag;
        }

        return lag;
    }
}

/// <summary>Something that happened.</summary>
internal sealed record Happened(int Number, string Padding);
