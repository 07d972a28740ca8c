using System.Diagnostics;
using System.Runtime;
using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>What the closed-loop workloads share: a host, a warm-up, and the measured run.</summary>
internal static class EngineRun
{
    private const int SettleRound = 5_000;
    private const int SettleRoundsMax = 100;
    private const int SettledMethodsMax = 5;

    /// <summary>How long it must have been quiet: between two tiers the JIT waits for a while, and on busy cores for longer.</summary>
    private static readonly TimeSpan SettledFor = TimeSpan.FromSeconds(1);

    /// <param name="options">The command line.</param>
    /// <param name="dir">Where the store goes.</param>
    /// <param name="asking">Makes what a client does for each number.</param>
    /// <param name="cancellationToken">Stops the run.</param>
    public static async Task<Report> MeasureAsync(BenchOptions options, TempDir dir, Func<BenchHost, Func<int, Task>> asking, CancellationToken cancellationToken)
    {
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        Func<int, Task> ask = asking(host);
        await WarmUpAsync(options, SettleRound, n => ClosedLoop.RunAsync(n, options.WarmUpClients, ask, cancellationToken));
        Meter meter = host.Meter();
        Latencies latencies = await ClosedLoop.RunAsync(options.N, options.Clients, ask, cancellationToken);
        return Report.Of(options, options.N, meter.Read(), latencies, host.Durability);
    }

    /// <summary>Warms up, and goes on until the JIT has settled: on two busy cores its last tier comes long after ten thousand flows.</summary>
    /// <param name="options">The command line.</param>
    /// <param name="settleRound">How many to run between two looks at the JIT; they take a while, since it compiles its next tier a tenth of a second after the last.</param>
    /// <param name="run">Runs so many.</param>
    public static async Task WarmUpAsync(BenchOptions options, int settleRound, Func<int, Task> run)
    {
        if (options.WarmUp > 0)
        {
            await run(options.WarmUp);
        }

        long quietSince = Stopwatch.GetTimestamp();
        for (int round = 0; options.WarmUp > 0 && round < SettleRoundsMax && Stopwatch.GetElapsedTime(quietSince) < SettledFor; round++)
        {
            long compiled = JitInfo.GetCompiledMethodCount();
            await run(settleRound);
            if (JitInfo.GetCompiledMethodCount() - compiled > SettledMethodsMax)
            {
                quietSince = Stopwatch.GetTimestamp();
            }
        }
    }
}
