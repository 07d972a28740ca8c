using Perdure;

namespace Fulfilment.Ordering;

/// <summary>A request that Order waits for no more.</summary>
public sealed record GivenUp(string RequestId, string RefId);

/// <summary>Waits for the reply that came too late for its order, and answers it with the matching undo. Its result is what came, and null if nothing did.</summary>
/// <remarks>An event goes to one flow: either the order had the reply in time, or it comes here.</remarks>
public sealed class AnswerLateReply(FulfilmentOptions options) : IFlow<GivenUp, string?>
{
    public static void Register(PerdureBuilder perdure) => perdure.AddFlow<AnswerLateReply>(flow => flow
        .Awaits<PaymentReceivedEvent>().Awaits<PaymentFailedEvent>().Awaits<PaymentCancelledEvent>().Publishes<RefundPaymentCommand>()
        .Awaits<GoodsFetchedEvent>().Awaits<GoodsNotFetchedEvent>().Publishes<PutBackGoodsCommand>()
        .Awaits<GoodsShippedEvent>().Awaits<GoodsNotShippedEvent>().Publishes<RecallShipmentCommand>());

    public async Task<string?> RunAsync(GivenUp request, FlowContext flow)
    {
        IReply? late = await flow.First(
            Reply<PaymentReceivedEvent>, Reply<PaymentFailedEvent>, Reply<PaymentCancelledEvent>,
            Reply<GoodsFetchedEvent>, Reply<GoodsNotFetchedEvent>,
            Reply<GoodsShippedEvent>, Reply<GoodsNotShippedEvent>);
        ICommand? undo = late switch
        {
            PaymentReceivedEvent => new RefundPaymentCommand(request.RequestId, request.RefId),
            GoodsFetchedEvent => new PutBackGoodsCommand(request.RequestId, request.RefId),
            GoodsShippedEvent => new RecallShipmentCommand(request.RequestId, request.RefId),
            _ => null, // nothing was done
        };
        if (undo is not null)
        {
            flow.Log.LogWarning("{Reply} came too late for order {Order}: {Undo} goes out", late!.GetType().Name, request.RefId, undo.GetType().Name);
            flow.Publish(undo);
        }

        return late?.GetType().Name;

        async Task<IReply?> Reply<TReply>()
            where TReply : IReply
            => (await flow.TryEvent<TReply>(request.RequestId, options.Limits.LateReply)).TryGet(out TReply? reply) ? reply : null;
    }
}
