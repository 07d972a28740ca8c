using System.Text;
using Perdure.Diagnostics;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>Finds, in what was seen of jobs, rare situations that the fixed seeds must reach.</summary>
internal static class JobMarking
{
    public static void Of(JobsStory jobs, Observed observed)
    {
        OfCalls(jobs, observed);
        ILookup<long, HandlerCall> attempts = observed.Jobs.Attempts.ToLookup(a => a.Number);
        foreach (JobStory job in jobs.All)
        {
            OfEnd(job, [.. attempts[job.Number]], observed);
            List<StateStory> cancels = job.States.FindAll(s => s.IsCancelled);
            Mark(observed, cancels.Count > 0 && attempts[job.Number].Any(), "a job was cancelled while it ran");
            Mark(observed, cancels.Count > 0 && jobs.Takes.Exists(t => t.Order > cancels[0].Order && t.Order < job.EndOrder), "a job was cancelled at a crash");
            Mark(observed, attempts[job.Number].GroupBy(a => (a.Attempt, jobs.TakeBefore(a.Order)?.Epoch)).GroupBy(a => a.Key.Attempt).Any(a => a.Count() > 1), "a job was retried after a crash");
            Mark(observed, attempts[job.Number].Any(a => attempts[job.Number].Any(b => b.Process != a.Process && a.Order < b.Order && a.EndOrder > b.Order)), "a job ran in two processes at once");
        }

        foreach (HandlerCall attempt in observed.Jobs.Attempts)
        {
            Mark(observed, attempt.FoundProgress, "an attempt found what an earlier one had saved");
            Mark(observed, attempt.EndOrder > 0 && attempts[attempt.Number].Any(a => a.Process == attempt.Process && a.Order > attempt.Order && a.Order < attempt.EndOrder), "an attempt was left behind");
        }

        foreach (TakenShard take in jobs.Takes)
        {
            DateTimeOffset now = jobs.TimeBefore(take.Order);
            List<CommittedBatch> before = jobs.Batches.FindAll(b => b.Order < take.Order);
            var memos = before.SelectMany(b => b.Batch.Memos).GroupBy(m => m.Name).Select(g => g.Last()).Where(m => m.Value is not null).ToList();
            Mark(observed, memos.Exists(m => m.Name.StartsWith("rate/", StringComparison.Ordinal) && DateTimeOffset.Parse(Encoding.UTF8.GetString(m.Value!).Trim('"'), System.Globalization.CultureInfo.InvariantCulture) > now), "a rate was restored after a crash");
            Mark(observed, memos.Exists(m => m.Name.StartsWith("mode/", StringComparison.Ordinal)), "a pause held over a crash");
        }
    }

    private static void OfCalls(JobsStory jobs, Observed observed)
    {
        foreach (JobCall call in observed.Jobs.Calls.Where(c => c.AnswerOrder > 0))
        {
            Mark(observed, call.Verb == JobVerb.Drain && call.IsDone, "a queue drained");
            Mark(observed, call.Receipts.Count > 1, "many jobs came at once");
            Mark(observed, call.Verb == JobVerb.TryNow && call.Receipts.Count > 0 && call.Answer is not ("later" or "rejected"), "a job was done at once");
            Mark(observed, call.Error == ErrorCodes.LimitReached, "a job's limit was reached");
            foreach (Told told in call.Receipts)
            {
                Mark(observed, told.Kind == Enqueued.Ignored, "a job was ignored");
                Mark(observed, told.Kind == Enqueued.Replaced, "a job was replaced");
                Mark(observed, told.Kind == Enqueued.Dropped, "a job was dropped with the one that it undid");
                bool ran = observed.Jobs.Attempts.Exists(a => a.Number == told.Number && a.Order < call.Order && (a.EndOrder == 0 || a.EndOrder > call.AnswerOrder));
                Mark(observed, told.Kind == Enqueued.Joined, ran ? "a caller joined a job that ran" : "a caller joined a job that waited");
                QueueOptions queue = jobs.Plan.Queues[call.Queue];
                int open = jobs.All.Count(j => j.Row.Queue == call.Queue && j.Order < call.Order && j.EndOrder > call.Order);
                int running = observed.Jobs.Attempts.Where(a => a.Queue == call.Queue && a.Order < call.Order && (a.EndOrder == 0 || a.EndOrder > call.Order)).Select(a => a.Number).Distinct().Count();
                Mark(observed, told.Kind == Enqueued.Added && queue.WhenFull == WhenFull.Block && open - running >= queue.BacklogMax, "a blocked caller was let in");
            }
        }

        foreach (JobCall call in observed.Jobs.Calls.Where(c => c.Verb == JobVerb.Cancel && c.Subscriber is not null && c.Answer == nameof(CancelAnswer.Accepted)))
        {
            Mark(observed, jobs.Find(call.Number)?.End is { Status: JobStatus.Completed }, "one who joined left, and the job went on");
        }
    }

    private static void OfEnd(JobStory job, List<HandlerCall> attempts, Observed observed)
    {
        if (job.End is { } end)
        {
            string text = Encoding.UTF8.GetString(end.Result!);
            bool has = end.Status == JobStatus.Failed;
            Mark(observed, has && text.Contains(ErrorCodes.JobExpired, StringComparison.Ordinal), "a job expired");
            Mark(observed, has && attempts.Exists(a => a.End == EffectEnd.Rejected), "a job was rejected");
            Mark(observed, has && attempts.Count > 0 && attempts.TrueForAll(a => a.End is EffectEnd.Transient or EffectEnd.Unknown), "a job was a dead letter since its attempts were used up");
            Mark(observed, end.Status == JobStatus.Cancelled && attempts.Count == 0, "a job was cancelled while it waited");
        }
    }

    private static void Mark(Observed observed, bool holds, string situation)
    {
        if (holds)
        {
            observed.Mark(situation);
        }
    }
}
