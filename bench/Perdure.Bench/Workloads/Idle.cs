using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>Nodes that have nothing to do: what their leases, polls and timers cost.</summary>
internal static class Idle
{
    /// <summary>What is called once a second is compiled again after half a minute, and once more later.</summary>
    private static readonly TimeSpan Settling = TimeSpan.FromMinutes(3);

    public static Workload Workload { get; } = new("idle", "nodes with nothing to do for n seconds, after three minutes to settle", 30, MeasureAsync)
    {
        Options = ["--nodes"],
        Stores = ["postgres"],
    };

    private static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        await Task.Delay(Settling, cancellationToken);
        Meter meter = host.Meter(countsServer: false);
        TimeSpan server = host.ServerCpu;
        await Task.Delay(TimeSpan.FromSeconds(options.N), cancellationToken);
        Measured measured = meter.Read();
        server = host.ServerCpu - server;
        double seconds = measured.Elapsed.TotalSeconds;
        return new Report()
            .With("workload", options.Workload)
            .With("store", options.Store)
            .With("nodes", options.Nodes)
            .With("seconds", seconds, 1)
            .With("cpu_percent", measured.Cpu.TotalSeconds * 100 / seconds, 2)
            .With("server_cpu_percent", server.TotalSeconds * 100 / seconds, 2)
            .With("commits_per_second", measured.Commits / seconds, 1)
            .With("allocated_kb_per_second", measured.AllocatedBytes / 1024.0 / seconds, 1);
    }
}
