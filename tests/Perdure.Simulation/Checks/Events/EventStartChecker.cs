using System.Text.Json;
using Perdure.Simulation.Events;
using Perdure.Simulation.Plans;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Events;

/// <summary>An event starts a flow, with the event as its input, once for each key; every event that its subscription was done with has its flow.</summary>
internal sealed class EventStartChecker(EventsStory events) : Checker("events start flows once per key")
{
    protected override void Check()
    {
        foreach (RunStory run in Story.Runs.Values.Where(r => r.Key.Type is PlanTypes.Opening or PlanTypes.Tracking))
        {
            using var json = JsonDocument.Parse(run.Inputs[0].Row.Payload!);
            EventStory? input = events.Find(json.RootElement.GetProperty("n").GetInt32());
            MustHold(input is not null && input.Order < run.StartOrder && input.Row.Key == run.Key.Id, $"{run.Key} was started with {input?.ToString() ?? "what was never published"}");
            MustHold(run.Row.Cause == (input is null ? null : $"event:{input.Row.Topic}/{input.Row.Position}@{StarterOf(run.Key.Type)}"), $"{run.Key} was started by {run.Row.Cause}, with {input}");
        }

        foreach (HearingStory hearing in events.Hearings.Where(h => h.Last == JobStatus.Completed))
        {
            foreach (string type in ((string[])[PlanTypes.Opening, PlanTypes.Tracking]).Where(t => StarterOf(t) == hearing.Key.Subscription))
            {
                EventStory there = events.Find(hearing.Key.Topic, hearing.Key.Position)!;
                MustHold(Story.Find(new FlowKey(type, there.Row.Key!)) is not null, $"{there} has started no flow {type}");
            }
        }
    }

    private static string StarterOf(string type) => type == PlanTypes.Opening ? EventPlan.Openers : Orders.OrderPlan.Trackers;
}
