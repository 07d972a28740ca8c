namespace Perdure.Storage;

/// <summary>A flow's identity: its type's durable name and its id within that type.</summary>
/// <param name="Type">The durable name of the flow type.</param>
/// <param name="Id">The id, as the starter chose it or as it was made.</param>
public readonly record struct FlowKey(string Type, string Id)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Type}/{Id}";
}

/// <summary>A run's narrow row. Input, inputs and result are history rows.</summary>
/// <param name="Run">The run's number: unique in the store, and larger for runs of the same shard that started later.</param>
/// <param name="Shard">The shard it lives on.</param>
/// <param name="Key">Its identity; unique in the store.</param>
/// <param name="Version">The version of the flow type it runs on.</param>
/// <param name="CreatedAt">When it was started, in whole microseconds.</param>
public sealed record FlowRow(long Run, int Shard, FlowKey Key, int Version, DateTimeOffset CreatedAt)
{
    /// <summary>The wake-up of a flow that has work to do whenever somebody looks.</summary>
    public static readonly DateTimeOffset Busy = DateTimeOffset.UnixEpoch;

    /// <summary>Who started it and awaits its end, if a flow did.</summary>
    public ParentRef? Parent { get; init; }

    /// <summary>The W3C trace parent of the start call, if there was one.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The business transaction that it belongs to; null for its own, which is named after its <see cref="Key"/>.</summary>
    public string? Correlation { get; init; }

    /// <summary>What caused its start; null for nothing inside.</summary>
    public string? Cause { get; init; }

    /// <summary>What changes while it runs.</summary>
    public FlowState State { get; set; }
}

/// <summary>The part of a flow's row that changes. Written at the start, at the end, and when the flow turns from busy to a long wait or back.</summary>
/// <param name="Status">Where it stands.</param>
/// <param name="WakeAt">The earliest time at which it must be looked at, in whole microseconds; null when it has ended or is stuck.</param>
/// <param name="EndedAt">When it ended; null while it is open.</param>
/// <param name="StuckCode">The error code that says why it is stuck; null otherwise.</param>
/// <param name="StuckReason">The reason in words.</param>
public readonly record struct FlowState(FlowStatus Status, DateTimeOffset? WakeAt, DateTimeOffset? EndedAt = null, string? StuckCode = null, string? StuckReason = null);

/// <summary>The flow that awaits another one's end, and the ask that this end answers.</summary>
/// <param name="Flow">The waiting flow.</param>
/// <param name="Ask">The number of its ask.</param>
public sealed record ParentRef(FlowKey Flow, int Ask);

/// <summary>One input that a flow was told, and what its turn asked for in answer.</summary>
/// <param name="Run">The run.</param>
/// <param name="Position">0 for the start, then counting up without gaps.</param>
/// <param name="At">The input's time, in whole microseconds: what <c>flow.Now</c> says in its turn.</param>
/// <param name="Kind">What kind of input.</param>
public sealed record HistoryRow(long Run, int Position, DateTimeOffset At, InputKind Kind)
{
    /// <summary>The number of the ask that this input answers; -1 for an input nobody asked for.</summary>
    public int Ask { get; init; } = -1;

    /// <summary>A signal's name; null for other inputs.</summary>
    public string? Name { get; init; }

    /// <summary>The sender's id of a signal, by which it is deduplicated.</summary>
    public string? SenderId { get; init; }

    /// <summary>How many attempts a step took; 0 where nothing was attempted.</summary>
    public int Attempts { get; init; }

    /// <summary>When a step's first attempt began; null where nothing was attempted.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>The value (JSON): input, step result, signal value, child result, or the error of a failure.</summary>
    public byte[]? Payload { get; init; }

    /// <summary>
    /// What the turn asked for, one line per ask: a letter for its kind, a space, its name. Empty when it asked for nothing; null
    /// when the turn has not been decided (the flow was stuck when the input came, or got stuck in it).
    /// </summary>
    public string? Asks { get; set; }

    /// <summary>The flow's result or error (JSON) when this turn ended it.</summary>
    public byte[]? Result { get; set; }
}

/// <summary>What kinds of inputs a flow can be told.</summary>
public enum InputKind
{
    /// <summary>The run was started; the payload is its input.</summary>
    Started = 0,

    /// <summary>A step, undo, child or job succeeded; the payload is its result.</summary>
    Completed = 1,

    /// <summary>A step, undo, child or job failed; the payload is the error.</summary>
    Failed = 2,

    /// <summary>A delay, or the limit of a wait or region, came due.</summary>
    TimerFired = 3,

    /// <summary>A signal came; the payload is its value.</summary>
    SignalReceived = 4,

    /// <summary>Somebody asked the flow to cancel; the payload is the reason.</summary>
    CancelRequested = 5,

    /// <summary>Somebody ended the flow at once; the payload is the reason.</summary>
    Terminated = 6,

    /// <summary>Somebody settled an undo by hand or skipped it; the payload is the reason.</summary>
    UndoSettled = 7,

    /// <summary>An event came that the flow waited for; the payload is the event.</summary>
    EventReceived = 8,
}

/// <summary>A step's back-off that must outlive the process: one row per open step, updated, and gone when the outcome is recorded.</summary>
/// <param name="Run">The run.</param>
/// <param name="Ask">The step's ask.</param>
/// <param name="Attempts">How many attempts have failed.</param>
/// <param name="StartedAt">When the first attempt began.</param>
/// <param name="NextAt">When the next attempt is due.</param>
/// <param name="LastError">The last attempt's error (JSON).</param>
public sealed record BackoffRow(long Run, int Ask, int Attempts, DateTimeOffset StartedAt, DateTimeOffset NextAt, byte[] LastError)
{
    /// <summary>The next attempt of a step at which the flow is stuck: a person must ask for it. In whole microseconds, like all times.</summary>
    public static readonly DateTimeOffset Never = new(DateTimeOffset.MaxValue.UtcTicks - (DateTimeOffset.MaxValue.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);
}

/// <summary>A message between flows, queues and topics: written by the sender's batch, deleted by the receiver's.</summary>
/// <param name="Shard">The receiving shard.</param>
/// <param name="Id">Unique within the receiving shard, and the same each time the sender decides the same (run and position).</param>
/// <param name="Kind">What it wants.</param>
/// <param name="To">The receiving flow.</param>
public sealed record InboxRow(int Shard, string Id, MessageKind Kind, FlowKey To)
{
    /// <summary>The sending flow, and the ask of its that this is about.</summary>
    public ParentRef? From { get; init; }

    /// <summary>The trace parent of a flow that is to be started; the name of a signal; which call is answered.</summary>
    public string? Name { get; init; }

    /// <summary>The value (JSON).</summary>
    public byte[]? Payload { get; init; }

    /// <summary>The business transaction of a flow that is to be started; null for its own.</summary>
    public string? Correlation { get; init; }

    /// <summary>What caused a flow to be started; the sender's id of a signal; how a flow ended that was waited for.</summary>
    public string? Cause { get; init; }
}

/// <summary>What flows say to each other across shards, and clients to flows across nodes.</summary>
public enum MessageKind
{
    /// <summary>Start this child; the payload is its input.</summary>
    StartChild = 0,

    /// <summary>A child or job has succeeded; the payload is its result.</summary>
    ChildCompleted = 1,

    /// <summary>A child or job has failed or could not start; the payload is the error.</summary>
    ChildFailed = 2,

    /// <summary>Cancel: the flow that asked no longer wants it.</summary>
    Cancel = 3,

    /// <summary>To the queues: a flow wants this job.</summary>
    EnqueueJob = 4,

    /// <summary>To the topics: a flow publishes this event.</summary>
    PublishEvent = 5,

    /// <summary>To the topics: a flow waits for an event.</summary>
    AwaitEvent = 6,

    /// <summary>To the topics: a flow cannot take the event that it was sent.</summary>
    ReturnEvent = 7,

    /// <summary>To a flow: the event that it waits for; the payload is its data.</summary>
    EventCame = 8,

    /// <summary>A client's call: start this flow; the payload is its input.</summary>
    Start = 9,

    /// <summary>A client's call: start this flow, and say how it ends.</summary>
    StartAndWait = 10,

    /// <summary>A client's call: say how this flow ends. It stays in the inbox until then.</summary>
    Wait = 11,

    /// <summary>The client no longer waits; the name is that of the call.</summary>
    StopWaiting = 12,

    /// <summary>A client's call: take this signal; the payload is its value.</summary>
    Signal = 13,

    /// <summary>A client's call: cancel; the payload is the reason.</summary>
    CancelFlow = 14,

    /// <summary>A client's call: terminate; the payload is the reason.</summary>
    Terminate = 15,

    /// <summary>A client's call: go on, having been stuck.</summary>
    Retry = 16,

    /// <summary>A client's call: take the undo at which the flow is stuck as done; the payload is the reason.</summary>
    SettleUndo = 17,

    /// <summary>To a node: the answer to a call.</summary>
    Answer = 18,

    /// <summary>To a node: a call is refused; the payload is the error.</summary>
    Refusal = 19,

    /// <summary>A client's call to the queues and topics: the name is what it asks, the payload what it says to that.</summary>
    HomeCall = 20,

    /// <summary>To a node: run these jobs. It stays in the inbox until their outcome.</summary>
    RunJobs = 21,

    /// <summary>To the queues: what came of jobs that a node ran.</summary>
    JobsRan = 22,

    /// <summary>To a node: nobody wants this job any more.</summary>
    StopJob = 23,

    /// <summary>To a node: say what jobs you do.</summary>
    AskOffer = 24,

    /// <summary>To the queues: what jobs a node does.</summary>
    Offer = 25,
}

/// <summary>A flow as it was read.</summary>
/// <param name="Row">Its row.</param>
/// <param name="History">The history rows that were asked for, in order.</param>
/// <param name="Backoffs">Its open back-offs, when all was asked for.</param>
public sealed record StoredFlow(FlowRow Row, IReadOnlyList<HistoryRow> History, IReadOnlyList<BackoffRow> Backoffs);
