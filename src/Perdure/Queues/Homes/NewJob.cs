using System.Runtime.InteropServices;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>A job that somebody wants: what its contract and its caller said, resolved.</summary>
/// <param name="Queue">Its queue.</param>
/// <param name="Type">Its contract.</param>
/// <param name="Payload">The job (JSON).</param>
internal sealed record NewJob(string Queue, JobType Type, byte[] Payload)
{
    public string? Key { get; init; }

    public int Priority { get; set; }

    /// <summary>Whether nobody said its priority, so that it is the queue's at the time.</summary>
    public bool HasQueuePriority { get; init; }

    public TimeSpan? Delay { get; init; }

    public DateTimeOffset? RunAt { get; init; }

    public string? DedupKey { get; init; }

    public Dedup Dedup { get; init; } = Dedup.Join;

    public TimeSpan? Limit { get; init; }

    /// <summary>From when on the limit counts; null for now.</summary>
    public DateTimeOffset? Since { get; init; }

    public TimeSpan? ExpireAfter { get; init; }

    public TimeSpan? Timeout { get; init; }

    public Retry? Retry { get; init; }

    public TimeSpan? KeepResult { get; init; }

    public string? TraceParent { get; init; }

    /// <summary>The business transaction that it belongs to; null for its own.</summary>
    public string? Correlation { get; init; }

    public string? Cause { get; init; }

    public DateTimeOffset? ScheduledFor { get; init; }

    /// <summary>The schedule that made it and counts it; null for others.</summary>
    public string? Schedule { get; init; }

    /// <summary>The flow that waits for it; null if none does.</summary>
    public ParentRef? Flow { get; init; }

    /// <summary>The time for its first attempt when it is tried at once, before others; null when it waits its turn.</summary>
    public TimeSpan? Now { get; init; }
}

/// <summary>What became of a job that somebody wanted.</summary>
/// <param name="Number">The job; the one that it was dropped together with.</param>
/// <param name="Subscriber">Which of the job's subscribers the caller is; -1 when it is none.</param>
/// <param name="Kind">What became of it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Receipt(long Number, int Subscriber, ReceiptKind Kind);

internal enum ReceiptKind
{
    Added,
    Joined,
    Ignored,
    Replaced,
    Dropped,
}

/// <summary>How a job ended.</summary>
/// <param name="Status">How.</param>
/// <param name="Result">The result, or the error (JSON).</param>
/// <param name="Attempts">How many attempts failed.</param>
internal sealed record JobEnd(JobStatus Status, byte[] Result, int Attempts);
