namespace Perdure;

/// <summary>Where a job stands.</summary>
public enum JobStatus
{
    /// <summary>It waits: for its turn, its time, a limit, or its queue's opening.</summary>
    Waiting = 0,

    /// <summary>A worker has it.</summary>
    Running = 1,

    /// <summary>Nobody wants it any more, and its worker has been told so.</summary>
    Cancelling = 2,

    /// <summary>It is done.</summary>
    Completed = 3,

    /// <summary>It was rejected, its attempts are used up, or it expired: a dead letter.</summary>
    Failed = 4,

    /// <summary>It was cancelled; a result that came later was dropped.</summary>
    Cancelled = 5,
}
