namespace Perdure.CrashTests.Victim.Plans;

/// <summary>One thing that a planned flow does.</summary>
internal abstract record Op;

/// <summary>Runs a step.</summary>
internal sealed record RunStep(PlannedStep Step) : Op;

/// <summary>Does several things at the same time, and waits for all of them.</summary>
internal sealed record Together(IReadOnlyList<Op> Branches) : Op;

/// <summary>Waits for some time.</summary>
internal sealed record Pause(string Name, TimeSpan Time) : Op;

/// <summary>Waits for a signal that is sent early or late, but always.</summary>
internal sealed record Receive(string Signal, string Value) : Op;

/// <summary>Waits for a signal that never comes.</summary>
/// <param name="Time">How long.</param>
/// <param name="Throws">Whether the limit is an exception.</param>
internal sealed record Miss(TimeSpan Time, bool Throws) : Op;

/// <summary>How a flow stands to its child.</summary>
internal enum ChildBond
{
    Awaited,

    /// <summary>Started; the flow goes on, and ends only when the child has.</summary>
    Started,
    Detached,
}

/// <summary>Runs another plan as a child.</summary>
internal sealed record RunChild(string Plan, ChildBond Bond, bool HasOwnId) : Op;

/// <summary>Runs something within a limit.</summary>
/// <param name="Limit">The limit; null for one that is never reached.</param>
/// <param name="Body">What may take that long.</param>
internal sealed record Limited(TimeSpan? Limit, Op Body) : Op;

/// <summary>Runs branches of which the first to end decides.</summary>
/// <param name="Rival">What competes with a pause; null for a signal that never comes.</param>
/// <param name="Pause">The other branch.</param>
internal sealed record Race(Op? Rival, Pause Pause) : Op;

/// <summary>Goes on after what is inside it has failed.</summary>
internal sealed record Guarded(Op Body) : Op;

/// <summary>Undoes what was done up to here, and goes on.</summary>
internal sealed record UndoNow : Op;

/// <summary>Passes the pivot.</summary>
internal sealed record PassPivot : Op;

/// <summary>Fails by an exception of the flow's own.</summary>
internal sealed record GiveUp : Op;

/// <summary>A signal that the driver sends, in this order.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Value">Its value, and its sender's id; unique in its flow.</param>
/// <param name="After">How long after the one before.</param>
/// <param name="SendsTwice">Whether it is sent twice under its id.</param>
/// <param name="SendsAgain">Whether it is sent again after a restart although it was acknowledged.</param>
internal sealed record PlannedSignal(string Name, string Value, TimeSpan After, bool SendsTwice, bool SendsAgain);

/// <summary>What a flow is to do, and what is done to it.</summary>
/// <param name="Name">Its name; a child's begins with its parent's and a dot.</param>
/// <param name="Ops">What it does, in order.</param>
/// <param name="Signals">What it is sent.</param>
internal sealed record FlowPlan(string Name, IReadOnlyList<Op> Ops, IReadOnlyList<PlannedSignal> Signals)
{
    /// <summary>How long after its start somebody cancels it; null for never.</summary>
    public TimeSpan? CancelAfter { get; init; }

    /// <summary>How long after its start somebody terminates it; null for never.</summary>
    public TimeSpan? TerminateAfter { get; init; }

    public IEnumerable<Op> AllOps => Ops.SelectMany(Within);

    public IEnumerable<PlannedStep> Steps => AllOps.OfType<RunStep>().SelectMany(s => s.Step.OnUndo is { } other ? new[] { s.Step, other } : [s.Step]);

    private static IEnumerable<Op> Within(Op op)
    {
        IEnumerable<Op> inner = op switch
        {
            Together together => together.Branches.SelectMany(Within),
            Limited limited => Within(limited.Body),
            Race { Rival: { } rival } race => Within(rival).Append(race.Pause),
            Race race => [race.Pause],
            Guarded guarded => Within(guarded.Body),
            _ => [],
        };
        return inner.Prepend(op);
    }
}
