using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Events;

/// <summary>
/// A flow's wait gets at most one event, of its type and key, as it was published; and an event goes to one wait where one is expected. None is held while just one
/// flow waits for it; none is unclaimed before its time, or ambiguous without several who wait; and what was taken came to a flow.
/// </summary>
internal sealed class WaitChecker(EventsStory events) : Checker("flows get the events that they wait for")
{
    private readonly Dictionary<(string Type, string Key), HashSet<ParentRef>> _waits = [];
    private readonly Dictionary<ParentRef, (string Type, string Key)> _byFlow = [];
    private readonly Dictionary<(string Type, string Key), HashSet<EventStory>> _held = [];

    protected override void Check()
    {
        foreach (CommittedBatch committed in events.Batches)
        {
            Follow(committed);
        }

        ILookup<string, (RunStory Run, Input Input)> received = Story.Runs.Values.SelectMany(r => r.Inputs.Where(i => i.Row.Kind == InputKind.EventReceived && !r.CameLate(i)), (run, input) => (run, input)).ToLookup(r => r.input.Row.Name!);
        foreach ((RunStory run, Input input) in received.SelectMany(r => r))
        {
            CheckReceived(run, input);
        }

        foreach (EventStory there in events.Events)
        {
            List<(RunStory Run, Input Input)> got = [.. received[$"{there.Row.Topic}/{there.Row.Position}"]];
            MustHold(got.Count <= 1 || events.Plan.IsForAll(there.Row.Type), $"{there} went to {string.Join(" and ", got.Select(g => g.Run.Key))}");
            MustHold(there.Fate == EventFate.Taken || got.Count == 0 || events.Plan.IsForAll(there.Row.Type), $"{there} went to {string.Join(' ', got.Select(g => g.Run.Key))}, and is {there.Fate}");
            bool isForgotten = there.ForgottenOrder < long.MaxValue; // then nothing is known of what a flow sent back
            MustHold(there.Fate != EventFate.Taken || got.Count > 0 || isForgotten, $"{there} is said to be taken, and no flow has it");
        }
    }

    private void CheckReceived(RunStory run, Input input)
    {
        string name = input.Row.Name!;
        int slash = name.LastIndexOf('/');
        EventStory? there = events.Find(name[..slash], long.Parse(name.AsSpan(slash + 1), System.Globalization.CultureInfo.InvariantCulture));
        string what = $"{run.Key} was given {name} for its wait {input.Row.Ask}";
        MustHold(there is not null && there.Order < input.Order, $"{what}, which is not durable");
        AskStory? wait = run.Asks().ElementAtOrDefault(input.Row.Ask);
        MustHold(wait is { Kind: 'A' } && wait.In.Order < input.Order, $"{what}, which it did not ask for");
        if (there is not null && wait is not null)
        {
            MustHold(wait.Name == $"{there.Row.Type}/{there.Row.Key}", $"{what}, which is for {wait.Name}");
            MustHold(input.Row.Payload.AsSpan().SequenceEqual(there.Row.Data), $"{what}, but with other data");
        }
    }

    /// <summary>Follows who waits and what is held, batch by batch.</summary>
    private void Follow(CommittedBatch committed)
    {
        ShardBatch batch = committed.Batch;
        HashSet<(string, string)> touched = [];
        foreach (EventWaitRow wait in batch.EventWaits.Where(w => _byFlow.TryAdd(w.Flow, (w.Type, w.Key))))
        {
            At(_waits, (wait.Type, wait.Key)).Add(wait.Flow);
            touched.Add((wait.Type, wait.Key));
        }

        Dictionary<(string, string), int> most = touched.Concat(_waits.Keys).Distinct().ToDictionary(k => k, k => FlowsOf(k));
        foreach (ParentRef ended in batch.EndedEventWaits)
        {
            if (_byFlow.Remove(ended, out (string Type, string Key) key))
            {
                _waits[key].Remove(ended);
                touched.Add(key);
            }
        }

        foreach (EventStory there in events.Events.Where(e => e.States.Exists(s => s.Order == committed.Order) && e.Row.Key is not null))
        {
            (string, string) key = (there.Row.Type, there.Row.Key!);
            touched.Add(key);
            CheckFate(there, there.States.FindLast(s => s.Order == committed.Order).State, committed, most.GetValueOrDefault(key));
        }

        foreach ((string Type, string Key) key in touched)
        {
            int waiting = FlowsOf(key);
            bool isMissed = At(_held, key).Count > 0 && (waiting == 1 || (waiting > 1 && events.Plan.IsForAll(key.Type)));
            MustHold(!isMissed, $"{string.Join(' ', At(_held, key))} is held since batch {batch.Number}, though {string.Join(' ', At(_waits, key).Select(w => $"{w.Flow}#{w.Ask}"))} waits for it");
        }
    }

    private void CheckFate(EventStory there, EventState state, CommittedBatch committed, int waited)
    {
        TimeSpan? hold = events.Plan.HoldOf(there.Row.Type);
        HashSet<EventStory> held = At(_held, (there.Row.Type, there.Row.Key!));
        held.Remove(there);
        MustHold(hold is not null || state.Fate == EventFate.None, $"{there} is {state.Fate}, though no flow waits for the like");
        DateTimeOffset until = there.Row.PublishedAt + (hold ?? default);
        switch (state.Fate)
        {
            case EventFate.Held:
                held.Add(there);
                break;
            case EventFate.Ambiguous:
                MustHold(waited > 1 || there.States.Exists(s => s.Order < committed.Order && s.State.Fate == EventFate.Ambiguous), $"{there} is ambiguous, but {waited} flows wait for it");
                if (state.HeldUntil is not null)
                {
                    held.Add(there);
                }

                break;
            case EventFate.Unclaimed:
                MustHold(committed.Batch.Time >= until, $"{there} is unclaimed at {committed.Batch.Time:O}, before {until:O}");
                break;
            case EventFate.Taken:
                MustHold(committed.Batch.Sent.Exists(m => m.Kind == MessageKind.EventCame && m.Name == $"{there.Row.Topic}/{there.Row.Position}" && committed.Batch.EndedEventWaits.Contains(new ParentRef(m.To, m.From!.Ask))), $"{there} was taken by nobody who waits");
                break;
        }
    }

    private int FlowsOf((string, string) key) => At(_waits, key).Select(w => w.Flow).Distinct().Count();

    private static HashSet<T> At<T>(Dictionary<(string, string), HashSet<T>> all, (string, string) key)
    {
        if (!all.TryGetValue(key, out HashSet<T>? some))
        {
            all.Add(key, some = []);
        }

        return some;
    }
}
