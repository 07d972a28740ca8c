using Perdure.Simulation.Events;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Events;

/// <summary>Where a subscription keeps order, the events of a topic that have one key come one after the other, in the order of the log: none before the one before it is done, or is a dead letter.</summary>
internal sealed class KeyOrderChecker(EventsStory events) : Checker("order of events within a key")
{
    protected override void Check()
    {
        foreach (PlannedSubscription subscription in events.Plan.Subscriptions.Values.Where(s => s.Policy.InOrder))
        {
            foreach (IGrouping<(string?, string, int), HeardCall> same in Observed.Events.Heard.Where(h => h.Queue == subscription.Name && h.Topic is not null && h.Key is not null).GroupBy(h => (h.Topic, h.Key!, events.KeyOf(h).Generation)))
            {
                CheckKey(subscription, same.Key.Item3, [.. same]);
            }
        }
    }

    private void CheckKey(PlannedSubscription subscription, int generation, List<HeardCall> calls)
    {
        List<HearingKey> before = [];
        foreach (IGrouping<long, HeardCall> position in calls.GroupBy(c => c.Position).OrderBy(p => p.Key))
        {
            HeardCall first = position.First();
            foreach (HearingKey earlier in before)
            {
                MustHold(events.Find(earlier)?.Outcomes.Exists(o => o.Status != JobStatus.Waiting && o.Order < first.Order) ?? false, $"{first} began before {earlier} of the same key was done");
            }

            before.Add(new HearingKey(subscription.Name, generation, first.Topic!, position.Key));
        }
    }
}
