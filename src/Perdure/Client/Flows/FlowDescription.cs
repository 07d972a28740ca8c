using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Perdure;

/// <summary>A run with its whole history: what was asked, what came back, how often it was tried, how long it took.</summary>
/// <param name="Type">The flow type's durable name.</param>
/// <param name="Id">Its id.</param>
/// <param name="Version">The version of the flow type it runs on.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="StartedAt">When it was started.</param>
/// <param name="EndedAt">When it ended; null while it is open.</param>
/// <param name="Input">What it was started with.</param>
/// <param name="Asks">All that it asked for, in that order, with the answers that have come.</param>
/// <param name="Inputs">All that it was told, in that order.</param>
public sealed record FlowDescription(string Type, string Id, int Version, FlowStatus Status, DateTimeOffset StartedAt, DateTimeOffset? EndedAt, JsonElement Input, IReadOnlyList<FlowAsk> Asks, IReadOnlyList<FlowInput> Inputs)
    : FlowInfo(Type, Id, Version, Status, StartedAt, EndedAt)
{
    /// <summary>Its result; null if it has none (yet).</summary>
    public JsonElement? Result { get; init; }

    /// <summary>Why it failed, was cancelled or terminated; null otherwise.</summary>
    public ErrorInfo? Error { get; init; }

    /// <summary>The description as text, one line per ask, for people.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Type}/{Id} {Status}, started {StartedAt:u}");
        text.Append(EndedAt is { } ended ? string.Create(CultureInfo.InvariantCulture, $", took {(ended - StartedAt).TotalSeconds:0.000} s") : "");
        text.Append(StuckReason is null ? "" : $", {StuckReason}");
        foreach (FlowAsk ask in Asks)
        {
            text.Append(CultureInfo.InvariantCulture, $"\n  {ask}");
        }

        return text.Append(Error is null ? "" : $"\n  {Error.Kind}: {Error.Message}").ToString();
    }
}

/// <summary>One thing that a flow asked for.</summary>
/// <param name="Number">Counted from 0 in the order of asking.</param>
/// <param name="Kind">What it is: step, undo, timer, signal, condition, region, child, detached child.</param>
/// <param name="Name">Its durable name.</param>
/// <param name="State">How it stands: open, completed, failed, fired, received, met, withdrawn, started (a detached child) or settled by hand.</param>
/// <param name="AskedAt">When it was asked for.</param>
/// <param name="AnsweredAt">When the answer came; null while it is open.</param>
public sealed record FlowAsk(int Number, string Kind, string Name, string State, DateTimeOffset AskedAt, DateTimeOffset? AnsweredAt)
{
    /// <summary>How many attempts were made up to now.</summary>
    public int Attempts { get; init; }

    /// <summary>From the start of the first attempt to the answer; null without attempts.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>When the next attempt is due; null if none is planned.</summary>
    public DateTimeOffset? NextAttemptAt { get; init; }

    /// <summary>The dependency whose limits or breaker its next attempt waits for; null if it does not wait.</summary>
    public string? WaitsFor { get; init; }

    /// <summary>What came back; null if nothing did.</summary>
    public JsonElement? Result { get; init; }

    /// <summary>The error, or the last attempt's error while it is open.</summary>
    public ErrorInfo? Error { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        string tries = Attempts > 1 ? $", {Attempts} attempts" : "";
        string took = Duration is { } d ? string.Create(CultureInfo.InvariantCulture, $" in {d.TotalMilliseconds:0.0} ms") : "";
        string error = Error is null ? "" : $": {Error.Message}";
        string waits = WaitsFor is null ? "" : $", waits for {WaitsFor}";
        return $"{Kind} {Name}: {State}{waits}{took}{tries}{error}";
    }
}

/// <summary>One thing that a flow was told.</summary>
/// <param name="Position">Counted from 0.</param>
/// <param name="At">When.</param>
/// <param name="Kind">What: Started, Completed, Failed, TimerFired, SignalReceived, CancelRequested, Terminated, UndoSettled.</param>
/// <param name="Ask">The ask it answers; null if nobody asked for it.</param>
/// <param name="Name">A signal's name; null otherwise.</param>
public sealed record FlowInput(int Position, DateTimeOffset At, string Kind, int? Ask, string? Name);
