using System.Diagnostics;
using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>The picture of one business transaction: n events, each but the first published by the handler of another one, as a binary tree.</summary>
internal static class Pictures
{
    private const string Subscription = "grow";
    private const int Reads = 200;

    public static Workload Workload { get; } = new("picture", "one business transaction of n events and their deliveries: read, then drawn in each way", 1_000, MeasureAsync)
    {
        Stores = ["sqlite", "memory"],
    };

    /// <summary>Adds what the workload needs; others are measured without.</summary>
    public static void Add(PerdureBuilder perdure, BenchOptions options)
    {
        if (options.Workload != Workload.Name)
        {
            return;
        }

        perdure.AddEvent<Leaf>(leaf => leaf.Number.ToString(System.Globalization.CultureInfo.InvariantCulture), topic: "leaves").Subscribe<Leaf>(Subscription, (leaf, job) =>
        {
            for (int next = (2 * leaf.Number) + 1; next <= Math.Min((2 * leaf.Number) + 2, options.N - 1); next++)
            {
                job.Publish(new Leaf(next));
            }

            return Task.CompletedTask;
        });
    }

    private static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        PublishedEvent first = await host.Client.PublishAsync(new Leaf(0), cancellationToken: cancellationToken);
        BusinessTransaction transaction = await host.Client.TransactionAsync(first.Id, cancellationToken);
        while (transaction.Entries.Count < 2 * options.N || !transaction.IsComplete)
        {
            await Task.Delay(20, cancellationToken);
            transaction = await host.Client.TransactionAsync(first.Id, cancellationToken);
        }

        long cold = Stopwatch.GetTimestamp();
        Draw(transaction, []);
        double firstDrawnMs = Stopwatch.GetElapsedTime(cold).TotalMilliseconds;
        Dictionary<string, Latencies> drawn = [];
        for (int i = 0; i < Reads / 2 && !options.Cold; i++)
        {
            Draw(await host.Client.TransactionAsync(first.Id, cancellationToken), []);
        }

        var reads = new Latencies();
        Meter meter = host.Meter();
        for (int i = 0; i < Reads; i++)
        {
            long asked = Stopwatch.GetTimestamp();
            transaction = await host.Client.TransactionAsync(first.Id, cancellationToken);
            reads.AddSince(asked);
            Draw(transaction, drawn);
        }

        Report report = Report.Of(options, options.N, meter.Read(), reads, host.Durability).With("entries", transaction.Entries.Count).With("first_drawn_ms", firstDrawnMs, 1);
        foreach ((string name, Latencies latencies) in drawn)
        {
            report.With($"{name}_p50_ms", latencies.PercentileMs(0.50), 3).With($"{name}_p99_ms", latencies.PercentileMs(0.99), 3);
        }

        return report;
    }

    private static void Draw(BusinessTransaction transaction, Dictionary<string, Latencies> drawn)
    {
        foreach ((string name, Func<string> draw) in (IEnumerable<(string, Func<string>)>)[("text", transaction.ToText), ("mermaid_sequence", transaction.ToMermaidSequence),
            ("mermaid_graph", transaction.ToMermaidGraph), ("sequence_svg", transaction.ToSequenceSvg), ("graph_svg", transaction.ToGraphSvg)])
        {
            drawn.TryAdd(name, new Latencies());
            long asked = Stopwatch.GetTimestamp();
            draw();
            drawn[name].AddSince(asked);
        }
    }

    private sealed record Leaf(int Number);
}
