using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Events;

/// <summary>What an attempt publishes or enqueues comes once, together with the end of what it did: all of it if that attempt is the one that counts, and nothing of any other.</summary>
internal sealed class EffectChecker(EventsStory events) : Checker("effects of handlers come once")
{
    protected override void Check()
    {
        ILookup<long, EventStory> byBatch = events.Events.ToLookup(e => e.Order);
        foreach (IGrouping<(string, long, string?), HeardCall> calls in Observed.Events.Heard.GroupBy(h => (h.Queue, h.Number, h.Topic)))
        {
            List<long> ends = calls.Key.Item3 is null ? EndsOf(calls.Key.Item2) : EndsOf(events.Find(events.KeyOf(calls.First())));
            CheckCalls([.. calls], ends, byBatch);
        }
    }

    private bool HasCome(int chore) => events.ChoresOf(chore) > 0;

    /// <summary>When a job was done: it is gone, and has no end that says otherwise.</summary>
    private List<long> EndsOf(long job)
        => [.. events.Batches.Where(b => b.Batch.EndedJobs.Contains(job) && b.Batch.JobEnds.Find(e => e.Number == job) is null or { Status: JobStatus.Completed }).Select(b => b.Order)];

    private static List<long> EndsOf(HearingStory? hearing) => hearing is null ? [] : [.. hearing.Outcomes.Where(o => o.Status == JobStatus.Completed).Select(o => o.Order)];

    private void CheckCalls(List<HeardCall> calls, List<long> ends, ILookup<long, EventStory> byBatch)
    {
        HashSet<int> wanted = [.. calls.SelectMany(c => c.Published)];
        List<EventStory> came = [.. wanted.Select(events.Find).OfType<EventStory>()];
        foreach (EventStory there in came)
        {
            MustHold(ends.Contains(there.Order), $"{there} was published by {calls[0]}, which was not done with it");
        }

        foreach (long end in ends)
        {
            List<int> together = [.. byBatch[end].Select(e => e.N).Where(wanted.Contains).Order()];
            MustHold(calls.Exists(c => c.Succeeded && c.EndOrder < end && c.Published.Order().SequenceEqual(together) && c.Enqueued.TrueForAll(HasCome)), $"{calls[0]} was done, and with it {string.Join(' ', together)} came, which is not what any attempt published");
        }

        List<int> jobs = [.. calls.SelectMany(c => c.Enqueued)];
        MustHold(jobs.TrueForAll(n => events.ChoresOf(n) <= 1) && jobs.Count(HasCome) <= ends.Count, $"{calls[0]} was done {ends.Count} times, and of the jobs that it wants came {string.Join(' ', jobs.Where(HasCome))}");
    }
}
