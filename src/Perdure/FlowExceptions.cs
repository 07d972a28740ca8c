using System.Text.Json.Serialization;
using Perdure.Diagnostics;

namespace Perdure;

/// <summary>A business no, or the caller's fault: never retried. Throw it from a service, or name your own exceptions with <see cref="ErrorRules.Reject{TException}"/>.</summary>
public sealed class RejectedException : PerdureException
{
    /// <summary>Makes the exception.</summary>
    public RejectedException(string reason, Exception? inner = null)
        : base(ErrorCodes.StepRejected, reason, inner)
    {
        Reason = reason;
    }

    internal RejectedException(string step, ErrorInfo error)
        : base(ErrorCodes.StepRejected, $"{step} was rejected: {error.Message}")
    {
        Reason = error.Message;
        Step = step;
        Error = error;
    }

    /// <summary>The reason, as the service gave it.</summary>
    public string Reason { get; }

    /// <summary>The step that was rejected; null where it was not a step.</summary>
    public string? Step { get; }

    /// <summary>What the service threw; null where it was not a step.</summary>
    public ErrorInfo? Error { get; }
}

/// <summary>A step's retries are used up, or its error was permanent.</summary>
public sealed class StepFailedException : PerdureException
{
    internal StepFailedException(string step, int attempts, ErrorInfo error)
        : base(ErrorCodes.StepFailed, $"{step} failed after {attempts} attempt(s): {error.Message}")
    {
        Step = step;
        Attempts = attempts;
        Error = error;
    }

    /// <summary>The step.</summary>
    public string Step { get; }

    /// <summary>How many attempts were made.</summary>
    public int Attempts { get; }

    /// <summary>What the last attempt threw.</summary>
    public ErrorInfo Error { get; }
}

/// <summary>A step's retries are used up, and nobody knows whether it happened. It is undone all the same.</summary>
public sealed class OutcomeUnknownException : PerdureException
{
    internal OutcomeUnknownException(string step, int attempts, ErrorInfo error)
        : base(ErrorCodes.OutcomeUnknown, $"nobody knows whether {step} happened, after {attempts} attempt(s): {error.Message}")
    {
        Step = step;
        Attempts = attempts;
        Error = error;
    }

    /// <summary>The step.</summary>
    public string Step { get; }

    /// <summary>How many attempts were made.</summary>
    public int Attempts { get; }

    /// <summary>What the last attempt threw.</summary>
    public ErrorInfo Error { get; }
}

/// <summary>A wait or region reached its limit.</summary>
public sealed class LimitReachedException : PerdureException
{
    internal LimitReachedException(string wait, TimeSpan limit)
        : base(ErrorCodes.LimitReached, $"{wait} reached its limit of {limit}")
    {
        Wait = wait;
        Limit = limit;
    }

    /// <summary>What waited.</summary>
    public string Wait { get; }

    /// <summary>How long it was allowed to.</summary>
    public TimeSpan Limit { get; }
}

/// <summary>A child flow failed, was cancelled, was terminated, or could not start.</summary>
public sealed class ChildFailedException : PerdureException
{
    internal ChildFailedException(string child, ErrorInfo error)
        : base(ErrorCodes.ChildFailed, $"child {child} did not complete: {error.Message}")
    {
        Child = child;
        Error = error;
    }

    /// <summary>The child: its type and id.</summary>
    public string Child { get; }

    /// <summary>Why.</summary>
    public ErrorInfo Error { get; }
}

/// <summary>An error as history holds it.</summary>
/// <param name="Kind">How it was sorted.</param>
/// <param name="Code">The stable code.</param>
/// <param name="Type">The type of the exception that was thrown, without its namespace.</param>
/// <param name="Message">Its message.</param>
public sealed record ErrorInfo(ErrorKind Kind, string Code, string Type, string Message)
{
    /// <summary>False when the step was never attempted, so that it cannot have happened; null otherwise.</summary>
    public bool? Happened { get; init; }
}

/// <summary>How errors are sorted.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ErrorKind>))]
public enum ErrorKind
{
    /// <summary>A business no or the caller's fault: never retried.</summary>
    Rejected = 0,

    /// <summary>May pass: retried.</summary>
    Transient = 1,

    /// <summary>Retries used up, or useless: the flow fails, and what it did is undone.</summary>
    Permanent = 2,

    /// <summary>A time-out or crash: nobody knows whether it happened. Retried under the same key, reconciled where the step says how.</summary>
    Unknown = 3,

    /// <summary>The flow no longer wants it.</summary>
    Cancelled = 4,
}
