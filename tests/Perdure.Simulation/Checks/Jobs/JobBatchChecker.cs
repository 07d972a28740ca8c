using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>A batch holds at most as many jobs as its queue lets, each once.</summary>
internal sealed class JobBatchChecker(JobsStory jobs) : Checker("batches of jobs")
{
    protected override void Check()
    {
        foreach (IGrouping<int, HandlerCall> batch in Observed.Jobs.Attempts.Where(a => a.Batch > 0).GroupBy(a => a.Batch))
        {
            List<HandlerCall> calls = [.. batch];
            int most = jobs.PoliciesAt(calls[0].Queue, calls[0].Order).Max(p => p.BatchMax);
            MustHold(calls.Count <= most, $"a batch of {calls[0].Queue} in {calls[0].Process} at {calls[0].At:HH:mm:ss.fff} has {calls.Count} jobs, of {most}");
            MustHold(calls.Select(c => c.Number).Distinct().Count() == calls.Count, $"a batch of {calls[0].Queue} in {calls[0].Process} at {calls[0].At:HH:mm:ss.fff} has a job twice");
        }
    }
}
