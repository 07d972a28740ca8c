namespace Perdure.Queues;

/// <summary>One queue: its own limits, what waits in it, and what its running jobs took.</summary>
internal sealed class DispatchQueue
{
    private readonly List<Counted> _counted = [];
    private readonly Lanes _lanes;
    private readonly long _ratesFrom;
    private Edges? _hours;
    private long _tat;
    private bool _tatChanged;
    private bool _tatTold;
    private int _running;

    /// <param name="name">Its name.</param>
    /// <param name="order">How many queues were set before it.</param>
    /// <param name="policy">Its policy.</param>
    /// <param name="ratesFrom">Before this time it starts nothing if it has a rate: what was not told before a restart may still count.</param>
    public DispatchQueue(string name, int order, QueuePolicy policy, long ratesFrom)
    {
        Name = name;
        Order = order;
        _ratesFrom = ratesFrom;
        Policy = policy;
        _lanes = new Lanes(policy);
    }

    public string Name { get; }

    /// <summary>How many queues were set before it.</summary>
    public int Order { get; }

    public QueuePolicy Policy { get; private set; }

    public PoolShare[] Shares { get; private set; } = [];

    public IGate? Gate { get; private set; }

    public bool Stopped { get; set; }

    public int? Credit { get; set; }

    /// <summary>The number of its last start among all starts.</summary>
    public long LastStart { get; set; }

    public Lanes Lanes => _lanes;

    public int Running => _running;

    /// <summary>Whether only a call can let a job start.</summary>
    private bool IsHeld => Stopped || Credit <= 0 || _running >= Policy.Concurrency || _lanes.Waiting == 0;

    private long RatesLetAt => Policy.HasRate ? Math.Max(_ratesFrom, Policy.Pace?.EarliestAt(_tat) ?? long.MinValue) : long.MinValue;

    public void Set(QueuePolicy policy, PoolShare[] shares, IGate? gate, long now)
    {
        Policy = policy;
        Shares = shares;
        Gate = gate;
        _hours = policy.OpenHours is { } hours ? new Edges(hours.Contains, hours.NextEdge) : null;
        SetTat(policy.Pace?.Bound(_tat, now) ?? 0);
        if (!policy.InOrder)
        {
            ForgetComingBack();
        }

        _lanes.Change(policy, _counted.Select(c => c.Job), now);
    }

    public void Add(Job job, long now)
    {
        if (job.Standing is JobStanding.Waiting or JobStanding.Running)
        {
            throw new InvalidOperationException($"job {job.Number} of queue {Name} is {job.Standing} already.");
        }

        if (job.Standing == JobStanding.ComingBack)
        {
            Uncount(job);
        }

        _lanes.Add(job, now);
    }

    public void Remove(Job job, long now)
    {
        if (job.Standing == JobStanding.Waiting)
        {
            _lanes.Remove(job, now);
        }
        else if (job.Standing == JobStanding.ComingBack)
        {
            Uncount(job);
            _lanes.StaysAway(job, now);
        }
    }

    public void PriorityChanged(Job job, long now)
    {
        if (job.Standing == JobStanding.Waiting)
        {
            _lanes.PriorityChanged(job, now);
        }
    }

    /// <summary>The job that goes next by the queue's own limits and those of its keys; null if none may.</summary>
    public Job? Best(long now, out Rank rank)
    {
        rank = default;
        return IsHeld || RatesLetAt > now || !IsOpen(now) ? null : _lanes.Best(now, out rank);
    }

    public bool Admits(Job job, long now)
    {
        if (Shares.Length == 0)
        {
            return true;
        }

        Rank rank = _lanes.RankOf(job, now);
        return Array.TrueForAll(Shares, s => s.Pool.Admits(rank));
    }

    /// <summary>Counts the job as running from here on, with all that it takes.</summary>
    public void Start(Job job, long now)
    {
        _lanes.Start(job, now);
        Count(job, Shares);
        Credit--;
        if (Policy.Pace is { } pace)
        {
            SetTat(pace.After(_tat, now));
        }
    }

    /// <summary>Counts a job that runs already; what its start used up was used up then.</summary>
    public void Started(Job job, long now)
    {
        Remove(job, now);
        if (job.Standing == JobStanding.None)
        {
            _lanes.Started(job, now);
            Count(job, Shares);
        }
    }

    public void Ended(Job job, bool comesBack, long now)
    {
        if (job.Standing == JobStanding.Running)
        {
            Uncount(job);
            _lanes.Ended(job, now);
            if (comesBack)
            {
                ComesBack(job, now);
            }
        }
    }

    public void ComesBack(Job job, long now)
    {
        if (job.Standing == JobStanding.None && _lanes.ComesBack(job, now))
        {
            Count(job, []);
        }
    }

    /// <summary>The earliest time at which time alone may let a job start that the queue's own limits stop now; at which its order may change if other queues share its pools.</summary>
    public long NextChange(long now, bool shared)
    {
        if (IsHeld)
        {
            return Ticks.Never;
        }

        if (!IsOpen(now))
        {
            return _hours!.Until;
        }

        if (RatesLetAt > now)
        {
            return RatesLetAt;
        }

        long next = _lanes.UnblocksAt;
        if (_lanes.Best(now, out _) is { } best)
        {
            next = Math.Min(next, Ticks.OrNever(Gate?.NextChange(Ticks.At(now), best.Attempts > 0)));
        }

        return shared ? Math.Min(next, Math.Min(_lanes.Classes.Until, _hours?.Until ?? Ticks.Never)) : next;
    }

    public void TakeChangedRates(long now, List<ChangedRate> changes)
    {
        if (_tatChanged && _tat > now + Dispatcher.Brief.Ticks)
        {
            _tatTold = true;
            changes.Add(new ChangedRate(Name, Ticks.At(_tat)));
        }
        else if (_tatTold && (_tatChanged || _tat <= now))
        {
            _tatTold = false;
            changes.Add(new ChangedRate(Name, null));
        }

        _tatChanged = false;
        _lanes.TakeChangedRates(Name, now, changes);
    }

    public void RestoreRate(long tat, long now)
    {
        _tat = Policy.Pace?.Bound(tat, now) ?? 0;
        _tatTold = true;
    }

    private bool IsOpen(long now)
    {
        _hours?.Refresh(now);
        return _hours?.IsOpen ?? true;
    }

    private void SetTat(long tat)
    {
        _tatChanged |= tat != _tat;
        _tat = tat;
    }

    private void Count(Job job, PoolShare[] took)
    {
        job.Index = _counted.Count;
        _counted.Add(new Counted(job, took));
        if (job.Standing == JobStanding.Running)
        {
            _running++;
            foreach (PoolShare share in took)
            {
                share.Pool.Take(share.Units);
            }
        }
    }

    private void Uncount(Job job)
    {
        PoolShare[] took = _counted[job.Index].Took;
        _counted[job.Index] = _counted[^1];
        _counted[job.Index].Job.Index = job.Index;
        _counted.RemoveAt(_counted.Count - 1);
        if (job.Standing == JobStanding.Running)
        {
            _running--;
            foreach (PoolShare share in took)
            {
                share.Pool.GiveBack(share.Units);
            }
        }
    }

    private void ForgetComingBack()
    {
        foreach (Job job in _counted.Select(c => c.Job).Where(j => j.Standing == JobStanding.ComingBack).ToList())
        {
            Uncount(job);
            job.Standing = JobStanding.None;
        }
    }

    /// <summary>A job that runs or comes back, and what it took from pools.</summary>
    private readonly record struct Counted(Job Job, PoolShare[] Took);
}
