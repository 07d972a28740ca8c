using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>A flow that starts, waits for a signal, and returns what it brought.</summary>
internal sealed class WaitForSignal : IFlow<int, int>
{
    public const string SignalName = "go";

    private static readonly TimeSpan Limit = TimeSpan.FromDays(30);

    public static Workload Workload { get; } = new("signal", "flows that wait for a signal: memory while all wait, then signal to result", 20_000, MeasureAsync)
    {
        Options = ["--hold", "--fill"],
    };

    public Task<int> RunAsync(int input, FlowContext flow) => flow.Signal<int>(SignalName, Limit);

    public static string IdOf(int number) => $"wait-{number}";

    /// <summary>Signals a flow that waits, and awaits its result.</summary>
    public static async Task WakeAsync(IFlowClient<WaitForSignal> flows, string id, int number)
    {
        FlowHandle<int> run = flows.Get(id);
        await run.SignalAsync(number, SignalName);
        int result = await run.ResultAsync();
        if (result != number)
        {
            throw new InvalidOperationException($"{id} should return {number}, but returned {result}");
        }
    }

    /// <summary>Starts n flows; a start is answered once it is durable, and then the flow waits.</summary>
    public static Task<Latencies> StartAllAsync(IFlowClient<WaitForSignal> flows, int n, int clients, CancellationToken cancellationToken)
        => ClosedLoop.RunAsync(n, clients, number => flows.StartAsync(number, IdOf(number), cancellationToken: CancellationToken.None), cancellationToken);

    private static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        if (options.Hold)
        {
            return await MillionWaiting.MeasureAsync(options, cancellationToken);
        }

        if (options.Fill is not null)
        {
            return await MillionWaiting.FillAsync(options, options.Fill, cancellationToken);
        }

        using TempDir dir = TempDir.Make(options.Dir);
        await using BenchHost host = await BenchHost.StartAsync(options, dir.Path, cancellationToken);
        IFlowClient<WaitForSignal> flows = host.Client.Flow<WaitForSignal>();
        await ClosedLoop.RunAsync(options.WarmUp, options.WarmUpClients, async number =>
        {
            string id = $"warm-up-{number}";
            await flows.StartAsync(number, id, cancellationToken: CancellationToken.None);
            await WakeAsync(flows, id, number);
        }, cancellationToken);

        await StartAllAsync(flows, options.N, options.Clients, cancellationToken);
        double waitingMb = Meter.RssMb();
        Meter meter = host.Meter();
        Latencies latencies = await ClosedLoop.RunAsync(options.N, options.Clients, number => WakeAsync(flows, IdOf(number), number), cancellationToken);
        return Report.Of(options, options.N, meter.Read(), latencies, host.Durability)
            .With("rss_mb", waitingMb, 1)
            .With("rss_peak_mb", Meter.PeakRssMb(), 1);
    }
}
