namespace Perdure.Testing.Virtual;

/// <summary>The timers that are set, by when they fire. Those that fire once are kept apart from those that fire at intervals.</summary>
internal sealed class TimerQueue
{
    private readonly PriorityQueue<(VirtualTimer Timer, long Entry), (long Due, long Entry)> _once = new();
    private readonly PriorityQueue<(VirtualTimer Timer, long Entry), (long Due, long Entry)> _intervals = new();
    private long _last;

    /// <summary>When the next timer fires that fires once.</summary>
    public long? NextOnce => Next(_once);

    /// <summary>Sets when a timer fires next; null for never.</summary>
    public void Set(VirtualTimer timer, long? due)
    {
        timer.Entry = ++_last; // entries before this one no longer count
        if (due is { } at)
        {
            (timer.Period > 0 ? _intervals : _once).Enqueue((timer, timer.Entry), (at, timer.Entry));
        }
    }

    /// <summary>Takes the timer that fires next, and sets it again if it fires at intervals.</summary>
    /// <param name="now">The time.</param>
    /// <param name="until">Only what fires by then.</param>
    /// <param name="skips">Whether intervals do not make time move.</param>
    /// <param name="elsewhere">When something is due that no timer stands for.</param>
    public (VirtualTimer Timer, long Due)? TakeNext(long now, long until, bool skips, long? elsewhere)
    {
        long? interval = Next(_intervals);
        bool mustLook = !skips || elsewhere <= now; // what is due elsewhere by now is found at an interval
        long? horizon = Least(Next(_once), mustLook ? interval : elsewhere);
        if (horizon is null)
        {
            return null;
        }

        if (interval <= horizon)
        {
            long period = _intervals.Peek().Timer.Period;
            return Take(_intervals, horizon.Value - interval.Value < period ? interval.Value : horizon.Value, now, until); // once for all that was skipped
        }

        return Next(_once) is { } due && (interval is null || due <= interval)
            ? Take(_once, due, now, until)
            : interval is { } next ? Take(_intervals, next, now, until) : null;
    }

    private (VirtualTimer Timer, long Due)? Take(PriorityQueue<(VirtualTimer Timer, long Entry), (long Due, long Entry)> queue, long due, long now, long until)
    {
        if (due > until)
        {
            return null;
        }

        VirtualTimer timer = queue.Dequeue().Timer;
        due = Math.Max(due, now);
        Set(timer, timer.Period > 0 ? due + timer.Period : null);
        return (timer, due);
    }

    private static long? Next(PriorityQueue<(VirtualTimer Timer, long Entry), (long Due, long Entry)> queue)
    {
        while (queue.TryPeek(out (VirtualTimer Timer, long Entry) first, out (long Due, long Entry) at))
        {
            if (first.Timer.Entry == first.Entry && !first.Timer.Place.IsDead)
            {
                return at.Due;
            }

            queue.Dequeue();
        }

        return null;
    }

    private static long? Least(long? one, long? other) => one is null || other < one ? other : one;
}
