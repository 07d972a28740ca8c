namespace Perdure.Queues;

/// <summary>A rate's theoretical arrival time that changed; null when nothing needs to be remembered any more.</summary>
internal readonly record struct ChangedRate(string Name, DateTimeOffset? At);

/// <summary>The rates of a queue's keys: which lanes wait for theirs, which are remembered and until when, and what changed since it was last told.</summary>
internal sealed class LaneRates(Pace? pace)
{
    private readonly List<Lane> _changed = [];
    private readonly Queue<Lane> _forgotten = new();
    private Heap<Lane, TatOrder> _blocked;
    private Heap<Lane, TatOrder> _remembered;

    public long UnblocksAt => _blocked.First is { } lane ? pace!.EarliestAt(lane.Tat) : Ticks.Never;

    /// <summary>Whether the lane's rate lets a job start; if not and its jobs wait, it is told by <see cref="Unblocked"/> when it does.</summary>
    public bool Allows(Lane lane, long now, bool waits)
    {
        if (pace is null || lane.Key is null || lane.Tat == 0)
        {
            return true;
        }

        long bound = pace.Bound(lane.Tat, now);
        if (bound < lane.Tat)
        {
            SetTimer(lane, LaneTimer.None);
            lane.Tat = bound;
            Changed(lane);
        }

        bool allows = pace.EarliestAt(lane.Tat) <= now;
        SetTimer(lane, waits && !allows ? LaneTimer.Blocked : LaneTimer.Remembered);
        return allows;
    }

    /// <summary>A lane whose rate lets a job start again; null when there is no more.</summary>
    public Lane? Unblocked(long now)
    {
        if (UnblocksAt > now)
        {
            return null;
        }

        Lane lane = _blocked.First!;
        SetTimer(lane, LaneTimer.Remembered);
        return lane;
    }

    public void Started(Lane lane, long now)
    {
        if (pace is null || lane.Key is null)
        {
            return;
        }

        SetTimer(lane, LaneTimer.None);
        lane.Tat = pace.After(lane.Tat, now);
        Changed(lane);
    }

    public void Restored(Lane lane, long tat)
    {
        SetTimer(lane, LaneTimer.None);
        lane.Tat = pace is null ? 0 : tat;
        lane.TatTold = true;
        if (lane.Tat == 0)
        {
            Changed(lane);
        }
    }

    /// <summary>Takes on what another policy's rate remembered; it is brought within bounds when the lane is settled. Without a rate all is forgotten.</summary>
    public void TakeOver(LaneRates earlier, List<Lane> lanes)
    {
        _changed.AddRange(earlier._changed);
        foreach (Lane lane in lanes)
        {
            lane.Timer = LaneTimer.None;
            if (pace is null && lane.Tat != 0)
            {
                lane.Tat = 0;
                Changed(lane);
            }
        }
    }

    /// <summary>Tells what changed. What reaches no further than <see cref="Dispatcher.Brief"/> ahead is told once to be gone, if it was told before; what lies in the past is forgotten: the lanes are then had from <see cref="Forgotten"/>.</summary>
    public void TakeChanged(string queue, long now, List<ChangedRate> changes)
    {
        foreach (Lane lane in _changed)
        {
            lane.TatChanged = false;
            if (lane.Tat > now + Dispatcher.Brief.Ticks)
            {
                lane.TatTold = true;
                changes.Add(new ChangedRate(Name(queue, lane), Ticks.At(lane.Tat)));
            }
            else
            {
                Untell(queue, lane, changes);
                if (lane.Tat == 0)
                {
                    _forgotten.Enqueue(lane);
                }
            }
        }

        _changed.Clear();
        while (_remembered.First is { } lane && lane.Tat <= now)
        {
            SetTimer(lane, LaneTimer.None);
            lane.Tat = 0;
            _forgotten.Enqueue(lane);
            Untell(queue, lane, changes);
        }
    }

    public Lane? Forgotten() => _forgotten.TryDequeue(out Lane? lane) ? lane : null;

    private static void Untell(string queue, Lane lane, List<ChangedRate> changes)
    {
        if (lane.TatTold)
        {
            lane.TatTold = false;
            changes.Add(new ChangedRate(Name(queue, lane), null));
        }
    }

    private void Changed(Lane lane)
    {
        if (!lane.TatChanged)
        {
            lane.TatChanged = true;
            _changed.Add(lane);
        }
    }

    private void SetTimer(Lane lane, LaneTimer timer)
    {
        if (lane.Timer == timer)
        {
            return;
        }

        switch (lane.Timer)
        {
            case LaneTimer.Blocked:
                _blocked.Remove(lane, default);
                break;
            case LaneTimer.Remembered:
                _remembered.Remove(lane, default);
                break;
        }

        lane.Timer = timer;
        switch (timer)
        {
            case LaneTimer.Blocked:
                _blocked.Add(lane, default);
                break;
            case LaneTimer.Remembered:
                _remembered.Add(lane, default);
                break;
        }
    }

    private static string Name(string queue, Lane lane) => $"{queue}/{lane.Key}";
}
