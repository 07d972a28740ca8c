using Perdure.Simulation.Events;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Events;

/// <summary>Which events a subscription is to get: from where it begins, or was asked to be rewound to, on.</summary>
internal sealed class Coverage(EventsStory events)
{
    public IEnumerable<JobCall> Rewinds(PlannedSubscription subscription) => events.Observed.Jobs.Calls.Where(c => c.Verb == JobVerb.Rewind && c.Queue == subscription.Name);

    /// <summary>The calls that may have led to a generation.</summary>
    public IEnumerable<JobCall> RewindsTo(PlannedSubscription subscription, GenerationStory rewound)
        => Rewinds(subscription).Where(c => c.Order < rewound.Order && (!c.IsDone || c.AnswerOrder > rewound.Order));

    /// <summary>After which position a generation begins, at the least and at the most.</summary>
    public (long Least, long Most) StartOf(PlannedSubscription subscription, string topic, GenerationStory generation)
    {
        List<EventStory> before = [.. events.Topic(topic).Where(e => e.Order < generation.Order)];
        if (generation.Number == 0)
        {
            long start = StartsAt(subscription.Start, before);
            return (start, start);
        }

        List<JobCall> calls = [.. RewindsTo(subscription, generation)];
        int together = events.Topic(topic).Count(e => e.Order == generation.Order); // what comes in the same batch may be before the end of the log, or after it
        long least = calls.Select(c => StartsAt(c.From, c.From is null ? before : before.FindAll(e => e.Order < c.Order))).DefaultIfEmpty().Min(); // a time's place is looked up when it is asked for
        return (least, calls.Select(c => StartsAt(c.From, before) + (c.From is null ? together : 0)).DefaultIfEmpty().Max());
    }

    private static long StartsAt(DateTimeOffset? from, List<EventStory> before) => from is { } time ? before.Count(e => e.Row.PublishedAt < time) : before.Count;
}
