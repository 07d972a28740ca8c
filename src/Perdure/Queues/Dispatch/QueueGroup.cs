namespace Perdure.Queues;

/// <summary>
/// Queues that pools join, or one queue. Among them the best effective priority goes first, ties by number. A better job that a pool has no units for has
/// its units set aside: worse ones get only what that leaves, so a job that needs many units gets them in the end.
/// </summary>
internal sealed class QueueGroup
{
    private readonly List<DispatchQueue> _queues = [];
    private readonly List<Pool> _pools = [];
    private readonly List<Candidate> _candidates = [];

    public List<DispatchQueue> Queues => _queues;

    /// <summary>The group whose last start is longest ago is asked first.</summary>
    public long LastStart => _queues.Max(q => q.LastStart);

    public void Add(DispatchQueue queue)
    {
        _queues.Add(queue);
        _pools.AddRange(queue.Shares.Select(s => s.Pool).Except(_pools));
    }

    public void Absorb(QueueGroup other)
    {
        other._queues.ForEach(Add);
        _queues.Sort((x, y) => x.Order.CompareTo(y.Order));
    }

    public bool Uses(Pool pool) => _pools.Contains(pool);

    /// <summary>Starts the next job that may, in the queue that is given back.</summary>
    public Job? Next(long now, out DispatchQueue? queue)
    {
        Gather(now);
        foreach (Candidate candidate in _candidates)
        {
            queue = candidate.Queue;
            switch (WayOf(candidate))
            {
                case Way.Free when queue.Gate?.TryEnter(Ticks.At(now), candidate.Job.Attempts > 0) ?? true:
                    queue.Start(candidate.Job, now);
                    return candidate.Job;
                case Way.NoUnits when queue.Gate?.MayEnter(Ticks.At(now), candidate.Job.Attempts > 0) ?? true:
                    foreach (PoolShare share in queue.Shares)
                    {
                        share.Pool.SetAside += share.Units;
                    }

                    break;
            }
        }

        queue = null;
        return null;
    }

    public long NextChange(long now)
    {
        long next = Ticks.Never;
        foreach (DispatchQueue queue in _queues)
        {
            next = Math.Min(next, queue.NextChange(now, queue.Shares.Length > 0));
        }

        if (_pools.Count > 0)
        {
            Gather(now);
            for (int i = 0; i < _candidates.Count; i++)
            {
                next = Math.Min(next, AdmittedAt(_candidates[i], now));
                next = i == 0 ? next : Math.Min(next, OvertakesAt(_candidates[i], _candidates[i - 1], now));
            }
        }

        return next;
    }

    private void Gather(long now)
    {
        _candidates.Clear();
        _pools.ForEach(p => p.SetAside = 0);
        foreach (DispatchQueue queue in _queues)
        {
            if (queue.Best(now, out Rank rank) is { } job)
            {
                _candidates.Add(new Candidate(queue, job, rank));
            }
        }

        if (_candidates.Count > 1)
        {
            _candidates.Sort();
        }
    }

    private static Way WayOf(Candidate candidate)
    {
        Way way = Way.Free;
        foreach (PoolShare share in candidate.Queue.Shares)
        {
            if (!share.Pool.CouldHave(share.Units) || !share.Pool.Admits(candidate.Rank))
            {
                return Way.NotAdmitted;
            }

            if (!share.Pool.Has(share.Units))
            {
                way = Way.NoUnits;
            }
        }

        return way;
    }

    private static long AdmittedAt(Candidate candidate, long now)
    {
        long at = Ticks.Never;
        foreach (PoolShare share in candidate.Queue.Shares)
        {
            at = Math.Min(at, share.Pool.AdmitsAt(candidate.Rank, now, candidate.Queue.Policy.Ageing > 0));
        }

        return at;
    }

    /// <summary>When ageing puts a job before the one that goes just before it now. The first change of the order is always between neighbours.</summary>
    private static long OvertakesAt(Candidate worse, Candidate better, long now)
    {
        Int128 gap = (worse.Rank.Amount * better.Rank.Scale) - (better.Rank.Amount * worse.Rank.Scale);
        Int128 speed = (worse.Queue.Policy.Ageing > 0 ? better.Rank.Scale : 0) - (Int128)(better.Queue.Policy.Ageing > 0 ? worse.Rank.Scale : 0);
        return speed <= 0 ? Ticks.Never : (long)Int128.Min(Ticks.Never, now + Int128.Max(1, (gap + speed - 1) / speed));
    }

    private enum Way
    {
        Free,

        /// <summary>A pool has too few units left.</summary>
        NoUnits,

        /// <summary>A pool is saturated and takes better jobs only, or is too small.</summary>
        NotAdmitted,
    }

    private readonly record struct Candidate(DispatchQueue Queue, Job Job, Rank Rank) : IComparable<Candidate>
    {
        public int CompareTo(Candidate other)
        {
            int order = Rank.CompareTo(other.Rank);
            order = order != 0 ? order : Job.Number.CompareTo(other.Job.Number);
            return order != 0 ? order : Queue.Order.CompareTo(other.Queue.Order);
        }
    }
}
