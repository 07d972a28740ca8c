namespace Perdure.Simulation.Seen;

/// <summary>What was seen of jobs from outside the engine.</summary>
internal sealed class JobSeen
{
    /// <summary>What clients asked, and were answered.</summary>
    public List<JobCall> Calls { get; } = [];

    /// <summary>What handlers were called for.</summary>
    public List<HandlerCall> Attempts { get; } = [];

    /// <summary>When processes were paused.</summary>
    public List<(string Process, DateTimeOffset At)> Pauses { get; } = [];

    /// <summary>By how much a clock was ever ahead of the true time at most.</summary>
    public TimeSpan SkewMax { get; set; }

    /// <summary>Whether any clock was ever set.</summary>
    public bool HasSkew { get; set; }
}

internal enum JobVerb
{
    Enqueue,
    TryNow,
    Result,
    Cancel,
    Describe,
    Pause,
    Drain,
    Resume,

    /// <summary>A worker outside pulls, renews, reports or gives back.</summary>
    Lease,
    Renew,
    Report,
    GiveBack,

    /// <summary>Somebody looks after queues.</summary>
    Change,
    Reset,
    Redrive,
    Discard,
    PauseSchedule,
    ResumeSchedule,
    Trigger,
    Backfill,

    /// <summary>Somebody publishes events, moves a subscription in its log, or removes one that no code has.</summary>
    Publish,
    Rewind,
    Remove,
}

/// <summary>One call of a client about jobs, or about events.</summary>
internal sealed record JobCall(long Order, string Process, JobVerb Verb, string Queue)
{
    public DateTimeOffset At { get; init; }

    /// <summary>The worker that asks, or its one pull; null for others.</summary>
    public string? Worker { get; init; }

    /// <summary>What the jobs or events that are wanted carry, so that they can be told apart.</summary>
    public IReadOnlyList<int> Ids { get; init; } = [];

    /// <summary>What the caller said of them.</summary>
    public JobOptions Options { get; init; } = new();

    /// <summary>The job that it is about.</summary>
    public long Number { get; init; }

    /// <summary>Which of the job's subscribers asks; null for none in particular.</summary>
    public int? Subscriber { get; init; }

    /// <summary>What became of the jobs that were wanted.</summary>
    public IReadOnlyList<Told> Receipts { get; set; } = [];

    /// <summary>The id and the source that the publisher of an event gave; null for none.</summary>
    public (string Source, string Id)? PublishId { get; init; }

    /// <summary>The business transaction that the publisher of an event named; null for none.</summary>
    public string? Correlation { get; init; }

    /// <summary>Where a subscription is to go on; null for the end of the log.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>What was published.</summary>
    public IReadOnlyList<PublishedEvent> Published { get; set; } = [];

    /// <summary>When the answer came; 0 while there is none.</summary>
    public long AnswerOrder { get; set; }

    public string? Answer { get; set; }

    /// <summary>The code of the error that was the answer; null if it was none.</summary>
    public string? Error { get; set; }

    public bool IsDone => AnswerOrder > 0 && Error is null;
}

/// <summary>What a client was told of a job that it wants.</summary>
internal sealed record Told(long Number, Enqueued Kind, int? Subscriber);

/// <summary>One call of a handler, written down by itself.</summary>
internal sealed record HandlerCall(long Order, DateTimeOffset At, string Process, long Number, string Queue, string? Key, int Attempt, int Id)
{
    public long EndOrder { get; set; }

    public EffectEnd End { get; set; }

    /// <summary>What it gave back.</summary>
    public string? Result { get; set; }

    /// <summary>When its token was cancelled.</summary>
    public DateTimeOffset? ToldAt { get; set; }

    /// <summary>Whether an attempt before it had saved something.</summary>
    public bool FoundProgress { get; set; }

    /// <summary>The call of a handler that had it with others; 0 for one by itself.</summary>
    public int Batch { get; init; }

    /// <summary>Until when a worker outside takes the job for its own; null for handlers.</summary>
    public DateTimeOffset? HeldUntil { get; set; }
}
