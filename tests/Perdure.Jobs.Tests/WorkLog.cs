using System.Collections.Concurrent;

namespace Perdure.Jobs.Tests;

/// <summary>What was done, and when. It stands for the outside, which outlives processes.</summary>
public sealed class WorkLog
{
    /// <summary>Timers fire by whole milliseconds, and a commit comes before each start.</summary>
    private static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(5);

    private readonly ConcurrentQueue<Work> _all = new();

    public IReadOnlyList<Work> All => [.. _all];

    /// <summary>The times for which jobs were made by a schedule, in the order in which they were begun; repeats of one job count once.</summary>
    public IReadOnlyList<DateTimeOffset> Times => [.. _all.DistinctBy(w => w.Id).Select(w => w.ScheduledFor!.Value)];

    public async Task DoAsync(Chore chore, JobContext job, TimeSpan lasts = default)
    {
        TimeProvider time = job.Get<TimeProvider>();
        var work = new Work(chore.Name, job.Id, job.ScheduledFor, time.GetUtcNow());
        _all.Enqueue(work);
        if (lasts > TimeSpan.Zero)
        {
            await Task.Delay(lasts, time, job);
        }

        work.IsDone = true;
    }

    /// <summary>Says when work began, in minutes, and makes sure that it began then exactly.</summary>
    public string Starts()
    {
        foreach (Work work in _all)
        {
            TimeSpan.FromTicks(work.At.Ticks % TimeSpan.TicksPerMinute).ShouldBeLessThan(Grain, $"{work.Name} began at {work.At:O}");
        }

        return string.Join(", ", _all.Select(w => $"{w.Name} {w.At:dd HH:mm}"));
    }
}

public sealed record Work(string Name, string Id, DateTimeOffset? ScheduledFor, DateTimeOffset At)
{
    public bool IsDone { get; set; }
}
