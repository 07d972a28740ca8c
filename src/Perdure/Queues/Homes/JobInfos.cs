using Perdure.Cluster;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Describes a job that has not ended; null for one that has.</summary>
internal sealed class DescribeJob(long number) : HomeCall<JobInfo?>
{
    public override string What => $"describing job {number:x}";

    protected override CallText Text => CallText.Of("describe", number);

    protected override void Deliver() => AnswerThen(Home.Find(number) is { } job ? JobInfos.Of(job) : null);
}

/// <summary>Facts of jobs, as people see them.</summary>
internal static class JobInfos
{
    public static JobInfo Of(Job job) => With(new JobInfo(job.ToString(), job.Queue, job.Type, job.Status, job.CreatedAt)
    {
        Key = job.Key,
        Priority = job.Priority,
        Attempts = job.Attempts,
        NotBefore = job.NotBefore == default ? null : job.NotBefore,
    }, job.More);

    public static JobInfo Of(JobRow row)
    {
        JobMore? more = JobMore.Read(row.State.More);
        JobStatus status = more switch
        {
            { CancelReason: not null } => JobStatus.Cancelling,
            { Lease: not null } => JobStatus.Running,
            _ => JobStatus.Waiting,
        };
        return With(new JobInfo(JobId.Text(row.Queue, row.Number), row.Queue, row.Type, status, row.CreatedAt)
        {
            Key = row.Key,
            Priority = row.State.Priority,
            Attempts = row.State.Attempts,
            NotBefore = row.State.NotBefore,
        }, more);
    }

    public static JobInfo Of(JobEndRow end) => With(new JobInfo(JobId.Text(end.Queue, end.Number), end.Queue, end.Type, end.Status, end.CreatedAt)
    {
        Key = end.Key,
        Priority = end.Priority,
        Attempts = end.Attempts,
        EndedAt = end.EndedAt,
        Error = end.Status == JobStatus.Completed ? null : FlowJson.DeserializeError(end.Result),
    }, JobMore.Read(end.More));

    private static JobInfo With(JobInfo info, JobMore? more) => more is null ? info : info with
    {
        Errors = [.. (more.Errors ?? []).Select(e => new JobAttemptError(e.At, e.Attempt, e.Error))],
        CorrelationId = more.Correlation ?? info.Id,
        Cause = more.Event is { } about ? $"event:{about}@{info.Queue}" : more.Cause,
        Subscribers = more.Subscribers?.Count ?? 1,
        Done = more.Done,
        Text = more.Text,
        Worker = more.Lease?.Worker,
        LeaseUntil = more.Lease is { Node: 0 } lease ? lease.Until : null,
    };
}
