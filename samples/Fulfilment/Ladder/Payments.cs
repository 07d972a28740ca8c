using Fulfilment.Participants;
using Fulfilment.Payment;
using Perdure;

namespace Fulfilment.Ladder;

/// <summary>V6: what was done is undone, the last first. So where the provider is down, the customer's credit waits for the provider, too.</summary>
public sealed class PayInReverse(CustomerCredit credit, CardProvider cards, FulfilmentOptions options) : IFlow<Due, string>
{
    public async Task<string> RunAsync(Due due, FlowContext flow)
    {
        decimal used = await flow.Step(() => Task.FromResult(credit.Use(due.RequestId, due.RefId, due.Customer, due.Amount)),
            undo: () => { credit.Restore(due.RequestId); return Task.CompletedTask; }, name: "UseCredit");
        if (used < due.Amount)
        {
            await flow.Step(s => cards.ChargeAsync(due.RequestId, due.RefId, due.Card, due.Amount - used, s), undo: s => cards.RefundAsync(due.RequestId, s), retry: options.Charge);
        }

        return "paid";
    }
}

/// <summary>V7: as Payment does it for orders.</summary>
public sealed class PayKindly(Collecting collecting) : IFlow<Due, string>
{
    public async Task<string> RunAsync(Due due, FlowContext flow)
    {
        await collecting.CollectAsync(due, flow);
        return "paid";
    }
}
