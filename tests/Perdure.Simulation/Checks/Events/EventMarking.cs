using Perdure.Diagnostics;
using Perdure.Simulation.Events;
using Perdure.Simulation.Orders;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Events;

/// <summary>Finds, in what was seen of events, rare situations that the fixed seeds must reach.</summary>
internal static class EventMarking
{
    public static void Of(Story story, EventsStory events, EventWork work, Observed observed)
    {
        OfEvents(events, observed);
        OfSubscriptions(events, observed);
        OfHandlers(events, observed);
        OfFlows(story, events, observed);
        foreach (OrderBook book in work.Town.Books.Values)
        {
            Mark(observed, book.Order[^1] == OrderState.Approved, "an order was approved");
            Mark(observed, book.Order[^1] == OrderState.Rejected, "an order was rejected");
            Mark(observed, book.TimedOut, "an order was late");
            Mark(observed, book.Refunds > 0, "a late order was refunded");
        }

        Mark(observed, work.Town.Books.Count > 0 && observed.Jobs.Calls.Exists(c => c.Verb == JobVerb.Rewind && c.IsDone && OrderPlan.Services.Contains(c.Queue)), "orders were heard all over again");
    }

    private static void OfEvents(EventsStory events, Observed observed)
    {
        Mark(observed, observed.Jobs.Calls.Exists(c => c.Published.Any(p => p.IsDuplicate)), "an event came again under its id");
        Mark(observed, observed.Jobs.Calls.Exists(c => c.Error == ErrorCodes.EventConflict), "an event was refused for its id");
        foreach (EventStory there in events.Events)
        {
            Mark(observed, there.States is [{ State.Fate: EventFate.Held }, { State.Fate: EventFate.Taken }, ..], "an event that was held went to a flow");
            Mark(observed, there.Fate == EventFate.Unclaimed, "an event was unclaimed");
            Mark(observed, there.States.Exists(s => s.State.Fate == EventFate.Ambiguous), "an event was ambiguous");
            Mark(observed, there.ForgottenOrder < long.MaxValue, "an event was forgotten");
        }
    }

    private static void OfSubscriptions(EventsStory events, Observed observed)
    {
        foreach (PlannedSubscription subscription in events.Plan.Subscriptions.Values)
        {
            IReadOnlyList<GenerationStory> generations = [.. events.TopicsOf(subscription).SelectMany(t => events.GenerationsOf(subscription.Name, t))];
            Mark(observed, generations.Any(g => g.Number > 0), "a subscription was rewound");
            Mark(observed, generations.Any(g => g.Number == 0 && events.Events.Count(e => e.Order < g.Order) > 10), "a subscription began when others had heard much");
        }

        Mark(observed, observed.Jobs.Calls.Exists(c => c.Verb == JobVerb.Remove && c.IsDone), "a subscription was removed");
        foreach (HearingStory hearing in events.Hearings)
        {
            Mark(observed, hearing.Outcomes.Exists(o => o.Status == JobStatus.Waiting), "an event had a job of its own");
            Mark(observed, hearing.Last == JobStatus.Failed, "an event was a dead letter");
            Mark(observed, hearing.Last == JobStatus.Completed && hearing.Outcomes.Exists(o => o.Status == JobStatus.Failed), "a dead letter of an event was redriven");
        }
    }

    private static void OfHandlers(EventsStory events, Observed observed)
    {
        foreach (HeardCall call in observed.Events.Heard)
        {
            bool came = call.Published.Exists(n => events.Find(n) is not null);
            Mark(observed, came, "a handler published with its end");
            Mark(observed, call.Published.Count > 0 && call.EndOrder > 0 && !call.Succeeded, "what a failed attempt published was left out");
            Mark(observed, call.Topic is null && call.Succeeded && call.Published.Count > 0 && !came && observed.Marks.Contains("a job's result was refused"), "a job's result was refused with what it published");
            Mark(observed, call.PublishedBeside.Exists(n => events.Find(n) is not null), "a handler published beside its end");
        }

        Mark(observed, observed.Events.Heard.GroupBy(h => (h.Queue, h.Number, h.Topic)).Any(g => g.Key.Topic is not null && g.Any(c => c.EndOrder == 0) && g.Select(c => c.Process).Distinct().Count() > 1), "an event was given again after a crash");
    }

    private static void OfFlows(Story story, EventsStory events, Observed observed)
    {
        List<string> received = [.. story.Runs.Values.SelectMany(r => r.Inputs).Where(i => i.Row.Kind == InputKind.EventReceived).Select(i => i.Row.Name!)];
        Mark(observed, received.Distinct().Count() < received.Count, "an event went to several flows");
        Mark(observed, observed.Batches.Exists(b => b.Batch.Sent.Exists(m => m.Kind == MessageKind.ReturnEvent)), "a flow sent an event back");
        Mark(observed, story.Runs.Values.Any(r => r.Key.Type == PlanTypes.Opening), "an event started a flow");
        Mark(observed, story.Runs.Values.Any(r => r.Key.Type == PlanTypes.Opening && events.Hearings.Count(h => h.Key.Subscription == EventPlan.Openers && h.Last == JobStatus.Completed && events.Find(h.Key.Topic, h.Key.Position)!.Row.Key == r.Key.Id) > 1),
            "an event for a key whose flow was there started none");
        Mark(observed, story.Runs.Values.Any(r => r.Inputs.Exists(i => i.Row.Kind == InputKind.TimerFired && r.Asks()[i.Row.Ask].Kind == 'A')), "a wait for an event reached its limit");
    }

    private static void Mark(Observed observed, bool holds, string situation)
    {
        if (holds)
        {
            observed.Mark(situation);
        }
    }
}
