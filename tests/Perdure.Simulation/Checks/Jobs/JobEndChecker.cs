using System.Text.Json;
using Perdure.Diagnostics;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks.Jobs;

/// <summary>No job is lost: each ends once, for a reason that was seen, and attempts that a crash ended or that never began use up none.</summary>
internal sealed class JobEndChecker(JobsStory jobs) : Checker("each job ends once, for a reason")
{
    protected override void Check()
    {
        foreach (string wrong in jobs.Contradictions)
        {
            Wrong(wrong);
        }

        ILookup<long, HandlerCall> calls = Observed.Jobs.Attempts.ToLookup(a => a.Number);
        foreach (JobStory job in jobs.All)
        {
            MustHold(job.HasEnded, $"{job} has not ended");
            foreach (StateStory state in job.States)
            {
                MustHold(state.State.Attempts <= Failed(calls[job.Number], state.Order), $"{job}: {state.State.Attempts} attempts are counted as failed, but {Failed(calls[job.Number], state.Order)} did");
            }

            if (job.End is { } end)
            {
                CheckEnd(job, end, [.. calls[job.Number].Where(c => c.Order < job.EndOrder)]);
            }
        }
    }

    private void CheckEnd(JobStory job, Storage.JobEndRow end, List<HandlerCall> calls)
    {
        switch (end.Status)
        {
            case JobStatus.Completed:
                string? result = JsonSerializer.Deserialize<string>(end.Result!);
                MustHold(calls.Exists(c => c.Result == result && c.EndOrder < job.EndOrder), $"{job} is recorded as done with {result}, but no handler gave that");
                break;
            case JobStatus.Cancelled:
                MustHold(HadLimit(job) || WasLeft(job) || WasUndone(end), $"{job} was cancelled, but somebody wants it");
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
        QueueOptions queue = jobs.Plan.Queues[job.Row.Queue];
        int least = RetryOf(job)?.Attempts ?? queue.Retry.Attempts ?? int.MaxValue;
        bool isReason = code switch
        {
            ErrorCodes.JobExpired => job.At(job.EndOrder).ExpireAt is not null,
            ErrorCodes.CrashSuspect or ErrorCodes.StoreRefused => true,
            _ => calls.Exists(c => c.End is EffectEnd.Rejected or EffectEnd.Permanent) || Failed(calls, job.EndOrder) >= Math.Min(least, end.Attempts == 0 ? 1 : least),
        };
        MustHold(isReason, $"{job} is a dead letter with {code} after {calls.Count} calls, of which {Failed(calls, job.EndOrder)} failed, of {least}");
    }

    private static bool WasUndone(Storage.JobEndRow end)
    {
        using var json = JsonDocument.Parse(end.Result!);
        return json.RootElement.GetProperty("type").GetString() == "Merged";
    }

    /// <summary>Whether somebody had cancelled it for all, or all who wanted it had left.</summary>
    private bool WasLeft(JobStory job)
    {
        List<JobCall> cancels = Observed.Jobs.Calls.FindAll(c => c.Verb == JobVerb.Cancel && c.Number == job.Number && c.Order < job.EndOrder);
        return cancels.Exists(c => c.Subscriber is null) || cancels.Select(c => c.Subscriber).Distinct().Count() >= job.States.Max(s => s.SubscriberCount);
    }

    /// <summary>The retries that its first caller gave.</summary>
    private Retry? RetryOf(JobStory job) => Observed.Jobs.Calls.Find(c => c.Ids.Contains(job.States[0].Id!.Value))?.Options.Retry;

    private bool HadLimit(JobStory job) => Observed.Jobs.Calls.Exists(c => c.Verb != JobVerb.Result && c.Options.Limit is not null && c.Queue == job.Row.Queue
        && (c.Receipts.Any(r => r.Number == job.Number) || c.Receipts.Count == 0));

    /// <summary>How many calls may count as failed: those that ended so, and those that did not hear of their token.</summary>
    private static int Failed(IEnumerable<HandlerCall> calls, long before)
        => calls.Count(c => c.Order < before && ((c.EndOrder > 0 && c.EndOrder < before && c.End != EffectEnd.Succeeded) || c.ToldAt is not null));
}
