using System.Text;
using Perdure.Simulation.Events;
using Perdure.Simulation.Orders;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Events;

/// <summary>Create Order keeps its invariants I1 to I7, whether the services answer each other's events or a flow leads them.</summary>
internal sealed class OrderChecker(EventsStory events, EventWork work) : Checker("orders end as they must")
{
    protected override void Check()
    {
        bool isRewound = Observed.Jobs.Calls.Exists(c => c.Verb == JobVerb.Rewind && OrderPlan.Services.Contains(c.Queue));
        foreach ((string order, OrderBook book) in work.Town.Books)
        {
            CheckBook($"order {order}", book);
            CheckSaid(order, book, isRewound);
            CheckTracking(order, book);
            if (work.LedTown.Books.TryGetValue(order, out OrderBook? led) && !book.TimedOut && Story.Find(new FlowKey(PlanTypes.Leading, order))?.State.Status == FlowStatus.Completed)
            {
                MustHold(led.Order[^1] == book.Order[^1] && IsPaid(led) == IsPaid(book), $"I6: order {order} is {book.Order[^1]} and {book.Card[^1]}, and was led to be {led.Order[^1]} and {led.Card[^1]}");
            }
        }

        foreach ((string order, OrderBook led) in work.LedTown.Books.Where(b => Story.Find(new FlowKey(PlanTypes.Leading, b.Key))?.State.Status == FlowStatus.Completed))
        {
            CheckBook($"led order {order}", led);
            MustHold(led.Order[^1] == OrderState.Approved || led.TakenBack is ["order"] or ["ticket", "order"], $"I4: led order {order} was taken back as {string.Join(' ', led.TakenBack)}");
        }
    }

    private void CheckBook(string what, OrderBook book)
    {
        (OrderState order, TicketState ticket, CardState card) = (book.Order[^1], book.Ticket[^1], book.Card[^1]);
        bool isWhole = order == OrderState.Approved
            ? ticket == TicketState.AwaitingAcceptance && card == CardState.Authorized
            : order == OrderState.Rejected && ticket is TicketState.None or TicketState.Rejected && card is CardState.None or CardState.Failed or CardState.Voided;
        MustHold(isWhole, $"I1: {what} is {order}, its ticket {ticket}, its authorization {card}");
        MustHold(book.Charges <= 1 && book.Refunds <= book.Charges, $"I2: {what} was charged {book.Charges} times, and refunded {book.Refunds} times");
        MustHold(card != CardState.Authorized || order == OrderState.Approved, $"I3: {what} was paid, and is {order}");
        MustHold(book.TakenBack.Distinct().Count() == book.TakenBack.Count, $"I4: {what} was taken back as {string.Join(' ', book.TakenBack)}");
        MustHold(!book.Order.SkipLast(1).Any(s => s is OrderState.Approved or OrderState.Rejected), $"I5: {what} went on from {string.Join(", ", book.Order)}");
        MustHold(!book.Ticket.SkipLast(1).Contains(TicketState.Rejected), $"I5: the ticket of {what} went on from {string.Join(", ", book.Ticket)}");
        MustHold(!book.Card.SkipLast(1).Any(s => s is CardState.Failed or CardState.Voided), $"I5: the authorization of {what} went on from {string.Join(", ", book.Card)}");
    }

    /// <summary>Order says once how it ended, unless somebody lets it hear all again: then it says the same again.</summary>
    private void CheckSaid(string order, OrderBook book, bool isRewound)
    {
        List<string> said = [.. events.Events.Where(e => e.Row.Key == order && e.Row.Type is "order-approved" or "order-rejected").Select(e => e.Row.Type)];
        MustHold(said.Distinct().Count() == 1 && said[0] == (book.Order[^1] == OrderState.Approved ? "order-approved" : "order-rejected"), $"order {order} is {book.Order[^1]}, and was said to be {string.Join(' ', said)}");
        bool cameTwice = events.Events.Count(e => e.Row.Key == order && e.Row.Type == "order-created") > 1; // its customer asked again
        MustHold(said.Count == 1 || isRewound || cameTwice, $"order {order} was said to be {string.Join(' ', said)}");
    }

    /// <summary>Who only listens knows how it ended.</summary>
    private void CheckTracking(string order, OrderBook book)
    {
        RunStory? tracking = Story.Find(new FlowKey(PlanTypes.Tracking, order));
        string? heard = tracking?.End?.Result is { } result ? Encoding.UTF8.GetString(result) : null;
        MustHold(heard == (book.Order[^1] == OrderState.Approved ? $"\"{nameof(OrderApproved)}\"" : $"\"{nameof(OrderRejected)}\""), $"I7: order {order} is {book.Order[^1]}, and who listens says {heard ?? "nothing"}");
    }

    private static bool IsPaid(OrderBook book) => book.Card[^1] == CardState.Authorized;
}
