using Perdure.Diagnostics;
using Perdure.Events;
using Perdure.Serialization;
using Perdure.Storage;
using Perdure.Worker;

namespace Perdure.Queues;

/// <summary>What becomes of jobs: they end, or are tried again.</summary>
internal sealed class Outcomes(Home home)
{
    private const int ErrorsKept = 20;

    /// <summary>Attempts of a job have led to something.</summary>
    public void Take(long number, JobReport report)
    {
        home.Node.Jobs.Taken(number);
        if (home.Find(number) is not { Phase: JobPhase.Running } job)
        {
            return;
        }

        if (job.IsCancelling)
        {
            Cancelled(job); // whatever came of it: it was shown as cancelled
        }
        else if (report.Result is { } result)
        {
            if (report.Effects is { } effects)
            {
                home.Topics.Apply(effects);
                if (job.More is not { Event.HasRow: false })
                {
                    home.Batch.JobsWithEffects.Add(job.Number);
                }
            }

            Completed(job, result);
        }
        else
        {
            Failed(job, report.Error!);
        }
    }

    public void Completed(Job job, byte[] result)
    {
        TimeSpan keep = KeepOf(job);
        bool kept = keep > TimeSpan.Zero && (job.More?.KeepResult is not null || home.Registry.Find(job.Type) is { HasResult: true });
        End(job, JobStatus.Completed, result, kept ? keep : null, keepsPayload: false);
    }

    /// <summary>An attempt failed: the job is tried again, or is a dead letter.</summary>
    public void Failed(Job job, ErrorInfo error)
    {
        QueueOptions policy = home.Queues.Policy(job.Queue);
        Retry retry = job.More?.Retry?.ToRetry() ?? policy.Retry;
        DateTimeOffset now = home.Shard.Now();
        job.Attempts++;
        job.More ??= new JobMore();
        Note(job, error, now);
        if (error.Kind != ErrorKind.Rejected)
        {
            home.Node.Log.JobAttemptFailed(job, job.Attempts, error.Kind, error.Message);
        }

        job.MayBeDone |= error.Kind == ErrorKind.Unknown;
        bool passes = error.Kind is ErrorKind.Transient or ErrorKind.Unknown;
        DateTimeOffset next = passes ? StoredTimes.Up(now, retry.DelayAfter(job.Attempts, home.Node.Seams.Chance())) : default;
        if (!passes || job.Attempts >= retry.Attempts || (retry.Within is { } within && next - job.BeganAt > within))
        {
            Dead(job, passes ? error with { Kind = ErrorKind.Permanent } : error, failed: passes);
            return;
        }

        if (job.More.ExpireAt <= next)
        {
            Expired(job);
            return;
        }

        home.Starts.Ended(job, comesBack: true, DependencyOutcome.Failed);
        job.NotBefore = next;
        home.Write(job);
        home.Place(job, now);
        home.Dedups.AddBack(job);
        home.Subscriptions.Watch(job);
        home.Waiters.FirstAttemptFailed(job);
        home.Followers.Progressed(job);
    }

    /// <summary>A job was not done in the time that it had.</summary>
    public void Expired(Job job)
        => Dead(job, new ErrorInfo(ErrorKind.Permanent, ErrorCodes.JobExpired, "Expired", $"it was not done within {job.More!.ExpireAt - job.BeganAt}"), failed: job.Phase == JobPhase.Running);

    /// <summary>Makes a dead letter of a job.</summary>
    public void Dead(Job job, ErrorInfo error, bool failed = false)
    {
        if (error.Kind == ErrorKind.Rejected)
        {
            home.Node.Log.JobRejected(job, error.Code, error.Message); // a business no is no error of the program
        }
        else
        {
            home.Node.Log.JobDead(job, error.Code, error.Message);
        }

        DependencyOutcome said = error.Code == ErrorCodes.CrashSuspect ? DependencyOutcome.None : failed ? DependencyOutcome.Failed : DependencyOutcome.Answered; // of one that killed its process nobody heard
        End(job, JobStatus.Failed, FlowJson.SerializeError(error), home.Queues.Policy(job.Queue).KeepDeadLetters, keepsPayload: true, said);
    }

    /// <summary>Nobody wants a job any more, and no worker has it.</summary>
    public void Cancelled(Job job)
    {
        var error = new ErrorInfo(ErrorKind.Cancelled, ErrorCodes.JobCancelled, "Cancelled", job.More?.CancelReason ?? "cancelled");
        End(job, JobStatus.Cancelled, FlowJson.SerializeError(error), KeepOf(job), keepsPayload: false);
    }

    /// <summary>Takes a job that waits away as if it had never been wanted: who waits is told that it is done.</summary>
    public void Drop(Job job) => End(job, JobStatus.Cancelled, Merged.Result, KeepOf(job), keepsPayload: false);

    /// <summary>The end of two jobs that came to nothing together.</summary>
    public static JobEnd Merged { get; } = new(JobStatus.Cancelled, FlowJson.SerializeError(new ErrorInfo(ErrorKind.Cancelled, ErrorCodes.JobCancelled, "Merged", "merged with one that undid it")), 0);

    private void End(Job job, JobStatus status, byte[] result, TimeSpan? keep, bool keepsPayload, DependencyOutcome said = DependencyOutcome.Answered)
    {
        DateTimeOffset now = home.Shard.Now();
        if (job.Phase == JobPhase.Running)
        {
            home.Starts.Ended(job, comesBack: false, status == JobStatus.Cancelled ? DependencyOutcome.None : said);
        }
        else
        {
            home.Displace(job);
        }

        keep ??= TraceOf(job);
        if (keep is { } time && time > TimeSpan.Zero)
        {
            if (keepsPayload && job.More is { Event.HasRow: false })
            {
                home.Topics.GiveRow(job); // its payload is kept from there
            }

            home.Ends.Kept(job.Number);
            home.Batch.JobEnds.Add(new JobEndRow(job.Number, home.Shard.Index, job.Queue, job.Type, status, job.CreatedAt, now, StoredTimes.Up(now, time))
            {
                Key = job.Key,
                Priority = job.Priority,
                Attempts = job.Attempts,
                Result = result,
                More = JobMore.Write(job.More),
                Correlation = job.More?.Correlation,
                KeepsPayload = keepsPayload,
            });
        }

        if (job.More?.Event is { } about)
        {
            home.Topics.Ended(job, about, status, now);
        }

        if (job.More is null or { Event: null or { HasRow: true } })
        {
            home.Batch.EndedJobs.Add(job.Number);
        }

        home.Flows.Answer(job, status, result);
        home.Followers.Ended(job, status);
        home.Waiters.Ended(job, new JobEnd(status, result, job.Attempts), isKept: keep > TimeSpan.Zero);
        home.Queues.Ended(job.Queue, now);
        PerdureMeter.JobEnded(job.Queue, status, now - job.CreatedAt);
        home.Remove(job);
    }

    /// <summary>How long a job's end is kept for the picture of its business transaction; null where that is known elsewhere: in an event's delivery, a flow's history, or by nobody else.</summary>
    private TimeSpan? TraceOf(Job job)
        => job.More is { Correlation: not null, Event: null } more && more.Subscribers?.Exists(s => s.FlowType is not null) is not true ? home.Node.Options.KeepTraces : null;

    private TimeSpan KeepOf(Job job) => job.More?.KeepResult ?? home.Queues.Policy(job.Queue).KeepResults;

    private static void Note(Job job, ErrorInfo error, DateTimeOffset now)
    {
        job.More!.Errors ??= [];
        if (job.More.Errors.Count == ErrorsKept)
        {
            job.More.Errors.RemoveAt(0);
        }

        job.More.Errors.Add(new JobError { At = now, Attempt = job.Attempts, Error = error });
    }
}

/// <summary>What attempts have led to: a result (JSON) or an error.</summary>
internal sealed record JobReport(byte[]? Result, ErrorInfo? Error)
{
    /// <summary>What is to happen together with the job's end, if it has a result; null for nothing.</summary>
    public JobEffects? Effects { get; init; }
}
