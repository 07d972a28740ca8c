namespace Perdure.Testing;

/// <summary>How a test's world behaves.</summary>
public sealed record FlowTestOptions
{
    /// <summary>Who moves time; by itself unless set.</summary>
    public TestTime Time { get; init; } = TestTime.MovesByItself;

    /// <summary>What time it is when the test starts; noon (UTC) on 2026-01-01 by default.</summary>
    public DateTimeOffset? StartAt { get; init; }

    /// <summary>
    /// Whether each run is replayed after each input, to find code that decides by anything but its history (a clock, a random number, a
    /// variable that a step wrote). On by default. The test fails at its next call, or at the end.
    /// </summary>
    public bool ReplaysEveryInput { get; init; } = true;

    /// <summary>
    /// How long a step that is at work outside (a real file, a real network) is waited for, in real time, before virtual time moves on; 1 s by
    /// default. A step that waits for a timer of the test's clock is not waited for.
    /// </summary>
    public TimeSpan OutsideWorkMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Takes the log lines of the application and the engine, level Information and above; null for nowhere.</summary>
    public Action<string>? Log { get; init; }
}

/// <summary>Who moves a test's time.</summary>
public enum TestTime
{
    /// <summary>
    /// It moves to the next timer whenever nothing else can happen while the test awaits something that takes time: the end of a run, or
    /// <see cref="FlowTest.IdleAsync"/>. Otherwise it stands still. It goes 100 years at most: who waits longer waits for ever.
    /// </summary>
    MovesByItself,

    /// <summary>
    /// It moves in <see cref="FlowTest.AdvanceAsync"/> only. Who awaits the end of a run that takes time fails at once: let the time pass first.
    /// </summary>
    ByHand,
}
