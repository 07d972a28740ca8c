namespace Perdure.CrashTests.Victim.Plans;

/// <summary>How a step's attempts go.</summary>
internal enum StepKind
{
    /// <summary>The effect at once.</summary>
    Quick,

    /// <summary>The effect after a while, unless its token is cancelled first.</summary>
    Slow,

    /// <summary>The effect after a while, whatever its token says.</summary>
    Deaf,

    /// <summary>The first attempts fail, and the next follows soon.</summary>
    Flaky,

    /// <summary>The first attempt fails, and the back-off is long enough to be written down.</summary>
    FlakyForLong,

    /// <summary>The first attempts have the effect, and their answer is lost.</summary>
    Lost,

    /// <summary>A business no.</summary>
    Rejected,

    /// <summary>Every attempt fails before the effect.</summary>
    Broken,

    /// <summary>Every attempt has the effect, and every answer is lost.</summary>
    LostForGood,

    /// <summary>Every attempt fails until somebody repairs the cause, and it must succeed.</summary>
    Stubborn,
}

/// <summary>Which undo a step has.</summary>
internal enum UndoKind
{
    None,

    /// <summary>Takes the result: only after a known success.</summary>
    Known,

    /// <summary>Also when the outcome is unknown.</summary>
    Always,
}

/// <summary>A step of a plan.</summary>
/// <param name="Name">Its name, unique in its flow.</param>
/// <param name="Kind">How its attempts go.</param>
/// <param name="Undo">Which undo it has.</param>
internal sealed record PlannedStep(string Name, StepKind Kind, UndoKind Undo)
{
    /// <summary>How long a slow attempt takes.</summary>
    public TimeSpan Time { get; init; }

    /// <summary>How many attempts go wrong first.</summary>
    public int Failures { get; init; }

    /// <summary>How many attempts of its undo fail first.</summary>
    public int UndoFailures { get; init; }

    /// <summary>Whether it can say if it happened.</summary>
    public bool Reconciles { get; init; }

    /// <summary>Whether its success is the pivot.</summary>
    public bool IsPivot { get; init; }

    /// <summary>A step that the flow's code adds to the undo list after it.</summary>
    public PlannedStep? OnUndo { get; init; }
}
