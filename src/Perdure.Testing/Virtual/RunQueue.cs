namespace Perdure.Testing.Virtual;

/// <summary>One piece of work that is ready to run.</summary>
/// <param name="Place">Where it runs.</param>
/// <param name="Context">The context that is current while it runs.</param>
/// <param name="Callback">What to do.</param>
/// <param name="State">Goes to the callback.</param>
internal readonly record struct Work(Place Place, SynchronizationContext Context, SendOrPostCallback Callback, object? State)
{
    /// <summary>Counts the world's work in the order in which it came.</summary>
    public long Number { get; init; }
}

/// <summary>What is ready to run, taken in turn, or by chance where there is a chooser.</summary>
internal sealed class RunQueue(Random? chooser)
{
    private readonly Queue<Work> _inTurn = new();
    private readonly List<Work> _byChance = [];
    private long _last;

    public bool IsEmpty => _inTurn.Count + _byChance.Count == 0;

    public void Add(Work work)
    {
        work = work with { Number = ++_last };
        if (chooser is null)
        {
            _inTurn.Enqueue(work);
        }
        else
        {
            _byChance.Add(work);
        }
    }

    public bool TryTake(out Work work)
    {
        if (chooser is null || _byChance.Count == 0)
        {
            return _inTurn.TryDequeue(out work);
        }

        int index = chooser.Next(_byChance.Count);
        work = _byChance[index];
        _byChance[index] = _byChance[^1];
        _byChance.RemoveAt(_byChance.Count - 1);
        return true;
    }
}
