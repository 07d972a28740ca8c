using System.Diagnostics;
using Perdure.Bench.Bare;
using Perdure.Bench.Runner;

namespace Perdure.Bench.Workloads;

/// <summary>
/// No engine: per flow one insert, three history rows and one update of 100-byte payloads, by a bare loop on one thread. Every client
/// has a flow under way, and every commit takes one input of each: a quarter of them start, a quarter end.
/// </summary>
internal sealed class Floor(FloorTables tables, SqliteStatement begin, SqliteStatement commit, int clients)
{
    private const int Steps = 3;

    private readonly Flow[] _flows = [.. Enumerable.Range(0, clients).Select(_ => new Flow())];
    private long _commits;

    public static Workload Workload { get; } = new("floor", "no engine: the rows that a saga3 flow needs at the least, by a bare loop", 100_000, RunAsync)
    {
        Stores = ["sqlite", "postgres"],
    };

    private static async Task<Report> RunAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        if (options.Store == "postgres")
        {
            await using PostgresFloor bare = await PostgresFloor.StartAsync(dir, cancellationToken);
            await bare.RunFlowsAsync(options.WarmUp, options.Clients, cancellationToken);
            Meter measuring = bare.Meter();
            Latencies measured = await bare.RunFlowsAsync(options.N, options.Clients, cancellationToken);
            return Report.Of(options, options.N, measuring.Read(), measured, "synced before each answer");
        }

        using var file = new SqliteFile(dir.File("floor.db"));
        using var tables = new FloorTables(file);
        using SqliteStatement begin = file.Prepare("BEGIN IMMEDIATE");
        using SqliteStatement commit = file.Prepare("COMMIT");
        var floor = new Floor(tables, begin, commit, options.Clients);
        if (options.WarmUp > 0)
        {
            floor.Run(options.WarmUp, cancellationToken);
        }

        var meter = new Meter(() => floor._commits);
        Latencies latencies = floor.Run(options.N, cancellationToken);
        return Report.Of(options, options.N, meter.Read(), latencies, "fsync per commit");
    }

    private Latencies Run(int n, CancellationToken cancellationToken)
    {
        var latencies = new Latencies();
        int started = 0;
        int ended = 0;
        for (int round = 0; ended < n; round++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long roundStarted = Stopwatch.GetTimestamp();
            long at = DateTimeOffset.UtcNow.Ticks / TimeSpan.TicksPerMicrosecond;
            begin.Run();
            for (int client = 0; client < _flows.Length; client++)
            {
                Flow flow = _flows[client];
                if (flow.Step > 0)
                {
                    flow.Advance(tables, at);
                }
                else if (started < n && round >= client % (Steps + 1))
                {
                    started++;
                    flow.Start(tables, at, roundStarted);
                }
            }

            commit.Run();
            _commits++;
            ended += CountEnded(latencies);
        }

        return latencies;
    }

    private int CountEnded(Latencies latencies)
    {
        int ended = 0;
        foreach (Flow flow in _flows.Where(f => f.Step > Steps))
        {
            latencies.AddSince(flow.Started);
            flow.Step = 0;
            ended++;
        }

        return ended;
    }

    private sealed class Flow
    {
        private long _run;

        /// <summary>The step whose outcome comes next; 0 when there is no flow.</summary>
        public int Step { get; set; }

        public long Started { get; private set; }

        public void Start(FloorTables tables, long at, long started)
        {
            _run = tables.InsertFlow(at);
            Started = started;
            Step = 1;
        }

        public void Advance(FloorTables tables, long at)
        {
            tables.InsertHistory(_run, Step, at);
            if (Step++ == Steps)
            {
                tables.EndFlow(_run, at);
            }
        }
    }
}
