using Perdure.Diagnostics;

namespace Perdure;

/// <summary>A job is a dead letter: it was rejected, its attempts are used up, or it expired.</summary>
public sealed class JobFailedException : PerdureException
{
    internal JobFailedException(string job, int attempts, ErrorInfo error)
        : base(ErrorCodes.JobFailed, $"job {job} failed after {attempts} attempt(s): {error.Message}")
    {
        Job = job;
        Attempts = attempts;
        Error = error;
    }

    /// <summary>The job's id.</summary>
    public string Job { get; }

    /// <summary>How many attempts were made.</summary>
    public int Attempts { get; }

    /// <summary>What the last attempt threw, or why it is a dead letter.</summary>
    public ErrorInfo Error { get; }
}

/// <summary>A job was cancelled, or this caller has left it.</summary>
public sealed class JobCancelledException : PerdureException
{
    internal JobCancelledException(string job, ErrorInfo error)
        : base(ErrorCodes.JobCancelled, $"job {job} was cancelled: {error.Message}")
    {
        Reason = error.Message;
    }

    /// <summary>The reason that was given.</summary>
    public string Reason { get; }
}

/// <summary>There is no such job: it never was, or it has ended and its result is no longer kept.</summary>
public sealed class JobNotFoundException : PerdureException
{
    internal JobNotFoundException(string job)
        : base(ErrorCodes.JobNotFound, $"there is no job {job}: it never was, or it has ended and its result is no longer kept.")
    {
    }
}
