using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure;

/// <summary>A flow failed; what it did was undone.</summary>
public sealed class FlowFailedException : PerdureException
{
    internal FlowFailedException(FlowKey flow, ErrorInfo error)
        : base(ErrorCodes.FlowFailed, $"{flow} failed: {error.Message}")
    {
        Error = error;
    }

    /// <summary>Why.</summary>
    public ErrorInfo Error { get; }
}

/// <summary>A flow was cancelled (and undone) or terminated (and not undone).</summary>
public sealed class FlowCancelledException : PerdureException
{
    internal FlowCancelledException(FlowKey flow, FlowStatus status, ErrorInfo error)
        : base(status == FlowStatus.Terminated ? ErrorCodes.FlowTerminated : ErrorCodes.FlowCancelled, $"{flow} was {(status == FlowStatus.Terminated ? "terminated" : "cancelled")}: {error.Message}")
    {
        Reason = error.Message;
    }

    /// <summary>The reason that was given.</summary>
    public string Reason { get; }
}

/// <summary>There is no flow with this id.</summary>
public sealed class FlowNotFoundException : PerdureException
{
    internal FlowNotFoundException(FlowKey flow)
        : base(ErrorCodes.FlowNotFound, $"there is no flow {flow}.")
    {
    }
}

/// <summary>A flow with this id was started before: with another input, or where no earlier one was wanted.</summary>
public sealed class FlowConflictException : PerdureException
{
    internal FlowConflictException(FlowKey flow, bool sameInput)
        : base(ErrorCodes.StartConflict, sameInput ? $"{flow} was started before." : $"{flow} was started before with another input. Use another id, or StartOptions.WhenExists = Join if any run of this id will do.")
    {
    }
}

/// <summary>The store, or the host, cannot say whether a call took effect. Ask again with the same id.</summary>
public sealed class StoreUnavailableException : PerdureException
{
    internal StoreUnavailableException(FlowKey flow, PerdureException reason)
        : this(flow.ToString(), reason)
    {
    }

    internal StoreUnavailableException(string what, PerdureException reason)
        : base(reason.Code, $"{what}: nobody can say whether this took effect; ask again, with the same id: {reason.Message}", reason)
    {
    }
}

/// <summary>No flow, job or event carries this correlation id.</summary>
public sealed class TransactionNotFoundException : PerdureException
{
    internal TransactionNotFoundException(string correlationId)
        : base(ErrorCodes.TransactionNotFound, $"no flow, job or event carries the correlation id `{correlationId}`.")
    {
    }
}
