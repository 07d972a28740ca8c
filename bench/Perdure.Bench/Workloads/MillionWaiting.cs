using System.Text.Json;
using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>
/// What waiting flows cost a node that did not start them: one process starts them all and ends, another opens the store, and then
/// wakes some, one at a time, each from disk.
/// </summary>
internal static class MillionWaiting
{
    private const int WakesMax = 1_000;
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1);

    public static async Task<Report> FillAsync(BenchOptions options, string dir, CancellationToken cancellationToken)
    {
        await using BenchHost host = await BenchHost.StartAsync(options, dir, cancellationToken);
        Meter meter = host.Meter();
        Latencies latencies = await WaitForSignal.StartAllAsync(host.Client.Flow<WaitForSignal>(), options.N, options.Clients, cancellationToken);
        return Report.Of(options, options.N, meter.Read(), latencies, host.Durability);
    }

    public static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        if (options.Store == "memory")
        {
            throw new BadArgumentException("--hold: the store must outlive a process; use --store sqlite");
        }

        using TempDir dir = TempDir.Make(options.Dir);
        JsonElement fill = await FillProcess.RunAsync("signal", options, dir, cancellationToken);

        double emptyMb = Meter.RssMb();
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        await Task.Delay(Settle, cancellationToken);
        double waitingMb = Meter.RssMb();

        // Numbers far apart, each once: no flow is in memory, and no page twice in a row.
        int wakes = Math.Min(WakesMax, options.N / 2);
        int stride = options.N / (wakes + 1);
        IFlowClient<WaitForSignal> flows = host.Client.Flow<WaitForSignal>();
        Latencies first = await ClosedLoop.RunAsync(1, 1, _ => WakeAsync(0), cancellationToken);
        Meter meter = host.Meter();
        Latencies latencies = await ClosedLoop.RunAsync(wakes, 1, i => WakeAsync((i + 1) * stride), cancellationToken);
        return Report.Of(options with { Clients = 1 }, wakes, meter.Read(), latencies, host.Durability)
            .With("n", options.N)
            .With("rss_mb", waitingMb, 1)
            .With("rss_peak_mb", Meter.PeakRssMb(), 1)
            .With("rss_before_mb", emptyMb, 1)
            .With("wakes", wakes)
            .With("ready_ms", host.Ready.TotalMilliseconds, 1)
            .With("first_wake_ms", first.PercentileMs(0.5), 3)
            .With("fill_per_second", fill.GetProperty("per_second").GetDouble(), 1)
            .With("fill_cpu_seconds", fill.GetProperty("cpu_seconds").GetDouble(), 3)
            .With("fill_rss_mb", fill.GetProperty("rss_mb").GetDouble(), 1);

        Task WakeAsync(int number) => WaitForSignal.WakeAsync(flows, WaitForSignal.IdOf(number), number);
    }
}
