namespace Perdure;

/// <summary>How a queue does at a moment.</summary>
/// <param name="Waiting">How many jobs wait for their turn.</param>
/// <param name="Delayed">How many jobs wait for their time: a delay, or the back-off after a failure.</param>
/// <param name="Running">How many jobs run, here or with workers outside.</param>
public sealed record QueueStats(int Waiting, int Delayed, int Running)
{
    /// <summary>How many jobs wait for a process that has their handler.</summary>
    public int Parked { get; init; }

    /// <summary>For how long the oldest of the jobs that wait for their turn has been there; null if none waits.</summary>
    public TimeSpan? OldestWait { get; init; }

    /// <summary>Whether the queue is paused.</summary>
    public bool IsPaused { get; init; }

    /// <summary>Whether the queue drains.</summary>
    public bool IsDraining { get; init; }

    /// <summary>How many callers wait for room in the queue.</summary>
    public int BlockedCallers { get; init; }

    /// <summary>How many jobs ended per second lately, in whatever way: in the last minute, or since the process began if that is shorter; null if none did.</summary>
    public double? EndsPerSecond { get; init; }

    /// <summary>
    /// How long a job that comes now can expect to wait: the number of jobs that wait with its priority or a better one, divided by
    /// <see cref="EndsPerSecond"/>. Null if that is; ageing, rules, keys, opening hours and jobs that are yet to come are not looked at.
    /// </summary>
    public TimeSpan? ExpectedWait { get; init; }
}
