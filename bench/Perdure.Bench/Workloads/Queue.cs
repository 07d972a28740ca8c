using System.Diagnostics;
using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>Jobs through a queue: as many enqueuers as clients, each enqueue durable before the next, and no-op handlers, as many at once as clients.</summary>
internal static class Queue
{
    public const string Name = "bench";
    public const string PausedName = "paused";
    private const int Keys = 100;
    private const int SettleRound = 30_000;

    private static readonly string Padding = new('x', 78);
    private static long _handled;
    private static TaskCompletionSource? _firstDone;

    public static Workload Workload { get; } = new("queue", "jobs of 100 bytes: enqueue, handle, done; latency is that of the enqueue", 50_000, MeasureAsync)
    {
        Options = ["--limits", "--hold", "--fill", "--only-enqueue"],
    };

    /// <summary>The bench's queues, for the host.</summary>
    public static void Add(PerdureBuilder perdure, BenchOptions options) => perdure
        .AddQueue(Name, q =>
        {
            q.Concurrency = options.Clients;
            if (options.Limits)
            {
                q.Rate = new Rate(1_000_000, TimeSpan.FromSeconds(1)) { Burst = 1_000_000 };
                q.ConcurrencyPerKey = options.Clients;
                q.RatePerKey = new Rate(1_000_000, TimeSpan.FromSeconds(1)) { Burst = 1_000_000 };
                q.FairKeys = true;
            }
        })
        .AddQueue(PausedName, q =>
        {
            q.Concurrency = 1;
            q.BacklogMax = int.MaxValue;
        })
        .AddHandler<Delivery>(Name, static (_, _) =>
        {
            Interlocked.Increment(ref _handled);
            return Task.CompletedTask;
        })
        .AddHandler<Delivery>(PausedName, static (_, context) =>
        {
            _firstDone?.TrySetResult();
            return Task.Delay(Timeout.Infinite, context);
        });

    private static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        if (options.Hold)
        {
            return await MillionJobs.MeasureAsync(options, cancellationToken);
        }

        if (options.Fill is not null)
        {
            return await MillionJobs.FillAsync(options, options.Fill, cancellationToken);
        }

        using TempDir dir = TempDir.Make(options.Dir);
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        await EngineRun.WarmUpAsync(options, SettleRound, n => RunAsync(host, options, n, options.WarmUpClients, paused: false, cancellationToken));
        if (options.OnlyEnqueue)
        {
            await host.Client.Queue(Name).PauseAsync(cancellationToken);
        }

        Meter meter = host.Meter();
        Latencies latencies = await RunAsync(host, options, options.N, options.Clients, options.OnlyEnqueue, cancellationToken);
        return Report.Of(options, options.N, meter.Read(), latencies, host.Durability);
    }

    private static async Task<Latencies> RunAsync(BenchHost host, BenchOptions options, int n, int clients, bool paused, CancellationToken cancellationToken)
    {
        Interlocked.Exchange(ref _handled, 0);
        Latencies latencies = await ClosedLoop.RunAsync(n, clients, number => EnqueueAsync(host.Client, number, options.Limits, Name), cancellationToken);
        if (!paused)
        {
            await DoneAsync(host, n, cancellationToken);
        }

        return latencies;
    }

    public static Task EnqueueAsync(PerdureClient client, int number, bool hasKey, string? queue = null)
        => client.EnqueueAsync(new Delivery(number, Padding), new JobOptions { Queue = queue ?? PausedName, Key = hasKey ? $"key {number % Keys}" : null }, CancellationToken.None);

    public static IJob Job(int number) => new Delivery(number, Padding);

    /// <summary>Resumes the queue where all wait: from the call to the first job's handler.</summary>
    public static async Task<Latencies> FirstInLineAsync(BenchHost host, CancellationToken cancellationToken)
    {
        var latencies = new Latencies();
        _firstDone = new(TaskCreationOptions.RunContinuationsAsynchronously);
        long started = Stopwatch.GetTimestamp();
        await Paused(host.Client).ResumeAsync(cancellationToken);
        await _firstDone.Task.WaitAsync(TimeSpan.FromMinutes(1), cancellationToken);
        latencies.AddSince(started);
        return latencies;
    }

    public static QueueHandle Paused(PerdureClient client) => client.Queue(PausedName);

    /// <summary>Waits until all were handled, and no row of them is left.</summary>
    private static async Task DoneAsync(BenchHost host, int n, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        while (Interlocked.Read(ref _handled) < n || await host.Store.ListJobsAsync(new JobFilter { Limit = 1 }, cancellationToken).AnyAsync(cancellationToken))
        {
            await Task.Delay(1, cancellationToken);
            if (Stopwatch.GetElapsedTime(started) > TimeSpan.FromMinutes(5))
            {
                throw new InvalidOperationException($"{Interlocked.Read(ref _handled)} of {n} jobs were handled, and no more");
            }
        }
    }
}

/// <summary>Something to be delivered.</summary>
internal sealed record Delivery(int Number, string Padding) : IJob;
