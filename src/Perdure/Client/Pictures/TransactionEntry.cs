namespace Perdure;

/// <summary>One thing that happened, or is under way, in a business transaction.</summary>
/// <param name="Id">
/// What names it, and stands as the cause of what it brought about: <c>flow:type/id</c>, <c>flow:type/id#ask</c>, <c>job:id</c>,
/// <c>event:topic/position</c>, <c>event:topic/position@subscription</c>. Where a rewound subscription had an event again, a <c>~2</c> follows, and so on.
/// </param>
/// <param name="Kind">What it is.</param>
/// <param name="Name">Its durable name: a step's, a job's or an event's type, a subscription's; a flow's type and id.</param>
/// <param name="Participant">Where it took place: the flow's type, the job's queue, the event's topic, or the subscription. Of what is known by a flow's call alone: the flow's type.</param>
/// <param name="At">When it was asked for, or came.</param>
public sealed record TransactionEntry(string Id, TransactionEntryKind Kind, string Name, string Participant, DateTimeOffset At)
{
    /// <summary>What caused it; null for a client outside.</summary>
    public string? Cause { get; init; }

    /// <summary>The id of the entry that it stands under: its cause, or what is kept of it. Null at the top.</summary>
    public string? Parent { get; init; }

    /// <summary>The key of a job or event; null for none.</summary>
    public string? Key { get; init; }

    /// <summary>How it stands.</summary>
    public TransactionEntryStatus Status { get; init; }

    /// <summary>When work on it began: a step's first attempt, a delivery's last one. Null where nothing was attempted, and for jobs, of which that is not kept.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended; null while it has not.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How long it waited: for its first attempt, or for what it waits for; a flow, while none of its steps was worked on. Null where that is not known (yet).</summary>
    public TimeSpan? Waited { get; init; }

    /// <summary>How long it was worked on, with the pauses between attempts; a flow, by its steps and undos. Null where that is not known (yet).</summary>
    public TimeSpan? Worked { get; init; }

    /// <summary>How many attempts failed.</summary>
    public int FailedAttempts { get; init; }

    /// <summary>Whether its cause waits, or waited, for its end.</summary>
    public bool IsAwaited { get; init; }

    /// <summary>What became of an event that flows wait for; null for others.</summary>
    public EventFate? Fate { get; init; }

    /// <summary>The id of the event that a wait got; null for none.</summary>
    public string? AnsweredBy { get; init; }

    /// <summary>The id of the step that an undo undoes; null where history does not say which.</summary>
    public string? Undoes { get; init; }

    /// <summary>The id of the undo that undid a step, or is about to; null for none.</summary>
    public string? UndoneBy { get; init; }

    /// <summary>Why it failed, was cancelled or is stuck, or what its last attempt threw; null otherwise.</summary>
    public ErrorInfo? Error { get; init; }

    /// <summary>Whether more will come of it.</summary>
    public bool IsOpen => Status <= TransactionEntryStatus.Stuck;
}

/// <summary>What an entry of a business transaction is.</summary>
public enum TransactionEntryKind
{
    /// <summary>A run of a flow.</summary>
    Flow = 0,

    /// <summary>A flow's step.</summary>
    Step = 1,

    /// <summary>A flow's undo of a step.</summary>
    Undo = 2,

    /// <summary>A flow's wait for a signal, a condition or an event.</summary>
    Wait = 3,

    /// <summary>A flow's delay, or the limit of a region that was reached.</summary>
    Timer = 4,

    /// <summary>A flow's call for a child of which nothing else is known (yet). Others are <see cref="Flow"/>.</summary>
    Child = 5,

    /// <summary>A job.</summary>
    Job = 6,

    /// <summary>An event that was published.</summary>
    Event = 7,

    /// <summary>What a subscription's handler did with an event.</summary>
    Delivery = 8,
}

/// <summary>How an entry of a business transaction stands. Those up to <see cref="Stuck"/> are open.</summary>
public enum TransactionEntryStatus
{
    /// <summary>It waits.</summary>
    Waiting = 0,

    /// <summary>It is under way.</summary>
    Running = 1,

    /// <summary>A flow undoes what it did.</summary>
    Undoing = 2,

    /// <summary>It needs a person.</summary>
    Stuck = 3,

    /// <summary>It was done, or what was waited for came.</summary>
    Completed = 4,

    /// <summary>It failed, or was rejected.</summary>
    Failed = 5,

    /// <summary>It was cancelled.</summary>
    Cancelled = 6,

    /// <summary>It was ended at once, without undo.</summary>
    Terminated = 7,

    /// <summary>What it waited for did not come in time.</summary>
    LimitReached = 8,

    /// <summary>The flow no longer wanted it.</summary>
    Withdrawn = 9,

    /// <summary>A person settled or skipped an undo.</summary>
    SettledByHand = 10,

    /// <summary>Nothing is kept of how it ended.</summary>
    Unknown = 11,
}
