using Perdure.Client;

namespace Perdure;

/// <summary>Acts on one run, wherever it lives. Making one asks nothing; each call does.</summary>
public class FlowHandle
{
    private protected FlowHandle(FlowCalls calls, Storage.FlowKey key)
    {
        Calls = calls;
        Key = key;
    }

    /// <summary>The flow type's durable name.</summary>
    public string Type => Key.Type;

    /// <summary>The run's id.</summary>
    public string Id => Key.Id;

    internal Storage.FlowKey Key { get; }

    internal FlowCalls Calls { get; }

    internal static FlowHandle Of(FlowCalls calls, Storage.FlowKey key) => new(calls, key);

    /// <summary>Describes the run with its whole history, as it is in the store.</summary>
    /// <exception cref="FlowNotFoundException">There is no such run.</exception>
    public Task<FlowDescription> DescribeAsync(CancellationToken cancellationToken = default) => Calls.DescribeAsync(Key, cancellationToken);

    /// <summary>Writes the run's history out as JSON (docs/reference/history-json.md), for a replay check against other code. It holds the run's payloads.</summary>
    /// <exception cref="FlowNotFoundException">There is no such run.</exception>
    public Task ExportAsync(Stream destination, CancellationToken cancellationToken = default) => Calls.ExportAsync(Key, destination, cancellationToken);

    /// <summary>Sends a signal. When the task completes the signal is durable, and the flow takes it once, in the order of arrival, now or when it first waits for it.</summary>
    /// <param name="value">The value.</param>
    /// <param name="name">The signal's name; that of the value's type by default.</param>
    /// <param name="signalId">The sender's id: a second signal with the same id is taken for the same one, also when the run has ended since.</param>
    /// <param name="cancellationToken">Stops waiting for the answer; the signal may be taken all the same.</param>
    /// <exception cref="FlowNotFoundException">There is no such run.</exception>
    /// <exception cref="PerdureException">The run has ended (PRD1004), or the value is too large (PRD1005).</exception>
    public Task SignalAsync<T>(T value, string? name = null, string? signalId = null, CancellationToken cancellationToken = default)
        => Calls.SignalAsync(Key, value, name, signalId, cancellationToken);

    /// <summary>Asks the run to undo what it did and to end. While a step that may be the pivot runs, the answer waits for its outcome.</summary>
    /// <exception cref="FlowNotFoundException">There is no such run.</exception>
    public Task<CancelAnswer> CancelAsync(string reason = "cancelled by a caller", CancellationToken cancellationToken = default)
        => Calls.CancelAsync(Key, reason, cancellationToken);

    /// <summary>Ends the run at once. Nothing is undone; steps that run get their token; children are cancelled.</summary>
    /// <exception cref="FlowNotFoundException">There is no such run.</exception>
    /// <exception cref="PerdureException">The run has ended (PRD1004).</exception>
    public Task TerminateAsync(string reason = "terminated by a caller", CancellationToken cancellationToken = default)
        => Calls.TerminateAsync(Key, reason, cancellationToken);

    /// <summary>Puts a stuck run back to work, after the repair.</summary>
    /// <exception cref="FlowNotFoundException">There is no such run.</exception>
    /// <exception cref="PerdureException">The run is not stuck (PRD1008) or has ended (PRD1004).</exception>
    public Task RetryAsync(CancellationToken cancellationToken = default) => Calls.RetryAsync(Key, cancellationToken);

    /// <summary>Takes the undo at which a run is stuck as done, and goes on with the next.</summary>
    /// <param name="reason">Why it may be skipped, or who did it by hand; stands in the history.</param>
    /// <param name="cancellationToken">Stops waiting for the answer.</param>
    /// <exception cref="FlowNotFoundException">There is no such run.</exception>
    /// <exception cref="PerdureException">The run is not stuck at an undo (PRD1008) or has ended (PRD1004).</exception>
    public Task SkipUndoAsync(string reason, CancellationToken cancellationToken = default) => Calls.SkipUndoAsync(Key, reason, cancellationToken);
}

/// <summary>Acts on one run with a result.</summary>
/// <typeparam name="TOut">The result.</typeparam>
public sealed class FlowHandle<TOut> : FlowHandle
{
    internal FlowHandle(FlowCalls calls, Storage.FlowKey key)
        : base(calls, key)
    {
    }

    /// <summary>Waits for the run's end, for as long as it takes.</summary>
    /// <param name="cancellationToken">Stops waiting; it withdraws nothing.</param>
    /// <exception cref="FlowFailedException">It failed.</exception>
    /// <exception cref="FlowCancelledException">It was cancelled or terminated.</exception>
    /// <exception cref="FlowNotFoundException">There is no such run.</exception>
    public Task<TOut> ResultAsync(CancellationToken cancellationToken = default) => Calls.ResultAsync<TOut>(Key, cancellationToken);
}
