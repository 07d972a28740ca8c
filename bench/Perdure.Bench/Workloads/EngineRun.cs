using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>What the closed-loop workloads share: a host, a warm-up, and the measured run.</summary>
internal static class EngineRun
{
    /// <param name="options">The command line.</param>
    /// <param name="dir">Where the store goes.</param>
    /// <param name="asking">Makes what a client does for each number.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    public static async Task<Report> MeasureAsync(BenchOptions options, TempDir dir, Func<BenchHost, Func<int, Task>> asking, CancellationToken cancellationToken)
    {
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        Func<int, Task> ask = asking(host);
        await ClosedLoop.RunAsync(options.WarmUp, options.WarmUpClients, ask, cancellationToken);
        Meter meter = host.Meter();
        Latencies latencies = await ClosedLoop.RunAsync(options.N, options.Clients, ask, cancellationToken);
        return Report.Of(options, options.N, meter.Read(), latencies, host.Durability);
    }
}
