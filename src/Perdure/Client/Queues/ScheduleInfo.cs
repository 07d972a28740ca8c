namespace Perdure;

/// <summary>Facts of a schedule.</summary>
/// <param name="Name">Its name.</param>
/// <param name="IsPaused">Whether it makes no jobs until it is resumed.</param>
public sealed record ScheduleInfo(string Name, bool IsPaused)
{
    /// <summary>The last time of its timetable that had a job; null if none had.</summary>
    public DateTimeOffset? LastFired { get; init; }

    /// <summary>The id of the last job that it made for a time, or that was triggered; null if there was none.</summary>
    public string? LastJob { get; init; }

    /// <summary>The time that comes next; null if there is none, or it is paused.</summary>
    public DateTimeOffset? Next { get; init; }

    /// <summary>How many of its jobs are not done, without those of backfills.</summary>
    public int Open { get; init; }

    /// <summary>How many times since it began had no job and were not made up for: it was paused, they overlapped, nobody was there, or the queue took no job. Counted up to 10,000.</summary>
    public int Missed { get; init; }

    /// <summary>Why the last time that came had no job; null if it had, or was left out by the rules.</summary>
    public string? Error { get; init; }
}
