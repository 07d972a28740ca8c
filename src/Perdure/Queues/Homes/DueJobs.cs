namespace Perdure.Queues;

/// <summary>
/// What time does to jobs: one heap of (time, job) pairs. An entry may be out of date; who takes it looks at the job. Those whose job
/// is gone, or that are there twice, are thrown away once they may be half of all.
/// </summary>
internal sealed class DueJobs(Predicate<long> isThere)
{
    private const int SweptFrom = 1_024;

    private readonly PriorityQueue<long, (DateTimeOffset At, long Number)> _due = new();
    private int _sweptAt = SweptFrom;

    public DateTimeOffset? Next => _due.TryPeek(out _, out (DateTimeOffset At, long Number) first) ? first.At : null;

    public int Count => _due.Count;

    public void Add(long number, DateTimeOffset at)
    {
        if (_due.Count >= _sweptAt)
        {
            Sweep();
        }

        _due.Enqueue(number, (at, number));
    }

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

    public void Clear()
    {
        _due.Clear();
        _sweptAt = SweptFrom;
    }

    private void Sweep()
    {
        List<(long Number, (DateTimeOffset At, long Number) Due)> stay = [.. _due.UnorderedItems.Where(d => isThere(d.Element)).Distinct()];
        _due.Clear();
        _due.EnqueueRange(stay);
        _sweptAt = Math.Max(SweptFrom, 2 * stay.Count);
    }
}
