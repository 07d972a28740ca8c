using Perdure;

namespace Fulfilment.Payment;

/// <summary>Answers a command with an event, days later if it takes days.</summary>
public sealed class RetrievePayment(Collecting collecting) : IFlow<RetrievePaymentCommand>
{
    public async Task RunAsync(RetrievePaymentCommand command, FlowContext flow)
    {
        try
        {
            await collecting.CollectAsync(new Due(command.RequestId, command.RefId, command.Amount, command.Customer, command.Card), flow);
            flow.Publish(new PaymentReceivedEvent(command.RequestId, command.RefId));
        }
        catch (PerdureException no)
        {
            flow.Publish(new PaymentFailedEvent(command.RequestId, command.RefId, Collecting.Reason(no)));
        }
    }
}

/// <summary>Answers a job with its result.</summary>
public sealed class DoRetrievePayment(Collecting collecting) : IFlow<RetrievePaymentCommand, PaymentReceivedEvent>
{
    public async Task<PaymentReceivedEvent> RunAsync(RetrievePaymentCommand command, FlowContext flow)
    {
        try
        {
            await collecting.CollectAsync(new Due(command.RequestId, command.RefId, command.Amount, command.Customer, command.Card), flow);
            return new PaymentReceivedEvent(command.RequestId, command.RefId);
        }
        catch (PerdureException no)
        {
            throw new RejectedException(Collecting.Reason(no));
        }
    }
}
