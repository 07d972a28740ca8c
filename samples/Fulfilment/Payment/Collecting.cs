using Fulfilment.Participants;
using Perdure;

namespace Fulfilment.Payment;

/// <summary>What is to be paid, and by whom.</summary>
/// <param name="RequestId">Under it the charge is known to the card provider, and the credit used to Payment's own book.</param>
public sealed record Due(string RequestId, string RefId, decimal Amount, string Customer, string Card) : IJob<string>;

/// <summary>
/// What Payment does for its money, in whatever style it was asked: it uses the customer's credit, then charges the card; asks for another card
/// where that has expired, for up to seven days; and knows how to go on where the card provider does not.
/// </summary>
public sealed class Collecting(CustomerCredit credit, CardProvider cards, FulfilmentOptions options)
{
    /// <summary>Collects what is due, or nothing.</summary>
    /// <exception cref="RejectedException">There is no valid card. All is undone.</exception>
    /// <exception cref="PerdureException">The card provider gave no answer, after all retries. All is undone, or on its way to be.</exception>
    public async Task CollectAsync(Due due, FlowContext flow)
    {
        try
        {
            decimal used = await flow.Step(() => Task.FromResult(credit.Use(due.RequestId, due.RefId, due.Customer, due.Amount)),
                undo: () => { credit.Restore(due.RequestId); return Task.CompletedTask; }, name: "UseCredit");
            if (used > 0)
            {
                flow.Publish(new CustomerCreditUsedEvent(due.RefId, used));
            }

            if (used < due.Amount)
            {
                await ChargeAsync(due, due.Amount - used, flow);
            }
        }
        catch (PerdureException)
        {
            await flow.Undo();
            throw;
        }
    }

    /// <summary>Why nothing was collected, for those who asked.</summary>
    public static string Reason(PerdureException no) => no is RejectedException refusal ? refusal.Reason : "the card could not be charged";

    private async Task ChargeAsync(Due due, decimal amount, FlowContext flow)
    {
        // What a silent provider may have charged is given back by a flow of its own: the customer's credit is restored now, and nobody waits
        // for the provider that nobody can reach.
        flow.OnUndo(() =>
        {
            flow.Child<RefundPayment>().Start(new RefundPaymentCommand(due.RequestId, due.RefId), detached: true);
            return Task.CompletedTask;
        });
        string card = due.Card;
        DateTimeOffset? end = null;
        while (true)
        {
            try
            {
                await flow.Step(s => cards.ChargeAsync(due.RequestId, due.RefId, card, amount, s), retry: options.Charge, name: "Charge");
                flow.Publish(new CreditCardChargedEvent(due.RefId, amount));
                return;
            }
            catch (RejectedException)   // the card has expired
            {
                end ??= flow.Now + options.Limits.NewCard;
                flow.Publish(new NewCardWantedEvent(flow.CorrelationId, due.RefId, due.Customer, card));
            }

            Maybe<CreditCardUpdatedEvent> updated = await flow.TryEvent<CreditCardUpdatedEvent>(flow.CorrelationId, end.Value - flow.Now);
            card = updated.HasValue ? updated.Value.Card : throw new RejectedException("no valid card in time");
        }
    }
}
