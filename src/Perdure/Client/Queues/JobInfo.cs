using System.Text.Json.Serialization;

namespace Perdure;

/// <summary>Facts of a job.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Queue">Its queue.</param>
/// <param name="Type">Its contract's durable name.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="CreatedAt">When it came.</param>
public sealed record JobInfo(string Id, string Queue, string Type, JobStatus Status, DateTimeOffset CreatedAt)
{
    /// <summary>Its key.</summary>
    public string? Key { get; init; }

    /// <summary>Its priority: the best of those who want it.</summary>
    public int Priority { get; init; }

    /// <summary>How many attempts failed.</summary>
    public int Attempts { get; init; }

    /// <summary>When it is tried at the earliest; null for as soon as it is its turn.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>When it ended; null while it has not.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Why it failed or was cancelled; null otherwise.</summary>
    public ErrorInfo? Error { get; init; }

    /// <summary>What its attempts threw, the last 20.</summary>
    public IReadOnlyList<JobAttemptError> Errors { get; init; } = [];

    /// <summary>The business transaction that it belongs to; its own is named after its id.</summary>
    public string CorrelationId { get => field ?? Id; init; }

    /// <summary>What caused it: <c>flow:type/id#ask</c>, <c>job:id</c> or <c>event:topic/position@subscription</c>; null for a caller outside.</summary>
    public string? Cause { get; init; }

    /// <summary>How many want it.</summary>
    public int Subscribers { get; init; } = 1;

    /// <summary>The share that is done, 0 to 1, as its handler reported it last; null if it did not.</summary>
    public double? Done { get; init; }

    /// <summary>How far it has come in words, as its handler reported it last.</summary>
    public string? Text { get; init; }

    /// <summary>The worker outside this process that has it; null if none has.</summary>
    public string? Worker { get; init; }

    /// <summary>When that worker's lease ends.</summary>
    public DateTimeOffset? LeaseUntil { get; init; }
}

/// <summary>What one attempt of a job threw.</summary>
/// <param name="At">When.</param>
/// <param name="Attempt">Which attempt, from 1.</param>
/// <param name="Error">What.</param>
public sealed record JobAttemptError(DateTimeOffset At, int Attempt, ErrorInfo Error);

/// <summary>Where a job stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<JobStatus>))]
public enum JobStatus
{
    /// <summary>It waits: for its turn, its time, a limit, or its queue's opening.</summary>
    Waiting = 0,

    /// <summary>A worker has it.</summary>
    Running = 1,

    /// <summary>Nobody wants it any more, and its worker has been told so.</summary>
    Cancelling = 2,

    /// <summary>It is done.</summary>
    Completed = 3,

    /// <summary>It was rejected, its attempts are used up, or it expired: a dead letter.</summary>
    Failed = 4,

    /// <summary>It was cancelled; a result that came later was dropped.</summary>
    Cancelled = 5,
}
