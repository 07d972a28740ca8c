using System.Text;
using System.Text.Json;
using Perdure.Diagnostics;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>No job is lost: each ends once, for a reason that was seen, and attempts that a crash ended or that never began use up none.</summary>
internal sealed class JobEndChecker(JobsStory jobs) : Checker("each job ends once, for a reason")
{
    /// <summary>What the end of a job says that its schedule cancelled.</summary>
    private const string NextTime = "came to its next time";

    protected override void Check()
    {
        foreach (string wrong in jobs.Contradictions)
        {
            Wrong(wrong);
        }

        ILookup<long, HandlerCall> all = Observed.Jobs.Attempts.ToLookup(a => a.Number);
        foreach (JobStory job in jobs.All)
        {
            List<HandlerCall> calls = [.. all[job.Number].Where(c => c.Order > job.Order && c.Order < job.EndOrder)];
            MustHold(job.HasEnded, $"{job} has not ended");
            foreach (StateStory state in job.States)
            {
                int failed = Failed(calls, state.Order) + RunsOf(job).Count(r => r.State.Status == FlowStatus.Failed);
                MustHold(state.State.Attempts <= failed, $"{job}: {state.State.Attempts} attempts are counted as failed, but {failed} did");
            }

            if (job.End is { } end)
            {
                CheckEnd(job, end, calls);
            }
            else if (job.HasEnded)
            {
                MustHold(WasDone(job, calls) || MayBeCancelled(job), $"{job} is gone, but it was neither done nor cancelled");
            }
        }
    }

    private void CheckEnd(JobStory job, Storage.JobEndRow end, List<HandlerCall> calls)
    {
        switch (end.Status)
        {
            case JobStatus.Completed:
                MustHold(WasDone(job, calls), $"{job} is recorded as done with {Encoding.UTF8.GetString(end.Result!)}, but no handler gave that");
                break;
            case JobStatus.Cancelled:
                MustHold(MayBeCancelled(job) || IsSaid(end, "type", "Merged") || IsSaid(end, "message", NextTime), $"{job} was cancelled, but somebody wants it");
                break;
            case JobStatus.Failed:
                CheckFailed(job, end, calls);
                break;
        }
    }

    private void CheckFailed(JobStory job, Storage.JobEndRow end, List<HandlerCall> calls)
    {
        using var json = JsonDocument.Parse(end.Result!);
        string code = json.RootElement.GetProperty("code").GetString()!;
        StateStory state = job.States[0];
        int least = (state.HasRetry ? state.Attempts : jobs.Plan.Queues[job.Row.Queue].Retry.Attempts) ?? int.MaxValue;
        bool isReason = code switch
        {
            ErrorCodes.JobExpired => job.At(job.EndOrder).ExpireAt is not null,
            ErrorCodes.CrashSuspect or ErrorCodes.StoreRefused => true,
            _ => RunsOf(job).Any(r => r.State.Status is FlowStatus.Failed or FlowStatus.Terminated) || calls.Exists(c => c.End is EffectEnd.Rejected or EffectEnd.Permanent) || Failed(calls, job.EndOrder) >= Math.Min(least, end.Attempts == 0 ? 1 : least),
        };
        MustHold(isReason, $"{job} is a dead letter with {code} after {calls.Count} calls, of which {Failed(calls, job.EndOrder)} failed, of {least}");
    }

    /// <summary>The flows that did a job.</summary>
    private IEnumerable<RunStory> RunsOf(JobStory job)
        => job.Row.Queue != JobPlan.Flows ? [] : Story.Runs.Values.Where(r => r.Key.Type == PlanTypes.Errand && $"{r.Key.Id}.".StartsWith($"{job.Row.Queue}-{job.Number:x}.", StringComparison.Ordinal));

    private bool WasDone(JobStory job, List<HandlerCall> calls)
    {
        if (job.Row.Queue == JobPlan.Flows)
        {
            return RunsOf(job).Any(r => r.End is { } done && done.DecidedOrder < job.EndOrder && r.State.Status == FlowStatus.Completed && (job.End is null || job.End.Result.AsSpan().SequenceEqual(done.Result)));
        }

        string? result = job.End is { } end && calls.Exists(c => c.Batch == 0) ? JsonSerializer.Deserialize<string>(end.Result!) : null;
        return calls.Exists(c => c.End == EffectEnd.Succeeded && c.EndOrder < job.EndOrder && (result is null || c.Result == result));
    }

    private static bool IsSaid(Storage.JobEndRow end, string property, string text)
    {
        using var json = JsonDocument.Parse(end.Result!);
        return json.RootElement.GetProperty(property).GetString()!.Contains(text, StringComparison.Ordinal);
    }

    /// <summary>Whether somebody had cancelled it for all, or all who wanted it had left, or its flow or its schedule wants it no more.</summary>
    private bool MayBeCancelled(JobStory job)
    {
        List<JobCall> cancels = Observed.Jobs.Calls.FindAll(c => c.Verb == JobVerb.Cancel && c.Number == job.Number && c.Order < job.EndOrder);
        bool isLeft = cancels.Exists(c => c.Subscriber is null) || (cancels.Count > 0 && (job.Before is not null || cancels.Select(c => c.Subscriber).Distinct().Count() >= job.States.Max(s => s.SubscriberCount)));
        bool isMerged = Observed.Jobs.Calls.Exists(c => c.Receipts.Any(r => r.Number == job.Number && r.Kind == Enqueued.Dropped) || MayHaveUndone(c, job));
        return isLeft || isMerged || HadLimit(job) || job.States.Exists(s => s.HasFlow || s.Schedule is not null) || RunsOf(job).Any(r => r.State.Status is FlowStatus.Cancelled or FlowStatus.Terminated);
    }

    /// <summary>Whether a call whose answer nobody heard asked for a job under the same key, which may have come to nothing together with this one.</summary>
    private static bool MayHaveUndone(JobCall call, JobStory job) => call.Receipts.Count == 0 && call.Verb is JobVerb.Enqueue or JobVerb.TryNow
        && call.Queue == job.Row.Queue && call.Options.DedupKey is { } key && job.States.Exists(s => s.Dedup == key);

    private bool HadLimit(JobStory job) => job.States.Exists(s => s.HasLimit) || Observed.Jobs.Calls.Exists(c => c.Verb != JobVerb.Result && c.Options.Limit is not null && c.Queue == job.Row.Queue
        && (c.Receipts.Any(r => r.Number == job.Number) || c.Receipts.Count == 0));

    /// <summary>How many calls may count as failed: those that ended so, and those that did not hear of their token.</summary>
    private static int Failed(IEnumerable<HandlerCall> calls, long before)
        => calls.Count(c => c.Order < before && ((c.EndOrder > 0 && c.EndOrder < before && c.End != EffectEnd.Succeeded) || c.ToldAt is not null));
}
