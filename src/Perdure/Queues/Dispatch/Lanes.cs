namespace Perdure.Queues;

/// <summary>
/// A queue's waiting jobs, in lanes by key. A lane that its key's limits stop is parked: its lines leave their classes' heaps, so a million jobs of one
/// stopped key cost the others nothing. Lanes that have nothing left to remember are dropped.
/// </summary>
internal sealed class Lanes
{
    private readonly HashSet<Lane> _byKey = new(new KeyComparer());
    private readonly HashSet<Lane>.AlternateLookup<string> _find;
    private readonly Lane _keyless = new(null);
    private QueuePolicy _policy;
    private JobClasses _classes;
    private LaneRates _rates;
    private Heap<Job, AgeOrder> _byAge;
    private long _turns;

    public Lanes(QueuePolicy policy)
    {
        _find = _byKey.GetAlternateLookup<string>();
        _policy = policy;
        _classes = new JobClasses(policy.Rules);
        _rates = new LaneRates(policy.PacePerKey);
    }

    public int Waiting => _byAge.Count;

    public Job? Oldest => _byAge.First;

    /// <summary>How many keys are remembered.</summary>
    public int Keys => _byKey.Count;

    public JobClasses Classes => _classes;

    /// <summary>When the next lane may go that waits for its rate.</summary>
    public long UnblocksAt => _rates.UnblocksAt;

    public void Add(Job job, long now)
    {
        Lane lane = LaneOf(job);
        if (job.Standing == JobStanding.ComingBack)
        {
            lane.ComingBack--;
        }

        if (!lane.HasJobs)
        {
            lane.Turn = ++_turns;
        }

        job.Standing = JobStanding.Waiting;
        _byAge.Add(job, default);
        Insert(job, lane);
        Settle(lane, now);
    }

    public void Remove(Job job, long now)
    {
        Lane lane = TakeOut(job);
        Settle(lane, now);
    }

    /// <summary>The job waits no more, but runs.</summary>
    public void Start(Job job, long now)
    {
        Lane lane = TakeOut(job);
        job.Standing = JobStanding.Running;
        lane.Running++;
        lane.Turn = ++_turns;
        _rates.Started(lane, now);
        Settle(lane, now);
    }

    /// <summary>Counts a job that runs already.</summary>
    public void Started(Job job, long now)
    {
        job.Standing = JobStanding.Running;
        Lane lane = LaneOf(job);
        lane.Running++;
        Settle(lane, now);
    }

    public void Ended(Job job, long now)
    {
        job.Standing = JobStanding.None;
        Lane lane = LaneOf(job);
        lane.Running--;
        Settle(lane, now);
    }

    /// <summary>The job's key waits for it to come back. False where keys are not done in order, or it has none.</summary>
    public bool ComesBack(Job job, long now)
    {
        Lane lane = LaneOf(job);
        if (!IsOrdered(lane))
        {
            Drop(lane);
            return false;
        }

        job.Standing = JobStanding.ComingBack;
        lane.ComingBack++;
        Settle(lane, now);
        return true;
    }

    /// <summary>It comes back no more.</summary>
    public void StaysAway(Job job, long now)
    {
        job.Standing = JobStanding.None;
        Lane lane = LaneOf(job);
        lane.ComingBack--;
        Settle(lane, now);
    }

    public void PriorityChanged(Job job, long now)
    {
        var line = (Line)job.Place!;
        line.Remove(job, OrderOf(line.Owner));
        Settle(line.Owner, now, drop: false);
        Insert(job, line.Owner);
        Settle(line.Owner, now);
    }

    /// <summary>The job whose turn it is, with its rank; null when no lane may go.</summary>
    public Job? Best(long now, out Rank rank)
    {
        _classes.Refresh(now);
        Unblock(now);
        Line? best = null;
        rank = default;
        foreach (JobClass jobClass in _classes.All)
        {
            if (jobClass.Ready.First is not { } line)
            {
                continue;
            }

            Rank of = Rank.Of(_policy, _policy.Level(line.Head!), jobClass.Change, now);
            int order = best is null ? -1 : of.CompareTo(rank);
            if (order < 0 || (order == 0 && IsFirst(line, best!)))
            {
                best = line;
                rank = of;
            }
        }

        return best?.Head;
    }

    /// <summary>What a job's effective priority is now, whether it waits or not.</summary>
    public Rank RankOf(Job job, long now)
    {
        _classes.Refresh(now);
        return Rank.Of(_policy, _policy.Level(job), _classes.Of(job).Change, now);
    }

    public void TakeChangedRates(string queue, long now, List<ChangedRate> changes)
    {
        Unblock(now);
        _rates.TakeChanged(queue, now, changes);
        for (Lane? lane = _rates.Forgotten(); lane is not null; lane = _rates.Forgotten())
        {
            Drop(lane);
        }
    }

    public void RestoreRate(string key, long tat, long now)
    {
        Lane lane = LaneOf(key);
        _rates.Restored(lane, tat);
        Settle(lane, now);
    }

    /// <summary>Goes by another policy from now on. What waits, runs and is remembered stays; <paramref name="counted"/> are the jobs that run or come back.</summary>
    public void Change(QueuePolicy policy, IEnumerable<Job> counted, long now)
    {
        bool sortsAnew = !_policy.SortsLike(policy);
        bool keepsTurns = _policy.TracksKeys && policy.TracksKeys;
        var rates = new LaneRates(policy.PacePerKey);
        rates.TakeOver(_rates, [.. _byKey.OrderBy(l => l.Key, StringComparer.Ordinal)]);
        _rates = rates;
        _policy = policy;
        if (sortsAnew)
        {
            SortAnew(counted, keepsTurns);
        }

        Settle(_keyless, now);
        foreach (Lane lane in _byKey.ToList())
        {
            Settle(lane, now);
        }
    }

    private void SortAnew(IEnumerable<Job> counted, bool keepsTurns)
    {
        List<Job> waiting = Clear();
        _classes = new JobClasses(_policy.Rules);
        foreach (Job job in counted)
        {
            Count(job);
        }

        foreach (Job job in waiting)
        {
            Lane lane = LaneOf(job);
            if (!keepsTurns && !lane.HasJobs)
            {
                lane.Turn = ++_turns;
            }

            _byAge.Add(job, default);
            Insert(job, lane);
        }
    }

    private void Unblock(long now)
    {
        for (Lane? lane = _rates.Unblocked(now); lane is not null; lane = _rates.Unblocked(now))
        {
            Settle(lane, now);
        }
    }

    private List<Job> Clear()
    {
        var waiting = new List<Job>(_byAge.Count);
        for (int i = 0; i < _byAge.Count; i++)
        {
            waiting.Add(_byAge[i]);
        }

        waiting.Sort((x, y) => x.Number.CompareTo(y.Number));
        _byAge = default;
        foreach (Lane lane in _byKey.Append(_keyless))
        {
            lane.Running = 0;
            lane.ComingBack = 0;
            for (Line? line = lane; line is not null; line = line.Next)
            {
                line.Clear();
            }

            lane.Next = null;
        }

        return waiting;
    }

    private void Count(Job job)
    {
        Lane lane = LaneOf(job);
        if (job.Standing == JobStanding.Running)
        {
            lane.Running++;
        }
        else
        {
            lane.ComingBack++;
        }
    }

    private Lane LaneOf(Job job) => job.Key is null || !_policy.TracksKeys ? _keyless : LaneOf(job.Key);

    private Lane LaneOf(string key)
    {
        if (!_find.TryGetValue(key, out Lane? lane))
        {
            lane = new Lane(key);
            _byKey.Add(lane);
        }

        return lane;
    }

    private void Insert(Job job, Lane lane)
    {
        Line line = IsOrdered(lane) ? lane : lane.LineOf(_classes.Of(job));
        line.Add(job, OrderOf(lane));
    }

    private Lane TakeOut(Job job)
    {
        var line = (Line)job.Place!;
        line.Remove(job, OrderOf(line.Owner));
        _byAge.Remove(job, default);
        job.Standing = JobStanding.None;
        return line.Owner;
    }

    /// <summary>Makes a lane's lines stand where they belong after anything about it changed.</summary>
    private void Settle(Lane lane, long now, bool drop = true)
    {
        bool hasJobs = lane.HasJobs;
        bool full = lane.Key is not null && lane.Running + (_policy.InOrder ? lane.ComingBack : 0) >= _policy.ConcurrencyPerKey;
        bool goes = _rates.Allows(lane, now, waits: hasJobs && !full) && hasJobs && !full;
        for (Line? line = lane; line is not null; line = line.Next)
        {
            Stand(line, goes && line.Count > 0);
        }

        if (drop)
        {
            Drop(lane);
        }
    }

    private void Stand(Line line, bool goes)
    {
        var order = new LineOrder(_policy);
        JobClass? jobClass = goes && IsOrdered(line.Owner) ? _classes.Of(line.Head!) : line.Class;
        bool stays = goes && jobClass == line.Class;
        if (line.ReadyIndex >= 0)
        {
            if (stays)
            {
                line.Class!.Ready.Fix(line, order);
                return;
            }

            line.Class!.Ready.Remove(line, order);
        }

        if (goes)
        {
            line.Class = jobClass;
            jobClass!.Ready.Add(line, order);
        }
    }

    private void Drop(Lane lane)
    {
        if (lane.Key is not null && lane.IsIdle)
        {
            _byKey.Remove(lane);
        }
    }

    private bool IsOrdered(Lane lane) => _policy.InOrder && lane.Key is not null;

    private JobOrder OrderOf(Lane lane) => new(_policy, IsOrdered(lane));

    private bool IsFirst(Line line, Line other)
        => _policy.FairKeys && line.Owner.Turn != other.Owner.Turn ? line.Owner.Turn < other.Owner.Turn : line.Head!.Number < other.Head!.Number;

    private sealed class KeyComparer : IEqualityComparer<Lane>, IAlternateEqualityComparer<string, Lane>
    {
        public bool Equals(Lane? x, Lane? y) => string.Equals(x?.Key, y?.Key, StringComparison.Ordinal);

        public bool Equals(string alternate, Lane other) => string.Equals(alternate, other.Key, StringComparison.Ordinal);

        public int GetHashCode(Lane obj) => obj.Key!.GetHashCode(StringComparison.Ordinal);

        public int GetHashCode(string alternate) => alternate.GetHashCode(StringComparison.Ordinal);

        public Lane Create(string alternate) => new(alternate);
    }
}
