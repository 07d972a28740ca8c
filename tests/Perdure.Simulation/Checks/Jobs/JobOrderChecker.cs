using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>
/// Where nothing but a queue's concurrency makes jobs wait, a better one that has waited for longer goes first. Where keys are done in order, a job is first
/// tried when all of its key that came before it have ended.
/// </summary>
internal sealed class JobOrderChecker(JobsStory jobs) : Checker("order of jobs")
{
    protected override void Check()
    {
        foreach (IGrouping<string, HandlerCall> queue in Observed.Jobs.Attempts.GroupBy(a => a.Queue))
        {
            QueueOptions policy = jobs.Plan.Queues[queue.Key];
            List<HandlerCall> calls = [.. queue];
            if (jobs.WasChanged(queue.Key))
            {
                continue;
            }

            if (policy is { InOrder: false, ConcurrencyPerKey: null, Rate: null, RatePerKey: null, FairKeys: false, Ageing: null, Uses.Count: 0, Dependency: null, OpenHours: null })
            {
                CheckPriority(calls);
            }

            if (policy.InOrder)
            {
                CheckKeys(queue.Key, calls);
            }
        }
    }

    private void CheckPriority(List<HandlerCall> calls)
    {
        Dictionary<long, HandlerCall> first = [];
        calls.ForEach(c => first.TryAdd(c.Number, c));
        List<(JobStory Job, HandlerCall Call)> started = [.. first.Values.Where(c => jobs.LivesOf(c.Number).Count == 1).Select(c => (jobs.Find(c.Number)!, c))];
        foreach ((JobStory job, HandlerCall call) in started.Where(s => !IsAtOnce(s.Job)))
        {
            long taken = jobs.TakeBefore(call.Order)?.Order ?? 0;
            int best = job.States.Where(s => s.Order < call.Order).Min(s => s.State.Priority);
            foreach ((JobStory other, HandlerCall later) in started)
            {
                bool cameBefore = other.Number < job.Number || (job.Order > taken && jobs.IsKnownAt(other, call));
                bool waited = cameBefore && later.Order > call.Order && later.At > call.At && later.Process == call.Process
                    && other.States.TrueForAll(s => s.Order > later.Order || s.State.NotBefore is null)
                    && jobs.TakeBefore(later.Order) is { } take && take.Order < other.Order && take.Process == call.Process
                    && !Observed.Jobs.Pauses.Exists(p => p.Process == call.Process && p.At <= later.At && p.At >= call.At - TimeSpan.FromMinutes(2));
                int worst = other.States.Where(s => s.Order < later.Order).Max(s => s.State.Priority);
                MustHold(!waited || worst > best || (worst == best && other.Number > job.Number), $"{job} (priority {best}) began at {call.At:HH:mm:ss.fff} before {other} (priority {worst}, {later.At:HH:mm:ss.fff}), which had waited for longer");
            }
        }
    }

    private void CheckKeys(string queue, List<HandlerCall> calls)
    {
        HashSet<long> seen = [];
        ILookup<string?, JobStory> byKey = jobs.All.Where(j => j.Row.Queue == queue && j.Row.Key is not null && j.Before is null).ToLookup(j => j.Row.Key);
        foreach (HandlerCall call in calls.Where(c => c.Key is not null && seen.Add(c.Number)))
        {
            foreach (JobStory before in byKey[call.Key].Where(j => j.Number < call.Number && j.EndOrder > call.Order))
            {
                bool isDelayed = before.States.Exists(s => s.State is { NotBefore: not null, Attempts: 0 });
                MustHold(isDelayed, $"{queue}-{call.Number:x} of {call.Key} began in {call.Process} at {call.At:HH:mm:ss.fff}, but {before}, which came before it, has not ended");
            }
        }
    }

    /// <summary>Whether somebody had it tried before its turn.</summary>
    private bool IsAtOnce(JobStory job) => Observed.Jobs.Calls.Exists(c => c.Verb == JobVerb.TryNow && c.Ids[0] == job.Id);
}
