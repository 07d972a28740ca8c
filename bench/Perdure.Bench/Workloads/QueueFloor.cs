using System.Diagnostics;
using Perdure.Bench.Bare;
using Perdure.Bench.Runner;

namespace Perdure.Bench.Workloads;

/// <summary>No engine: per job one insert of 100 bytes and one delete, by a bare loop on one thread; each commit has so many of both as there are clients.</summary>
internal static class QueueFloor
{
    public static Workload Workload { get; } = new("queue-floor", "no engine: the rows that a job needs at the least, by a bare loop", 200_000, RunAsync)
    {
        Stores = ["sqlite", "postgres"],
    };

    private static async Task<Report> RunAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        if (options.Store == "postgres")
        {
            await using PostgresFloor bare = await PostgresFloor.StartAsync(dir, cancellationToken);
            await bare.RunJobsAsync(options.WarmUp, options.Clients, cancellationToken);
            Meter measuring = bare.Meter();
            Latencies measured = await bare.RunJobsAsync(options.N, options.Clients, cancellationToken);
            return Report.Of(options, options.N, measuring.Read(), measured, "synced before each answer");
        }

        using var file = new SqliteFile(dir.File("floor.db"));
        using var jobs = new FloorJobs(file);
        using SqliteStatement begin = file.Prepare("BEGIN IMMEDIATE");
        using SqliteStatement commit = file.Prepare("COMMIT");
        long last = 0;
        long commits = 0;
        Run(options.WarmUp);
        var meter = new Meter(() => commits);
        Latencies latencies = Run(options.N);
        return Report.Of(options, options.N, meter.Read(), latencies, "fsync per commit");

        Latencies Run(int n)
        {
            var measured = new Latencies();
            long first = last;
            for (long done = first; done < first + n;)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long started = Stopwatch.GetTimestamp();
                long at = DateTimeOffset.UtcNow.Ticks / TimeSpan.TicksPerMicrosecond;
                long before = last;
                begin.Run();
                while (done < before)
                {
                    jobs.Delete(++done);
                }

                for (int client = 0; client < options.Clients && last < first + n; client++)
                {
                    jobs.Insert(++last, at);
                }

                commit.Run();
                commits++;
                for (long job = before; job < last; job++)
                {
                    measured.AddSince(started);
                }
            }

            return measured;
        }
    }
}
