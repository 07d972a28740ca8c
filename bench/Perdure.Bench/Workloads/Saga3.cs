using Perdure.Bench.Bare;
using Perdure.Bench.Runner;
using Perdure.Bench.Stores;

namespace Perdure.Bench.Workloads;

/// <summary>Three durable steps one after another.</summary>
internal sealed class Saga3 : IFlow<Order, OrderOutcome>
{
    public static Workload Workload { get; } = new("saga3", "three durable steps one after another, start to result", 20_000, MeasureAsync)
    {
        Options = ["--bare-commit", "--nodes"],
    };

    public async Task<OrderOutcome> RunAsync(Order input, FlowContext flow)
    {
        await flow.Step(() => OrderServices.CreateTicketAsync(input));
        await flow.Step(() => OrderServices.AuthorizeCardAsync(input));
        await flow.Step(() => OrderServices.ApproveOrderAsync(input));
        return new OrderOutcome(input.OrderId, "approved");
    }

    /// <summary>What a client does for each number: a flow from its start to its result, on one node after the other.</summary>
    public static Func<int, Task> Asking(BenchHost host)
    {
        IFlowClient<Saga3>[] nodes = [.. host.Clients.Select(c => c.Flow<Saga3>())];
        return async number => OrderServices.Check(await nodes[number % nodes.Length].RunAsync(OrderServices.OrderOf(number), cancellationToken: CancellationToken.None), number, "approved");
    }

    private static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        using BareCommits? bare = options.BareCommit ? new BareCommits(dir) : null;
        bare?.Measure(cancellationToken);
        Report report = await EngineRun.MeasureAsync(options, dir, Asking, cancellationToken);
        bare?.Measure(cancellationToken);
        return bare is null
            ? report
            : report.With("bare_commit_ms", bare.MedianMs, 3).With("p50_in_bare_commits", report.P50Ms / bare.MedianMs, 2);
    }
}
