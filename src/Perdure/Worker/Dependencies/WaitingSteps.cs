namespace Perdure.Worker;

/// <summary>One attempt of a step that waits for its dependency.</summary>
internal sealed class DependencyWait(Dependency dependency, bool isRetry, long number) : IThreadPoolWorkItem
{
    private readonly TaskCompletionSource<DateTimeOffset?> _ended = new();

    public bool IsRetry => isRetry;

    /// <summary>Larger for those that came later.</summary>
    public long Number => number;

    /// <summary>Where it waits; null once it does not.</summary>
    public LinkedListNode<DependencyWait>? Place { get; set; }

    /// <summary>When it was let go; null if its wait was ended.</summary>
    public DateTimeOffset? EnteredAt { get; set; }

    /// <summary>Completes with <see cref="EnteredAt"/>.</summary>
    public Task<DateTimeOffset?> Ended => _ended.Task;

    /// <summary>Goes on. On a thread of its own, so that whoever lets it go does not run it.</summary>
    public void Execute() => _ended.SetResult(EnteredAt);

    /// <summary>It is no longer wanted; nothing if it was let go already.</summary>
    public void End() => dependency.End(this);
}

/// <summary>The attempts of steps that wait, first come, first served. Retries have a line of their own, since those beyond their budget must not hold up the others.</summary>
internal sealed class WaitingSteps
{
    private readonly LinkedList<DependencyWait> _firsts = [];
    private readonly LinkedList<DependencyWait> _retries = [];

    public int Count => _firsts.Count + _retries.Count;

    public void Add(DependencyWait wait) => wait.Place = (wait.IsRetry ? _retries : _firsts).AddLast(wait);

    public void Remove(DependencyWait wait)
    {
        wait.Place!.List!.Remove(wait.Place);
        wait.Place = null;
    }

    /// <summary>Who is next; null if nobody is.</summary>
    public DependencyWait? Next(bool retriesMayGo)
    {
        DependencyWait? first = _firsts.First?.Value;
        DependencyWait? retry = retriesMayGo ? _retries.First?.Value : null;
        return first is null || retry?.Number < first.Number ? retry : first;
    }
}
