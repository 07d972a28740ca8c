using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>Where keys take turns and nothing but a queue's concurrency makes jobs wait, no key starts twice, and another not in between, that has an equal or better job which waited before the first of the two.</summary>
internal sealed class JobTurnChecker(JobsStory jobs) : Checker("fair turns between keys")
{
    protected override void Check()
    {
        foreach (IGrouping<string, HandlerCall> queue in Observed.Jobs.Attempts.GroupBy(a => a.Queue))
        {
            bool isFair = jobs.Plan.Queues[queue.Key] is { FairKeys: true, InOrder: false, ConcurrencyPerKey: null, Rate: null, RatePerKey: null, Ageing: null, Uses.Count: 0 };
            if (isFair && !jobs.WasChanged(queue.Key))
            {
                CheckQueue([.. queue]);
            }
        }
    }

    private void CheckQueue(List<HandlerCall> calls)
    {
        Dictionary<long, HandlerCall> first = [];
        calls.ForEach(c => first.TryAdd(c.Number, c));
        List<(JobStory Job, HandlerCall Call)> waited = [.. first.Values.Where(c => jobs.LivesOf(c.Number).Count == 1).Select(c => (jobs.Find(c.Number)!, c))];
        foreach (IGrouping<(string, string?), HandlerCall> key in calls.GroupBy(c => (c.Process, c.Key)))
        {
            foreach ((HandlerCall one, HandlerCall two) in key.Zip(key.Skip(1)))
            {
                if (jobs.TakeBefore(one.Order) is { } take && take == jobs.TakeBefore(two.Order) && take.Process == one.Process && !IsAtOnce(two))
                {
                    CheckTurns(one, two, take, calls, waited.FindAll(w => w.Call.Process == one.Process && w.Call.Key != one.Key));
                }
            }
        }
    }

    private void CheckTurns(HandlerCall one, HandlerCall two, TakenShard take, List<HandlerCall> calls, List<(JobStory Job, HandlerCall Call)> others)
    {
        HashSet<string> had = [.. calls.Where(c => c.Process == one.Process && c.Order < two.Order && !jobs.IsKnownAt(c.Order, one)).Select(c => c.Key ?? "")];
        int best = jobs.Find(two.Number, two.Order)!.States.Where(s => s.Order < two.Order).Min(s => s.State.Priority);
        foreach ((JobStory job, HandlerCall call) in others)
        {
            // What is on its way is in no order to the second, nor is what stood still meanwhile.
            bool waits = !had.Contains(call.Key ?? "") && job.Order > take.Order && jobs.IsKnownAt(job.Order, one) && call.Order > two.Order && call.At > two.At && jobs.TakeBefore(call.Order) == take
                && job.States.TrueForAll(s => s.Order > call.Order || s.State.NotBefore is null)
                && !Observed.Jobs.Pauses.Exists(p => p.Process == one.Process && p.At <= call.At && p.At >= one.At - TimeSpan.FromMinutes(2));
            int worst = job.States.Where(s => s.Order < call.Order).Max(s => s.State.Priority);
            MustHold(!waits || worst > best, $"{one.Queue}: key {one.Key ?? "none"} began {one.Number:x} at {one.At:HH:mm:ss.fff} and {two.Number:x} at {two.At:HH:mm:ss.fff} in {one.Process}, while {job} of {call.Key ?? "none"} waited until {call.At:HH:mm:ss.fff}");
        }
    }

    private bool IsAtOnce(HandlerCall call) => Observed.Jobs.Calls.Exists(c => c.Verb == JobVerb.TryNow && c.Ids[0] == call.Id);
}
