using System.Text.Json;
using System.Text.Json.Serialization;
using Perdure.Events;

namespace Perdure.Queues;

/// <summary>What most jobs do without: it stands in the job's row as JSON, and in memory only for those that have it.</summary>
internal sealed class JobMore
{
    public string? Dedup { get; set; }

    /// <summary>Whether only a job that waits is the same one.</summary>
    public bool UntilStarted { get; set; }

    /// <summary>Who wants it; null for one client that gave no limit.</summary>
    public List<Subscriber>? Subscribers { get; set; }

    /// <summary>How many subscribers there ever were: numbers are not used again.</summary>
    public int SubscriberCount { get; set; } = 1;

    /// <summary>When it was made a job again after its end; null if it never was.</summary>
    public DateTimeOffset? RedrivenAt { get; set; }

    public DateTimeOffset? ExpireAt { get; set; }

    public TimeSpan? Timeout { get; set; }

    public RetryData? Retry { get; set; }

    public TimeSpan? KeepResult { get; set; }

    public string? TraceParent { get; set; }

    /// <summary>The business transaction that it belongs to; null for its own.</summary>
    public string? Correlation { get; set; }

    /// <summary>When its last attempt began, where it belongs to a business transaction that something else began.</summary>
    public DateTimeOffset? StartedAt { get; set; }

    /// <summary>What caused it; null for nothing inside.</summary>
    public string? Cause { get; set; }

    /// <summary>The event that it is about; null for a job that somebody enqueued.</summary>
    public EventRef? Event { get; set; }

    public DateTimeOffset? ScheduledFor { get; set; }

    /// <summary>The schedule that made it and counts it as open; null for others, also for jobs of a backfill.</summary>
    public string? Schedule { get; set; }

    /// <summary>Why nobody wants it any more, while its worker has not agreed.</summary>
    public string? CancelReason { get; set; }

    /// <summary>What an attempt saved (JSON).</summary>
    public JsonElement? Saved { get; set; }

    public double? Done { get; set; }

    public string? Text { get; set; }

    /// <summary>The worker outside that has it, and until when.</summary>
    public JobLease? Lease { get; set; }

    public int LostLeases { get; set; }

    /// <summary>The flow that does it now, as type/id; null for none.</summary>
    public string? Flow { get; set; }

    /// <summary>How many flows were started to do it.</summary>
    public int FlowRuns { get; set; }

    /// <summary>What its attempts threw, the last ones.</summary>
    public List<JobError>? Errors { get; set; }

    public static byte[]? Write(JobMore? more) => more is null ? null : JsonSerializer.SerializeToUtf8Bytes(more, JobJson.Default.JobMore);

    public static JobMore? Read(byte[]? json) => json is null ? null : JsonSerializer.Deserialize(json, JobJson.Default.JobMore);
}

/// <summary>Somebody who wants a job.</summary>
internal sealed class Subscriber
{
    public int Number { get; set; }

    public int Priority { get; set; }

    /// <summary>Until when it wants it; null for always.</summary>
    public DateTimeOffset? Until { get; set; }

    /// <summary>How long a flow wanted it at most.</summary>
    public TimeSpan? Limit { get; set; }

    /// <summary>The flow that waits, and its ask; null for a client.</summary>
    public string? FlowType { get; set; }

    public string? FlowId { get; set; }

    public int Ask { get; set; }

    /// <summary>Whether it only waits for the end: whether the job goes on, and when, is for the others to say.</summary>
    public bool HasNoSay { get; set; }

    public bool IsFlow(Storage.ParentRef flow) => FlowType is not null && Ask == flow.Ask && FlowId == flow.Flow.Id && FlowType == flow.Flow.Type;
}

/// <summary>A worker's right to a job, or another node's.</summary>
internal sealed class JobLease
{
    public string Worker { get; set; } = "";

    /// <summary>The node whose handler does the job, for as long as it lives; 0 for a worker outside.</summary>
    public long Node { get; set; }

    /// <summary>Random: a worker that lost the job and has it no more is told apart from one that has it again.</summary>
    public Guid Token { get; set; }

    public DateTimeOffset Until { get; set; }
}

/// <summary>What one attempt threw.</summary>
internal sealed class JobError
{
    public DateTimeOffset At { get; set; }

    public int Attempt { get; set; }

    public ErrorInfo Error { get; set; } = null!;
}

/// <summary>A <see cref="Perdure.Retry"/> as a row holds it.</summary>
internal sealed class RetryData
{
    public int? Attempts { get; set; }

    public TimeSpan First { get; set; }

    public TimeSpan Cap { get; set; }

    public double Factor { get; set; }

    public double Jitter { get; set; }

    public TimeSpan? Within { get; set; }

    public static RetryData? Of(Retry? retry) => retry is null ? null : new()
    {
        Attempts = retry.Attempts,
        First = retry.First,
        Cap = retry.Cap,
        Factor = retry.Factor,
        Jitter = retry.Jitter,
        Within = retry.Within,
    };

    public Retry ToRetry() => Retry.Forever with { Attempts = Attempts, First = First, Cap = Cap, Factor = Factor, Jitter = Jitter, Within = Within };
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(JobMore))]
[JsonSerializable(typeof(FlowJob))]
internal sealed partial class JobJson : JsonSerializerContext;
