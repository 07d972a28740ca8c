namespace Perdure.Queues;

/// <summary>Whether a window of time is open, asked of the calendar only at its edges.</summary>
internal sealed class Edges(Func<DateTimeOffset, bool> contains, Func<DateTimeOffset, DateTimeOffset?> nextEdge)
{
    private bool _known;

    public bool IsOpen { get; private set; }

    /// <summary>When that changes.</summary>
    public long Until { get; private set; }

    public void Refresh(long now)
    {
        if (_known && now < Until)
        {
            return;
        }

        DateTimeOffset at = Ticks.At(now);
        IsOpen = contains(at);
        Until = Ticks.OrNever(nextEdge(at));
        _known = true;
    }
}
