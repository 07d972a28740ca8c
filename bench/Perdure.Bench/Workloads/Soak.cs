using System.Diagnostics;
using System.Globalization;
using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>Flows and jobs for minutes on PostgreSQL: whether the rate and the tables that are written over and over stay level.</summary>
/// <remarks>
/// Each client runs a flow of three steps and leaves a job, and so on. Tables whose rows come and go must not grow; those that keep what was done
/// (flows, histories) may, by the same for each flow. Sizes are judged, and a run in which they are not level fails; the rate depends on who else uses the machine.
/// </remarks>
internal static class Soak
{
    private const string ComeAndGo = "'shard', 'inbox', 'job', 'backoff', 'memo', 'event_wait', 'delivery', 'node'";
    private const int Parts = 10;

    public static Workload Workload { get; } = new("soak", "flows of three steps and jobs for n seconds: rate and size of the tables, by tenths of the time", 600, MeasureAsync)
    {
        Stores = ["postgres"],
        Options = ["--nodes"],
    };

    private static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        Func<int, Task> saga3 = Saga3.Asking(host);
        await EngineRun.WarmUpAsync(options, options.WarmUp, n => ClosedLoop.RunAsync(n, options.WarmUpClients, AskAsync, cancellationToken));
        List<Part> parts = [];
        for (int part = 0; part < Parts; part++)
        {
            parts.Add(await MeasureAsync(TimeSpan.FromSeconds((double)options.N / Parts), options.Clients));
            await Console.Error.WriteLineAsync(parts[^1].ToString());
        }

        MustBeLevel("the tables whose rows come and go, in MB", parts.ConvertAll(p => p.ComeAndGoMb), slack: 8);
        MustBeLevel("what a flow leaves, in bytes", parts.ConvertAll(p => p.KeptBytesEach), slack: 0);
        return new Report()
            .With("workload", options.Workload)
            .With("store", options.Store)
            .With("clients", options.Clients)
            .With("seconds", options.N)
            .With("per_second", parts.ConvertAll(p => Math.Round(p.PerSecond)))
            .With("come_and_go_mb", parts.ConvertAll(p => Math.Round(p.ComeAndGoMb, 1)))
            .With("kept_bytes_each", parts.ConvertAll(p => Math.Round(p.KeptBytesEach)));

        async Task AskAsync(int number)
        {
            await saga3(number);
            await Queue.EnqueueAsync(host.Clients[number % host.Clients.Count], number, hasKey: false, Queue.Name);
        }

        async Task<Part> MeasureAsync(TimeSpan time, int clients)
        {
            long kept = Kept(host);
            long started = Stopwatch.GetTimestamp();
            int done = 0;
            await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Task.Run(ClientAsync, cancellationToken)));
            return new Part(done / Stopwatch.GetElapsedTime(started).TotalSeconds, host.AskServer(Size($"relname IN ({ComeAndGo})")) / 1048576.0, (Kept(host) - kept) / (double)done);

            async Task ClientAsync()
            {
                while (Stopwatch.GetElapsedTime(started) < time && !cancellationToken.IsCancellationRequested)
                {
                    await AskAsync(Interlocked.Increment(ref done));
                }
            }
        }
    }

    /// <summary>The last third is at most half as much again as the third before it.</summary>
    private static void MustBeLevel(string what, List<double> sizes, double slack)
    {
        double before = sizes[(Parts / 3)..(Parts * 2 / 3)].Max();
        double last = sizes[(Parts * 2 / 3)..].Max();
        if (last > (before * 1.5) + slack)
        {
            throw new InvalidOperationException($"{what}: {string.Join(", ", sizes.Select(s => s.ToString("0.#", CultureInfo.InvariantCulture)))}, which is not level");
        }
    }

    private static long Kept(BenchHost host) => host.AskServer(Size("relname IN ('flow', 'history')"));

    /// <summary>What tables of the store take on disk, with their indexes.</summary>
    private static string Size(string which)
        => $"SELECT coalesce(sum(pg_total_relation_size(oid)), 0) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'perdure'::regnamespace AND {which}";

    /// <param name="PerSecond">Flows, and as many jobs.</param>
    /// <param name="ComeAndGoMb">The tables whose rows come and go.</param>
    /// <param name="KeptBytesEach">What a flow leaves.</param>
    private sealed record Part(double PerSecond, double ComeAndGoMb, double KeptBytesEach);
}
