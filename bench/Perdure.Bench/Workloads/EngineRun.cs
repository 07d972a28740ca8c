using System.Runtime;
using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>What the closed-loop workloads share: a host, a warm-up, and the measured run.</summary>
internal static class EngineRun
{
    private const int SettleRound = 5_000;
    private const int SettleRoundsMax = 30;
    private const int SettledMethodsMax = 5;

    /// <param name="options">The command line.</param>
    /// <param name="dir">Where the store goes.</param>
    /// <param name="asking">Makes what a client does for each number.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    public static async Task<Report> MeasureAsync(BenchOptions options, TempDir dir, Func<BenchHost, Func<int, Task>> asking, CancellationToken cancellationToken)
    {
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        Func<int, Task> ask = asking(host);
        await WarmUpAsync(options, ask, cancellationToken);
        Meter meter = host.Meter();
        Latencies latencies = await ClosedLoop.RunAsync(options.N, options.Clients, ask, cancellationToken);
        return Report.Of(options, options.N, meter.Read(), latencies, host.Durability);
    }

    /// <summary>Warms up, and goes on until the JIT has settled: on two busy cores its last tier comes long after ten thousand flows.</summary>
    private static async Task WarmUpAsync(BenchOptions options, Func<int, Task> ask, CancellationToken cancellationToken)
    {
        await ClosedLoop.RunAsync(options.WarmUp, options.WarmUpClients, ask, cancellationToken);
        for (int round = 0; options.WarmUp > 0 && round < SettleRoundsMax; round++)
        {
            long compiled = JitInfo.GetCompiledMethodCount();
            await ClosedLoop.RunAsync(SettleRound, options.WarmUpClients, ask, cancellationToken);
            if (JitInfo.GetCompiledMethodCount() - compiled <= SettledMethodsMax)
            {
                return;
            }
        }
    }
}
