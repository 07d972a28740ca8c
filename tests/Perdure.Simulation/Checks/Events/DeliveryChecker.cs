using Perdure.Simulation.Events;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Events;

/// <summary>Every subscription gets every event of its types, from where it begins or was rewound to on; it is done with each once: its handler had it, or it is a dead letter that is shown. It gets nothing else.</summary>
internal sealed class DeliveryChecker(EventsStory events) : Checker("every subscription gets every event")
{
    protected override void Check()
    {
        ILookup<HearingKey, HeardCall> calls = Observed.Events.Heard.Where(h => h.Topic is not null).ToLookup(events.KeyOf);
        foreach (PlannedSubscription subscription in events.Plan.Subscriptions.Values)
        {
            foreach (string topic in events.TopicsOf(subscription))
            {
                Check(subscription, topic, calls);
            }
        }

        foreach (HeardCall call in Observed.Events.Heard.Where(h => h.Topic is not null))
        {
            CheckCall(call);
        }
    }

    private void Check(PlannedSubscription subscription, string topic, ILookup<HearingKey, HeardCall> calls)
    {
        IReadOnlyList<GenerationStory> generations = events.GenerationsOf(subscription.Name, topic);
        CommittedBatch? first = events.Batches.Find(b => subscription.IsKnownTo(Observed.Events.Versions[b.Process]));
        MustHold(generations.Count > 0 || first is null, $"{subscription.Name} was never begun");
        if (generations.Count == 0 || first is null)
        {
            return;
        }

        MustHold(generations[0].Order == first.Order, $"{subscription.Name} did not begin when code that has it came first");
        CheckRewinds(subscription, topic, generations);
        foreach (GenerationStory generation in generations)
        {
            long start = StartOf(subscription, topic, generation);
            bool isLast = generation == generations[^1];
            foreach (EventStory there in events.Topic(topic))
            {
                var key = new HearingKey(subscription.Name, generation.Number, topic, there.Row.Position);
                bool isCovered = there.Row.Position > start && subscription.Types.Contains(there.Row.Type) && there.ForgottenOrder > generation.Order && there.Order < long.MaxValue;
                HearingStory? hearing = events.Find(key);
                MustHold(isCovered || (hearing is null && !calls.Contains(key)), $"{key} was given, though {subscription.Name} begins after {start} and hears of {string.Join(' ', subscription.Types)}");
                if (isCovered && isLast && generation.EndOrder == long.MaxValue)
                {
                    MustHold(hearing?.Last is JobStatus.Completed or JobStatus.Failed, $"{key} ({there}) was never done: {hearing?.Last}");
                }

                if (hearing is not null)
                {
                    CheckOutcome(hearing, [.. calls[key]]);
                }
            }
        }
    }

    private void CheckOutcome(HearingStory hearing, List<HeardCall> calls)
    {
        List<(long Order, JobStatus Status)> done = hearing.Outcomes.FindAll(o => o.Status != JobStatus.Waiting);
        MustHold(done.FindAll(o => o.Status == JobStatus.Completed).Count <= 1 && done.FindIndex(o => o.Status == JobStatus.Completed) is var at && (at < 0 || at == done.Count - 1), $"{hearing.Key} was done more than once");
        MustHold(!done.Exists(o => o.Status == JobStatus.Cancelled), $"{hearing.Key} was cancelled");
        if (done.Count == 0)
        {
            return;
        }

        (long order, JobStatus last) = done[^1];
        if (last == JobStatus.Completed)
        {
            MustHold(calls.Exists(c => c.Succeeded && c.EndOrder < order), $"{hearing.Key} is said to be done, but no handler has done it");
            HeardCall? again = calls.Find(c => c.Order > order && events.TakeBefore(c.Order) is { } take && take.Order > order && take.Process == c.Process && !events.Takes.Exists(t => t.Process == c.Process && t.Order < take.Order));
            MustHold(again is null, $"{hearing.Key} was given again, to {again?.Process}, after it was done");
        }
        else
        {
            MustHold(hearing.Job != 0 && Observed.Events.DeadLetters.Contains($"{hearing.Key.Subscription}-{hearing.Job:x16}"), $"{hearing.Key} is a dead letter ({hearing.Job:x}) that nobody is shown");
        }
    }

    private void CheckCall(HeardCall call)
    {
        EventStory? there = events.Find(call.Topic!, call.Position);
        MustHold(there is not null && there.Order < call.Order, $"{call} began in {call.Process} before the event was durable");
        bool isSame = there is null || (there.N == call.N && there.Row.Type == call.Type && there.Row.Key == call.Key && there.Row.Correlation == call.Correlation);
        MustHold(isSame, $"{call} was given {call.Type} {call.Key} {call.N} of {call.Correlation}, but that is {there} of {there?.Row.Correlation}");
    }

    /// <summary>Each rewind was asked for, and those that were promised came about, to where they were asked to.</summary>
    private void CheckRewinds(PlannedSubscription subscription, string topic, IReadOnlyList<GenerationStory> generations)
    {
        List<JobCall> asked = Observed.Jobs.Calls.FindAll(c => c.Verb == JobVerb.Rewind && c.Queue == subscription.Name);
        foreach (GenerationStory rewound in generations.Skip(1))
        {
            MustHold(asked.Exists(c => c.Order < rewound.Order && (c.AnswerOrder == 0 || c.Error is not null || c.AnswerOrder > rewound.Order) && IsFrom(c.From, topic, rewound)), $"{subscription.Name} was moved to {topic}/{rewound.Done}, and nobody asked for that");
        }

        foreach (JobCall call in asked.Where(c => c.IsDone))
        {
            MustHold(generations.Any(g => g.Number > 0 && g.Order > call.Order && g.Order < call.AnswerOrder), $"{subscription.Name} was to be rewound to {call.From:O}, and was not");
        }
    }

    /// <summary>Whether a rewind led to where it was to. What comes in the same batch may be before the end of the log, or after it.</summary>
    private bool IsFrom(DateTimeOffset? from, string topic, GenerationStory rewound)
    {
        long start = StartsAt(from, topic, rewound);
        return rewound.Done == start || (from is null && rewound.Done > start && rewound.Done <= events.Topic(topic).Count(e => e.Order <= rewound.Order));
    }

    /// <summary>After which position a generation is to begin.</summary>
    private long StartOf(PlannedSubscription subscription, string topic, GenerationStory generation) => generation.Number > 0 ? generation.Done : StartsAt(subscription.Start, topic, generation);

    private long StartsAt(DateTimeOffset? from, string topic, GenerationStory generation)
    {
        List<EventStory> before = [.. events.Topic(topic).Where(e => e.Order < generation.Order)];
        return from switch
        {
            null => before.Count,
            { } time when time == DateTimeOffset.MinValue => generation.Number > 0 ? 0 : before.Count(e => e.ForgottenOrder < generation.Order),
            { } time => before.Count(e => e.Row.PublishedAt < time),
        };
    }
}
