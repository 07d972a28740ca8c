using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>What waiting jobs cost: n of them wait in a paused queue, the host starts anew, and the queue is resumed.</summary>
internal static class MillionJobs
{
    private const int EachCall = 1_000;
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    public static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        await using (BenchHost filling = await BenchHost.StartAsync(options, dir.Path, cancellationToken))
        {
            await Queue.Paused(filling.Client).PauseAsync(cancellationToken);
            for (int i = 0; i < options.N; i += EachCall)
            {
                int from = i;
                await filling.Client.EnqueueManyAsync(Enumerable.Range(from, Math.Min(EachCall, options.N - from)).Select(Queue.Job), new JobOptions { Queue = Queue.PausedName }, cancellationToken);
            }
        }

        GC.Collect();
        double emptyMb = Meter.RssMb();
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        GC.Collect();
        await Task.Delay(Settle, cancellationToken);
        double waitingMb = Meter.RssMb();
        long managed = GC.GetTotalMemory(forceFullCollection: true);

        // One job that goes before all others: from its enqueue to its handler.
        Meter meter = host.Meter();
        Latencies latencies = await Queue.FirstInLineAsync(host, cancellationToken);
        return Report.Of(options, options.N, meter.Read(), latencies, host.Durability)
            .With("rss_mb", waitingMb, 1)
            .With("rss_before_mb", emptyMb, 1)
            .With("managed_mb", managed / 1048576.0, 1)
            .With("ready_ms", host.Ready.TotalMilliseconds, 1);
    }
}
