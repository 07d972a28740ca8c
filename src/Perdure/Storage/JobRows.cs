namespace Perdure.Storage;

/// <summary>A job that waits or runs. Once it has ended it is a <see cref="JobEndRow"/>, or forgotten.</summary>
/// <param name="Number">Unique in the store, and larger for jobs that came later.</param>
/// <param name="Shard">The shard it lives on: the home of its queue.</param>
/// <param name="Queue">Its queue.</param>
/// <param name="Type">The durable name of its contract.</param>
/// <param name="CreatedAt">When it came, in whole microseconds.</param>
public sealed record JobRow(long Number, int Shard, string Queue, string Type, DateTimeOffset CreatedAt)
{
    /// <summary>The key by which its queue limits, orders or takes turns; null for none.</summary>
    public string? Key { get; init; }

    /// <summary>The job itself (JSON); null where rows are read without it.</summary>
    public byte[]? Payload { get; init; }

    /// <summary>What changes while it waits.</summary>
    public JobState State { get; set; }
}

/// <summary>The part of a job's row that changes.</summary>
/// <param name="Priority">The best priority that one of its subscribers gave; the lowest number goes first.</param>
/// <param name="NotBefore">The earliest time of its next attempt, in whole microseconds; null for at once.</param>
/// <param name="Attempts">How many attempts have failed.</param>
/// <param name="More">Everything that most jobs do without (JSON): subscribers, dedup, limits of time, lease, progress, errors; null for nothing.</param>
public readonly record struct JobState(int Priority, DateTimeOffset? NotBefore = null, int Attempts = 0, byte[]? More = null);

/// <summary>A job's new state.</summary>
/// <param name="Number">The job.</param>
/// <param name="State">Its state from now on.</param>
/// <param name="Payload">Its new payload; null leaves what it has.</param>
public readonly record struct JobUpdate(long Number, JobState State, byte[]? Payload = null);

/// <summary>How a job ended, kept for a time: a result to be asked for, or a dead letter.</summary>
/// <param name="Number">The job.</param>
/// <param name="Shard">The shard it lived on.</param>
/// <param name="Queue">Its queue.</param>
/// <param name="Type">The durable name of its contract.</param>
/// <param name="Status">How it ended: completed, failed or cancelled.</param>
/// <param name="CreatedAt">When it came.</param>
/// <param name="EndedAt">When it ended, in whole microseconds.</param>
/// <param name="KeepUntil">When it is forgotten, in whole microseconds.</param>
public sealed record JobEndRow(long Number, int Shard, string Queue, string Type, JobStatus Status, DateTimeOffset CreatedAt, DateTimeOffset EndedAt, DateTimeOffset KeepUntil)
{
    /// <summary>The key by which its queue limited, ordered or took turns.</summary>
    public string? Key { get; init; }

    /// <summary>The priority it had.</summary>
    public int Priority { get; init; }

    /// <summary>How many attempts failed.</summary>
    public int Attempts { get; init; }

    /// <summary>The result, or the error (JSON).</summary>
    public byte[]? Result { get; init; }

    /// <summary>What else is worth keeping, as in <see cref="JobState.More"/>.</summary>
    public byte[]? More { get; init; }

    /// <summary>The business transaction that it belonged to; null for its own.</summary>
    public string? Correlation { get; init; }

    /// <summary>Whether the store keeps the job's payload beside it, taken from the job's row, so that it can be done again.</summary>
    public bool KeepsPayload { get; init; }
}

/// <summary>What a queues' home remembers beside its jobs: a pause, a changed policy, a rate's state, a schedule's last run.</summary>
/// <param name="Name">Unique within the shard.</param>
/// <param name="Value">The value (JSON); null to forget it.</param>
public sealed record MemoRow(string Name, byte[]? Value);
