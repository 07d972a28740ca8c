using Fulfilment.Participants;
using Perdure;

namespace Fulfilment.Payment;

/// <summary>Gives back what a request has collected, or may yet: the credit at once, the charge when the provider can be reached.</summary>
public sealed class RefundPayment(CustomerCredit credit, CardProvider cards, FulfilmentOptions options) : IFlow<RefundPaymentCommand>
{
    public async Task RunAsync(RefundPaymentCommand command, FlowContext flow)
    {
        await flow.Step(() => { credit.Restore(command.RequestId); return Task.CompletedTask; }, name: "RestoreCredit");
        await flow.Step(s => cards.RefundAsync(command.RequestId, s), retry: options.Patient, name: "Refund");
    }
}
