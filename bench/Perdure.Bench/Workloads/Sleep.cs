using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>A flow that sleeps so many milliseconds and returns when it was due.</summary>
internal sealed class Sleep : IFlow<int, DateTimeOffset>
{
    private const int MeasuredMs = 5_000;
    private const int WarmUpMs = 100;

    public static Workload Workload { get; } = new("timer", "flows that sleep 5 s; latency is how late the result comes", 20_000, MeasureAsync);

    public async Task<DateTimeOffset> RunAsync(int input, FlowContext flow)
    {
        DateTimeOffset due = flow.Now.AddMilliseconds(input);
        await flow.DelayUntil(due);
        return due;
    }

    private static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        IFlowClient<Sleep> flows = host.Client.Flow<Sleep>();
        await SleepAllAsync(flows, options.WarmUp, options.WarmUpClients, WarmUpMs, cancellationToken);
        Meter meter = host.Meter();
        Latencies lateness = await SleepAllAsync(flows, options.N, options.Clients, MeasuredMs, cancellationToken);
        return Report.Of(options, options.N, meter.Read(), lateness, host.Durability);
    }

    /// <summary>The clients start the flows, and all sleep side by side.</summary>
    private static async Task<Latencies> SleepAllAsync(IFlowClient<Sleep> flows, int n, int clients, int milliseconds, CancellationToken cancellationToken)
    {
        var lateness = new Latencies();
        var results = new Task[n];
        await ClosedLoop.RunAsync(n, clients, async number =>
        {
            FlowHandle<DateTimeOffset> run = await flows.StartAsync(milliseconds, cancellationToken: CancellationToken.None);
            results[number] = AwaitAsync(run);
        }, cancellationToken);
        await Task.WhenAll(results).WaitAsync(cancellationToken);
        return lateness;

        async Task AwaitAsync(FlowHandle<DateTimeOffset> run)
        {
            DateTimeOffset due = await run.ResultAsync(cancellationToken);
            lateness.Add(DateTimeOffset.UtcNow - due);
        }
    }
}
