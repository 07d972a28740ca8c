namespace Perdure.Queues;

/// <summary>What time does to jobs: one heap of (time, job) pairs. An entry may be out of date; who takes it looks at the job.</summary>
internal sealed class DueJobs
{
    private readonly PriorityQueue<long, (DateTimeOffset At, long Number)> _due = new();

    public DateTimeOffset? Next => _due.TryPeek(out _, out (DateTimeOffset At, long Number) first) ? first.At : null;

    public void Add(long number, DateTimeOffset at) => _due.Enqueue(number, (at, number));

    /// <summary>Takes a job to look at, if one is due.</summary>
    public bool TryTake(DateTimeOffset now, out long number)
    {
        if (_due.TryPeek(out number, out (DateTimeOffset At, long Number) first) && first.At <= now)
        {
            _due.Dequeue();
            return true;
        }

        return false;
    }

    public void Clear() => _due.Clear();
}
