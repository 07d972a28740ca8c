using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>At most one job comes per window of a key (throttle), over crashes; and only one that is in a window is ignored for it.</summary>
internal sealed class JobWindowChecker(JobsStory jobs) : Checker("once per window")
{
    protected override void Check()
    {
        Dictionary<int, JobCall> wanted = [];
        foreach (JobCall call in Observed.Jobs.Calls.Where(c => c.Verb is JobVerb.Enqueue or JobVerb.TryNow && c.Options.Dedup?.Window is not null && c.Options.DedupKey is not null))
        {
            foreach (int id in call.Ids)
            {
                wanted.Add(id, call);
            }
        }

        IEnumerable<JobStory> came = jobs.All.Where(j => j.Before is null && wanted.ContainsKey(j.Id));
        foreach (IGrouping<(string Queue, string Type, string? Key), JobStory> key in came.GroupBy(j => (j.Row.Queue, j.Row.Type, j.States[0].Dedup)))
        {
            List<JobStory> all = [.. key.OrderBy(j => j.Number)];
            foreach ((JobStory one, JobStory two) in all.Zip(all.Skip(1)))
            {
                TimeSpan window = wanted[one.Id].Options.Dedup!.Window!.Value;
                MustHold(two.Row.CreatedAt >= one.Row.CreatedAt + window, $"{two} of {key.Key.Key} came at {two.Row.CreatedAt:HH:mm:ss.fff}, within {window} of {one}, which came at {one.Row.CreatedAt:HH:mm:ss.fff}");
            }
        }

        foreach (JobCall call in wanted.Values.Distinct())
        {
            foreach (Told told in call.Receipts.Where(t => t.Kind == Enqueued.Ignored))
            {
                JobStory? job = jobs.Find(told.Number, call.AnswerOrder);
                bool isOpen = job?.EndOrder > call.Order || !jobs.IsOwner(call);
                bool isInWindow = job is not null && (CallingPlan.IsOne(job.Id) || (wanted.GetValueOrDefault(job.Id)?.Options.Dedup?.Window is { } window && job.Row.CreatedAt + window >= jobs.TimeBefore(call.Order)));
                MustHold(isOpen || isInWindow, $"a job of {call.Options.DedupKey} in {call.Queue} was ignored for {job}, whose window is over");
            }
        }
    }
}
