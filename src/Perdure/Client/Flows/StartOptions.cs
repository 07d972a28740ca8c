namespace Perdure;

/// <summary>How to start a flow.</summary>
public sealed record StartOptions
{
    /// <summary>What to do when a flow with this id exists; <see cref="WhenExists.JoinIfSame"/> by default.</summary>
    public WhenExists WhenExists { get; init; } = WhenExists.JoinIfSame;

    /// <summary>The business transaction that the run belongs to: by default that of the handler or step that starts it, or else one of its own, named <c>type/id</c>.</summary>
    public string? CorrelationId { get; init; }
}

/// <summary>What to do when a flow with the given id exists, open or ended.</summary>
public enum WhenExists
{
    /// <summary>Take it, if its input is the same (JSON compared by meaning); else fail with <see cref="FlowConflictException"/>.</summary>
    JoinIfSame = 0,

    /// <summary>Take it, whatever its input.</summary>
    Join = 1,

    /// <summary>Fail with <see cref="FlowConflictException"/>.</summary>
    Fail = 2,
}

/// <summary>What became of a cancel.</summary>
public enum CancelAnswer
{
    /// <summary>It is recorded: the flow undoes what it did, and ends.</summary>
    Accepted = 0,

    /// <summary>The flow has passed its pivot, or is ending: there is no way back.</summary>
    Refused = 1,

    /// <summary>The flow had ended.</summary>
    AlreadyEnded = 2,
}
