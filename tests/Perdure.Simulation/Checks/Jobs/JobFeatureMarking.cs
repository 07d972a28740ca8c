using System.Text;
using Perdure.Diagnostics;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>Finds rare situations of workers outside, batches, schedules, flows and those who look after queues.</summary>
internal static class JobFeatureMarking
{
    public static void Of(Story story, JobsStory jobs, Observed observed)
    {
        foreach (JobStory job in jobs.All)
        {
            Mark(job.Before is not null, "a dead letter was redriven");
            Mark(job.Before is { } before && job.Id != before.IdAt(before.EndOrder), "a dead letter was edited");
            Mark(job.States.Exists(s => s.HasFlow && s.SubscriberCount > 1), "others joined a flow's job");
            Mark(job.States.Exists(s => s.LostLeases > 0), "a worker fell silent");
            Mark(job.States.Where(s => s.Worker is not null).Any(s => jobs.Takes.Exists(t => t.Order > s.Order && t.Order < (job.States.Find(n => n.Order > s.Order)?.Order ?? job.EndOrder))), "a lease held over a crash");
            Mark(job.End is { Status: JobStatus.Cancelled } end && Encoding.UTF8.GetString(end.Result!).Contains("next time", StringComparison.Ordinal), "a schedule cancelled the job before");
        }

        foreach (JobCall call in observed.Jobs.Calls)
        {
            Mark(call.Error == ErrorCodes.LeaseLost, "a late report of a worker was refused");
            Mark(call is { Verb: JobVerb.Backfill, IsDone: true } && call.Answer != "0", "a schedule was backfilled");
            Mark(call.Options.Dedup?.Window is not null && call.Receipts.Any(r => r.Kind == Enqueued.Ignored), "something came once per window");
        }

        OfFlows(story);
        Mark(observed.Jobs.Attempts.Where(a => a.Batch > 0).GroupBy(a => a.Batch).Any(b => b.Count() > 1), "a batch had several jobs");
        Mark(jobs.Plan.Queues.Keys.Any(q => jobs.ChangesOf(q).Any(c => jobs.Takes.Exists(t => t.Order > c.Order))), "policies were changed over a crash");
        Mark(jobs.Batches.Exists(b => b.Batch.Memos.Exists(m => m.Name.StartsWith("schedule/", StringComparison.Ordinal) && Encoding.UTF8.GetString(m.Value!).Contains("After", StringComparison.Ordinal))), "a schedule missed a time");
        Mark(observed.Jobs.Calls.Exists(c => c.Error == ErrorCodes.JobShed), "a pool was saturated");

        void OfFlows(Story all)
        {
            foreach (RunStory run in all.Runs.Values)
            {
                Mark(run.Key.Type == PlanTypes.Errand && run.State.Status == FlowStatus.Completed, "a flow did a job");
                Mark(run.Asks().Exists(a => a.Kind == 'J'), "a flow called a job");
                Mark(run.Asks().Exists(a => a.Kind == 'E'), "a flow left a job to its queue");
            }

            Mark(jobs.Batches.Count > 0 && observed.Batches.Exists(b => b.Batch.Sent.Exists(m => m.Kind == MessageKind.Cancel && m.Shard == jobs.Home)), "a flow no longer wanted its job");
        }

        void Mark(bool holds, string situation)
        {
            if (holds)
            {
                observed.Mark(situation);
            }
        }
    }
}
