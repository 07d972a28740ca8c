using Perdure.Simulation.Events;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Events;

/// <summary>Every subscription gets every event of its types, from where it begins or was rewound to on; it is done with each once: its handler had it, or it is a dead letter that is shown. It gets nothing else.</summary>
internal sealed class DeliveryChecker(EventsStory events) : Checker("every subscription gets every event")
{
    private readonly Coverage _coverage = new(events);

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
        CheckRewinds(subscription, generations);
        foreach (GenerationStory generation in generations)
        {
            (long least, long most) = _coverage.StartOf(subscription, topic, generation);
            bool isLast = generation.EndOrder == long.MaxValue; // neither rewound nor removed since
            foreach (EventStory there in events.Topic(topic))
            {
                var key = new HearingKey(subscription.Name, generation.Number, topic, there.Row.Position);
                bool mayBeGiven = there.Row.Position > least && subscription.Types.Contains(there.Row.Type) && there.ForgottenOrder > generation.Order;
                bool isCovered = mayBeGiven && there.Row.Position > most;
                HearingStory? hearing = events.Find(key);
                MustHold(mayBeGiven || (hearing is null && !calls.Contains(key)), $"{key} was given, though {subscription.Name} begins after {least} and hears of {string.Join(' ', subscription.Types)}");
                if (isCovered && isLast)
                {
                    MustHold(hearing?.Last is JobStatus.Completed or JobStatus.Failed, $"{key} ({there}) was never done: {hearing?.Last}");
                }

                bool hasRow = hearing?.Last == JobStatus.Waiting && generations[^1].EndOrder == long.MaxValue;
                bool isGivenAgain = generations.Any(g => g.Order > generation.Order && g.Order < there.ForgottenOrder && there.Row.Position > _coverage.StartOf(subscription, topic, g).Least);
                MustHold(!hasRow || isGivenAgain, $"{key} ({there}) was tried, neither done nor given again");
                if (hearing is not null)
                {
                    CheckOutcome(hearing, [.. calls[key]], isLast);
                }
            }
        }
    }

    private void CheckOutcome(HearingStory hearing, List<HeardCall> calls, bool isLast)
    {
        List<(long Order, JobStatus Status)> done = hearing.Outcomes.FindAll(o => o.Status != JobStatus.Waiting);
        MustHold(done.FindAll(o => o.Status == JobStatus.Completed).Count <= 1 && done.FindIndex(o => o.Status == JobStatus.Completed) is var at && (at < 0 || at == done.Count - 1), $"{hearing.Key} was done more than once");
        MustHold(!isLast || !done.Exists(o => o.Status == JobStatus.Cancelled), $"{hearing.Key} was cancelled");
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
        else if (isLast)
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

    /// <summary>Each rewind was asked for, and those that were promised came about.</summary>
    private void CheckRewinds(PlannedSubscription subscription, IReadOnlyList<GenerationStory> generations)
    {
        foreach (GenerationStory rewound in generations.Skip(1))
        {
            MustHold(_coverage.RewindsTo(subscription, rewound).Any(), $"{subscription.Name} was rewound, and nobody asked for that");
        }

        foreach (JobCall call in _coverage.Rewinds(subscription).Where(c => c.IsDone))
        {
            MustHold(generations.Any(g => g.Number > 0 && g.Order > call.Order && g.Order < call.AnswerOrder), $"{subscription.Name} was to be rewound to {call.From:O}, and was not");
        }
    }
}
