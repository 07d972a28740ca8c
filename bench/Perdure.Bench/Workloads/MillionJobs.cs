using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>What waiting jobs cost: n of them wait in a paused queue, the host starts anew, and the queue is resumed.</summary>
internal static class MillionJobs
{
    private const int EachCall = 1_000;
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    public static async Task<Report> FillAsync(BenchOptions options, string dir, CancellationToken cancellationToken)
    {
        await using BenchHost host = await BenchHost.StartAsync(options, dir, cancellationToken);
        await Queue.Paused(host.Client).PauseAsync(cancellationToken);
        Meter meter = host.Meter();
        Latencies latencies = await ClosedLoop.RunAsync(
            (options.N + EachCall - 1) / EachCall, 1,
            call => host.Client.EnqueueManyAsync(Enumerable.Range(call * EachCall, Math.Min(EachCall, options.N - (call * EachCall))).Select(Queue.Job), new JobOptions { Queue = Queue.PausedName }, CancellationToken.None), cancellationToken);
        return Report.Of(options, options.N, meter.Read(), latencies, host.Durability);
    }

    public static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        await FillProcess.RunAsync("queue", options, dir, cancellationToken);
        double emptyMb = Meter.RssMb();
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        await Task.Delay(Settle, cancellationToken);
        double waitingMb = Meter.RssMb();

        // One job that goes before all others: from its enqueue to its handler.
        Meter meter = host.Meter();
        Latencies latencies = await Queue.FirstInLineAsync(host, cancellationToken);
        return Report.Of(options, options.N, meter.Read(), latencies, host.Durability)
            .With("rss_mb", waitingMb, 1)
            .With("rss_before_mb", emptyMb, 1)
            .With("ready_ms", host.Ready.TotalMilliseconds, 1);
    }
}
