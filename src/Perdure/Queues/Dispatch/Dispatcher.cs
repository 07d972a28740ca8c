namespace Perdure.Queues;

/// <summary>
/// Decides which job of a home's queues goes next. Pure: no clock, no thread, no I/O; the same calls give the same answers in any process.
/// <list type="bullet">
/// <item>A job that waits stands in one line: that of its lane (its key, or all that have none or whose key does not matter) and its class (the rules that
/// match it). A line whose lane may go stands in its class's heap by its head; the next job of a queue is the best head of its classes. Where keys are done
/// in order a lane has one line, by number.</item>
/// <item>A job's place in its line never changes with time: ageing is linear, so its key is static, and a window's edge changes what a class adds.</item>
/// <item>A lane that its key's limits stop stands in no heap of a class, and comes back when a job ends or its rate lets it.</item>
/// <item>Where keys take turns, among jobs of the best effective priority the key goes first whose last start is longest ago; for a key that had nothing
/// waiting it counts from when it came back.</item>
/// <item>Queues that pools join go by effective priority and number; a better job that waits for units has them set aside. The other queues take turns: first
/// the one whose last start is longest ago.</item>
/// <item>Time never goes back: a clock that steps back stands still here. What a running job took from pools it gives back, whatever the policy says by then.</item>
/// </list>
/// </summary>
/// <param name="start">The time.</param>
/// <param name="before">The time of the last start before a restart, or later; the default where there was none.</param>
internal sealed class Dispatcher(DateTimeOffset start, DateTimeOffset before = default)
{
    /// <summary>
    /// What a rate remembers is not told while it reaches no further ahead: after a restart queues with a rate let nothing start for as long, counted from the last start
    /// before it, and by then it is over. So a rate that is far from being reached costs no write.
    /// </summary>
    public static readonly TimeSpan Brief = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, DispatchQueue> _byName = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Pool> _pools = new(StringComparer.Ordinal);
    private readonly List<DispatchQueue> _queues = [];
    private readonly LinkedList<QueueGroup> _groups = new();
    private readonly List<ChangedRate> _gone = [];
    private readonly List<ChangedRate> _changes = [];
    private long _now = start.UtcTicks;
    private long _starts;

    /// <summary>Sets or changes a pool.</summary>
    public void SetPool(string name, PoolOptions pool) => PoolOf(name).Set(pool);

    /// <summary>Sets or changes a queue's policy: what waits is sorted anew, what runs stays counted. <paramref name="gate"/> is asked before each start.</summary>
    public void SetQueue(string name, QueueOptions policy, IGate? gate)
    {
        var rules = new QueuePolicy(policy);
        PoolShare[] shares = [.. rules.Uses.Select(u => new PoolShare(PoolOf(u.Pool), u.Units))];
        bool isNew = !_byName.TryGetValue(name, out DispatchQueue? queue);
        if (queue is null)
        {
            queue = new DispatchQueue(name, _queues.Count, rules, (before + Brief).UtcTicks);
            _byName.Add(name, queue);
            _queues.Add(queue);
        }

        bool regroups = isNew || !shares.Select(s => s.Pool).SequenceEqual(queue.Shares.Select(s => s.Pool));
        queue.Set(rules, shares, gate, _now);
        if (regroups)
        {
            Regroup();
        }
    }

    /// <summary>Pauses a queue, or lets it go on.</summary>
    public void SetStopped(string queue, bool stopped) => Of(queue).Stopped = stopped;

    /// <summary>How many jobs workers can take now; null, as it is at first, for no bound. Each start takes one off.</summary>
    public void SetCredit(string queue, int? credit) => Of(queue).Credit = credit;

    /// <summary>The job waits for its turn from now on.</summary>
    public void Add(Job job) => Of(job).Add(job, _now);

    /// <summary>The job waits no longer, nor does its key wait for it to come back.</summary>
    public void Remove(Job job) => Of(job).Remove(job, _now);

    /// <summary><see cref="Job.Priority"/> was set.</summary>
    public void PriorityChanged(Job job) => Of(job).PriorityChanged(job, _now);

    /// <summary>The next job that may start now; null if none may. It counts as running from here on.</summary>
    public Job? Next(DateTimeOffset now)
    {
        long at = Advance(now);
        for (LinkedListNode<QueueGroup>? node = _groups.First; node is not null; node = node.Next)
        {
            if (node.Value.Next(at, out DispatchQueue? queue) is { } job)
            {
                queue!.LastStart = ++_starts;
                _groups.Remove(node);
                _groups.AddLast(node);
                return job;
            }
        }

        return null;
    }

    /// <summary>Counts a job as running without asking: after a restart, one that a worker outside holds. What its start took from rates, credit and gate it took then.</summary>
    public void Started(Job job) => Of(job).Started(job, _now);

    /// <summary>A running job ended and gives back what it took. Where keys are done in order, the key of one that <paramref name="comesBack"/> waits until it is added or removed.</summary>
    public void Ended(Job job, bool comesBack = false) => Of(job).Ended(job, comesBack, _now);

    /// <summary>After a restart: the job was tried and will be added again, so where keys are done in order its key waits for it.</summary>
    public void ComesBack(Job job) => Of(job).ComesBack(job, _now);

    /// <summary>After <see cref="Next"/> gave null: the earliest time at which it may give a job with no other call; null if there is none.</summary>
    public DateTimeOffset? NextChange(DateTimeOffset now)
    {
        long at = Advance(now);
        long next = Ticks.Never;
        foreach (QueueGroup group in _groups)
        {
            next = Math.Min(next, group.NextChange(at));
        }

        return Ticks.OrNull(next);
    }

    /// <summary>Whether a saturated pool of the queue sheds a job of this priority that comes now.</summary>
    public bool Sheds(string queue, int priority)
    {
        foreach (PoolShare share in Of(queue).Shares)
        {
            if (share.Pool.Sheds(priority))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Whether the queue's pools, where they are saturated, let a job of its own priority start.</summary>
    public bool Admits(Job job, DateTimeOffset now) => Of(job).Admits(job, Advance(now));

    public int Waiting(string queue) => Of(queue).Lanes.Waiting;

    public int Running(string queue) => Of(queue).Running;

    /// <summary>How many keys of the queue are in memory.</summary>
    public int Keys(string queue) => Of(queue).Lanes.Keys;

    public DateTimeOffset? OldestWaiting(string queue) => Of(queue).Lanes.Oldest?.CreatedAt;

    /// <summary>
    /// The theoretical arrival times that changed since the last call, by "queue" or "queue/key", to be written with the batch. One that changed and
    /// reaches no further than <see cref="Brief"/> ahead, or lies in the past, is told once to be gone, if it was told before.
    /// </summary>
    /// <remarks>The list is that of the next call, too: each message to a home asks.</remarks>
    public List<ChangedRate> TakeChangedRates()
    {
        _changes.Clear();
        _changes.AddRange(_gone);
        _gone.Clear();
        foreach (DispatchQueue queue in _queues)
        {
            queue.TakeChangedRates(_now, _changes);
        }

        return _changes;
    }

    /// <summary>Remembers what <see cref="TakeChangedRates"/> told before a restart; after <see cref="SetQueue"/>. What no policy asks for any more is told to be gone.</summary>
    public void RestoreRate(string name, DateTimeOffset at)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        if (!_byName.TryGetValue(slash < 0 ? name : name[..slash], out DispatchQueue? queue))
        {
            _gone.Add(new ChangedRate(name, null));
        }
        else if (slash < 0)
        {
            queue.RestoreRate(at.UtcTicks, _now);
        }
        else
        {
            queue.Lanes.RestoreRate(name[(slash + 1)..], at.UtcTicks, _now);
        }
    }

    private long Advance(DateTimeOffset now) => _now = Math.Max(_now, now.UtcTicks);

    private DispatchQueue Of(Job job) => Of(job.Queue);

    private DispatchQueue Of(string queue)
        => _byName.TryGetValue(queue, out DispatchQueue? known) ? known : throw new InvalidOperationException($"queue {queue} was not set.");

    private Pool PoolOf(string name)
    {
        if (!_pools.TryGetValue(name, out Pool? pool))
        {
            pool = new Pool();
            _pools.Add(name, pool);
        }

        return pool;
    }

    private void Regroup()
    {
        List<QueueGroup> groups = [];
        foreach (DispatchQueue queue in _queues)
        {
            var group = new QueueGroup();
            group.Add(queue);
            List<QueueGroup> joined = groups.FindAll(g => Array.Exists(queue.Shares, s => g.Uses(s.Pool)));
            joined.ForEach(group.Absorb);
            groups = [.. groups.Except(joined), group];
        }

        _groups.Clear();
        foreach (QueueGroup group in groups.OrderBy(g => g.LastStart).ThenBy(g => g.Queues[0].Order))
        {
            _groups.AddLast(group);
        }
    }
}
