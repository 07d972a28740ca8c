namespace Perdure;

/// <summary>What came of trying a job at once.</summary>
/// <typeparam name="TResult">The result.</typeparam>
public sealed class NowOrLater<TResult>
{
    internal NowOrLater(JobHandle<TResult>? job, bool isDone, TResult? result, string? rejection)
    {
        Job = job;
        IsDone = isDone;
        Result = result;
        Rejection = rejection;
    }

    /// <summary>Whether the job is done, with <see cref="Result"/>.</summary>
    public bool IsDone { get; }

    /// <summary>Whether the job was rejected, for <see cref="Rejection"/>.</summary>
    public bool IsRejected => Rejection is not null;

    /// <summary>Whether the job is durable and will be done later.</summary>
    public bool IsAccepted => !IsDone && !IsRejected && !IsDropped;

    /// <summary>Whether the job and one that waited came to nothing together, as <see cref="JobContract{TJob}.Merge"/> said: there is nothing left to do.</summary>
    public bool IsDropped => Job is { Enqueued: Enqueued.Dropped };

    /// <summary>The result, when the job is done.</summary>
    public TResult? Result { get; }

    /// <summary>Why the job was rejected; null if it was not.</summary>
    public string? Rejection { get; }

    /// <summary>The job; null when it ran unrecorded, since its store was down.</summary>
    public JobHandle<TResult>? Job { get; }
}

/// <summary>What to do with a job that is to be tried at once when the job store is down.</summary>
public enum WhenStoreDown
{
    /// <summary>Refuse: <see cref="StoreUnavailableException"/>.</summary>
    Refuse = 0,

    /// <summary>Run the handler all the same, once and unrecorded; the caller gets its result or its error.</summary>
    RunUnrecorded = 1,
}
