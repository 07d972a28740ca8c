using Perdure.Simulation.Events;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Events;

/// <summary>An event is forgotten only when it is old enough, every subscription has had it, whether code has that or not, and no flow may still get it. A topic's last event stays.</summary>
internal sealed class RetentionChecker(EventsStory events) : Checker("nothing is forgotten too early")
{
    private readonly Coverage _coverage = new(events);

    protected override void Check()
    {
        foreach (CommittedBatch committed in events.Batches)
        {
            foreach (ForgottenEvents forgotten in committed.Batch.ForgottenEvents)
            {
                MustHold(events.Topic(forgotten.Topic).Any(e => e.Row.Position > forgotten.UpTo && e.Order <= committed.Order), $"all of {forgotten.Topic} was forgotten");
                foreach (EventStory gone in events.Topic(forgotten.Topic).Where(e => e.ForgottenOrder == committed.Order))
                {
                    CheckEvent(gone, committed);
                }
            }
        }
    }

    private void CheckEvent(EventStory gone, CommittedBatch committed)
    {
        TimeSpan retention = events.Plan.RetentionOf(gone.Row.Topic);
        DateTimeOffset oldEnough = gone.Row.PublishedAt + (events.Plan.HoldOf(gone.Row.Type) is { } hold && hold > retention ? hold : retention);
        MustHold(oldEnough <= committed.Batch.Time, $"{gone} was forgotten at {committed.Batch.Time:O}, before {oldEnough:O}");
        MustHold(gone.States.FindLast(s => s.Order <= committed.Order).State.HeldUntil is null, $"{gone} was forgotten while it was held");
        foreach (PlannedSubscription subscription in events.Plan.Subscriptions.Values.Where(s => s.Types.Contains(gone.Row.Type)))
        {
            GenerationStory? current = events.GenerationsOf(subscription.Name, gone.Row.Topic).LastOrDefault(g => g.Order < committed.Order);
            if (current is null || current.EndOrder <= committed.Order || gone.Row.Position <= _coverage.StartOf(subscription, gone.Row.Topic, current).Most)
            {
                continue;
            }

            HearingStory? hearing = events.Find(new HearingKey(subscription.Name, current.Number, gone.Row.Topic, gone.Row.Position));
            MustHold(hearing?.Outcomes.Exists(o => o.Order <= committed.Order) ?? false, $"{gone} was forgotten, and {subscription.Name} has not had it");
        }
    }
}
