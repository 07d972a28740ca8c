using Perdure.Bench.Runner;

namespace Perdure.Bench.Workloads;

/// <summary>Two steps, a third that is rejected, and two undos in reverse.</summary>
internal sealed class Compensate : IFlow<Order, OrderOutcome>
{
    public static Workload Workload { get; } = new("compensate", "as saga3, but the third step is rejected and two undos run", 20_000, MeasureAsync);

    public async Task<OrderOutcome> RunAsync(Order input, FlowContext flow)
    {
        try
        {
            await flow.Step(() => OrderServices.CreateTicketAsync(input), undo: ticket => OrderServices.RejectTicketAsync(ticket.Id));
            await flow.Step(() => OrderServices.AuthorizeCardAsync(input), undo: card => OrderServices.ReverseAuthorizationAsync(card.Id));
            await flow.Step(() => OrderServices.RefuseOrderAsync(input));
            return new OrderOutcome(input.OrderId, "approved");
        }
        catch (RejectedException)
        {
            await flow.Undo();
            return new OrderOutcome(input.OrderId, "rejected");
        }
    }

    private static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        return await EngineRun.MeasureAsync(options, dir, host =>
        {
            IFlowClient<Compensate> compensate = host.Client.Flow<Compensate>();
            return async number => OrderServices.Check(await compensate.RunAsync(OrderServices.OrderOf(number), cancellationToken: CancellationToken.None), number, "rejected");
        }, cancellationToken);
    }
}
