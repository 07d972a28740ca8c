using Perdure.Storage;

namespace Perdure.Simulation.Seen;

/// <summary>All that was seen of one simulated run from outside the engine, in one order. The checkers work on this alone.</summary>
internal sealed class Observed
{
    private long _last;

    /// <summary>What the store committed.</summary>
    public List<CommittedBatch> Batches { get; } = [];

    /// <summary>Which process took which shard.</summary>
    public List<TakenShard> Takes { get; } = [];

    /// <summary>What steps did.</summary>
    public List<Effect> Effects { get; } = [];

    /// <summary>What clients asked, and were answered.</summary>
    public List<ClientCall> Calls { get; } = [];

    /// <summary>What was seen of jobs.</summary>
    public JobSeen Jobs { get; } = new();

    /// <summary>What was seen of events.</summary>
    public EventSeen Events { get; } = new();

    /// <summary>What flow code or a store saw that it must never see.</summary>
    public List<string> Oddities { get; } = [];

    /// <summary>Rare situations that came about.</summary>
    public HashSet<string> Marks { get; } = [];

    /// <summary>How often the store refused a value of a run to a process.</summary>
    public Dictionary<(long Run, string Process), int> Refused { get; } = [];

    public long Next() => ++_last;

    public void Odd(string what) => Oddities.Add(what);

    /// <summary>Marks that a rare situation came about.</summary>
    /// <exception cref="ArgumentException">It is not among <see cref="Situations.All"/>, so that nobody would miss it.</exception>
    public void Mark(string situation)
        => Marks.Add(Situations.All.Contains(situation) ? situation : throw new ArgumentException($"add it to {nameof(Situations)}: {situation}", nameof(situation)));
}

/// <summary>A batch, as it was when the store committed it.</summary>
internal sealed record CommittedBatch(long Order, string Process, ShardBatch Batch)
{
    /// <summary>Copies a batch: the engine may go on to change its rows.</summary>
    public static CommittedBatch Of(long order, string process, ShardBatch batch)
    {
        var copy = new ShardBatch(batch.Lease, batch.Number, batch.Time) { Suspect = batch.Suspect, Recovered = batch.Recovered };
        copy.NewFlows.AddRange(batch.NewFlows.Select(f => f with { }));
        copy.Updates.AddRange(batch.Updates);
        copy.History.AddRange(batch.History.Select(h => h with { }));
        copy.Decided.AddRange(batch.Decided.Select(h => h with { }));
        copy.Backoffs.AddRange(batch.Backoffs);
        copy.EndedBackoffs.AddRange(batch.EndedBackoffs);
        copy.Sent.AddRange(batch.Sent);
        copy.Received.AddRange(batch.Received);
        copy.ReceivedByJobs.AddRange(batch.ReceivedByJobs);
        copy.NewJobs.AddRange(batch.NewJobs.Select(j => j with { }));
        copy.JobUpdates.AddRange(batch.JobUpdates);
        copy.JobEnds.AddRange(batch.JobEnds);
        copy.EndedJobs.AddRange(batch.EndedJobs);
        copy.ForgottenJobs.AddRange(batch.ForgottenJobs);
        copy.Memos.AddRange(batch.Memos);
        copy.NewEvents.AddRange(batch.NewEvents.Select(e => e with { }));
        copy.EventUpdates.AddRange(batch.EventUpdates);
        copy.Deliveries.AddRange(batch.Deliveries);
        copy.EventWaits.AddRange(batch.EventWaits);
        copy.EndedEventWaits.AddRange(batch.EndedEventWaits);
        copy.ForgottenEvents.AddRange(batch.ForgottenEvents);
        return new CommittedBatch(order, process, copy);
    }
}

/// <summary>A process took a shard.</summary>
internal sealed record TakenShard(long Order, string Process, int Shard, long Epoch);

/// <summary>What a step's code was called for.</summary>
internal enum EffectKind
{
    Do,
    Undo,
    Reconcile,
}

/// <summary>How a call of a step's code ended.</summary>
internal enum EffectEnd
{
    /// <summary>Not at all: it goes on, or its process died.</summary>
    None,
    Succeeded,
    Transient,
    Rejected,
    Permanent,
    Unknown,
    Cancelled,
}

/// <summary>One call of a step's code, written down by itself.</summary>
internal sealed record Effect(long Order, string Process, FlowKey Flow, string Step, string Key, EffectKind Kind, int Attempt)
{
    public long EndOrder { get; set; }

    public EffectEnd End { get; set; }
}

/// <summary>One call of a client.</summary>
internal sealed record ClientCall(long Order, string Process, ClientVerb Verb, FlowKey Flow)
{
    /// <summary>What was given along: the input, a signal's value, a reason.</summary>
    public string? Value { get; init; }

    public string? SenderId { get; init; }

    /// <summary>When the answer came; 0 while there is none.</summary>
    public long AnswerOrder { get; set; }

    /// <summary>The answer; null for none, or none but "done".</summary>
    public string? Answer { get; set; }

    /// <summary>The code of the error that was the answer; null if it was none.</summary>
    public string? Error { get; set; }

    public bool IsDone => AnswerOrder > 0 && Error is null;
}

internal enum ClientVerb
{
    Start,
    Result,
    Signal,
    Cancel,
    Terminate,
    Retry,
    SkipUndo,
    Describe,
}
