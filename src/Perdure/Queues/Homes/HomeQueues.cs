using System.Text.Json;
using Perdure.Diagnostics;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>The queues of a home: their policies, as configured or as changed since, whether they are paused, and what else is remembered of them.</summary>
internal sealed class HomeQueues(Home home)
{
    private static readonly QueueOptions Unknown = new();

    private readonly Dictionary<string, QueueState> _queues = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Queue, string Key), OnceMemo> _once = [];
    private readonly HashSet<string> _watched = new(StringComparer.Ordinal);
    private readonly PriorityQueue<(string Queue, string Key), DateTimeOffset> _onceEnds = new();
    private readonly Dictionary<string, int> _memoAt = new(StringComparer.Ordinal);
    private long _memosIn;

    /// <summary>Begins with what is remembered.</summary>
    public void Begin(IReadOnlyList<MemoRow> memos)
    {
        _queues.Clear();
        _once.Clear();
        _onceEnds.Clear();
        foreach ((string name, PoolOptions pool) in home.Registry.Pools.OrderBy(p => p.Key, StringComparer.Ordinal))
        {
            home.Dispatcher.SetPool(name, pool);
        }

        foreach ((string name, QueueOptions policy) in home.Registry.Queues.OrderBy(q => q.Key, StringComparer.Ordinal))
        {
            var state = new QueueState { Policy = policy, Ends = new EndRate(home.Shard.Now()) };
            _queues.Add(Intern(name), state);
            home.Dispatcher.SetQueue(name, policy, GateOf(policy));
            home.Dispatcher.SetCredit(name, home.Registry.IsHandled(name) ? null : 0);
        }

        foreach (MemoRow memo in memos)
        {
            Restore(memo.Name, memo.Value!);
        }
    }

    /// <summary>The one instance of a name, so that a million jobs share it.</summary>
    public string Intern(string name)
    {
        if (!_names.TryGetValue(name, out string? known))
        {
            _names.Add(name, known = name);
        }

        return known;
    }

    public bool Knows(string queue) => _queues.ContainsKey(queue);

    public IEnumerable<string> Names => _queues.Keys;

    /// <summary>A queue's policy; the defaults for one that only jobs in the store know.</summary>
    public QueueOptions Policy(string queue) => _queues.TryGetValue(queue, out QueueState? state) ? state.Policy : Unknown;

    /// <summary>Says which jobs wait for a process that knows them: their queue, and their handler or their contract.</summary>
    public void ReportUnknown(IEnumerable<Job> unknown)
    {
        home.Node.UnknownJobs.Clear();
        foreach (IGrouping<(string Queue, string Type), Job> group in unknown.GroupBy(j => (j.Queue, j.Type)))
        {
            home.Node.UnknownJobs.Enqueue($"{group.Key.Type} on queue {group.Key.Queue} ({group.Count()})");
            home.Node.Log.JobsUnknown(group.Count(), group.Key.Type, group.Key.Queue);
        }
    }

    public bool IsPaused(string queue) => _queues[queue].Mode != QueueMode.Open;

    public bool IsDraining(string queue) => _queues[queue].Mode == QueueMode.Draining;

    /// <summary>How many jobs wait, for their turn or their time.</summary>
    public int Backlog(string queue) => _queues[queue].Open - home.Dispatcher.Running(queue);

    public void Count(string queue, int change)
    {
        if (_queues.TryGetValue(queue, out QueueState? state))
        {
            state.Open += change;
        }
    }

    /// <summary>Whether a job's queue is known here, and its handler, here or on another node, where there are handlers.</summary>
    public bool CanRun(Job job)
        => _queues.ContainsKey(job.Queue) && (!IsHandled(job.Queue) || HasHandler(job.Queue, job.Type));

    /// <summary>Whether handlers do a queue's jobs, here or on another node; otherwise workers outside pull them.</summary>
    public bool IsHandled(string queue) => home.Registry.IsHandled(queue) || home.Nodes.Handle(queue);

    public bool HasHandler(string queue, string type) => home.Registry.HandlerOf(queue, type) is not null || home.Nodes.Handle(queue, type);

    /// <summary>Pauses, drains or resumes a queue, for good.</summary>
    public void SetMode(string queue, QueueMode mode)
    {
        _queues[queue].Mode = mode;
        home.Dispatcher.SetStopped(queue, mode == QueueMode.Paused);
        Remember($"mode/{queue}", mode == QueueMode.Open ? null : JsonSerializer.SerializeToUtf8Bytes((int)mode));
    }

    /// <summary>Changes a queue's policy, for good.</summary>
    public void SetPolicy(string queue, QueueOptions policy)
    {
        Apply(queue, policy);
        Remember($"policy/{queue}", JsonSerializer.SerializeToUtf8Bytes(policy, FlowJson.DefaultOptions()));
    }

    /// <summary>Takes a queue's policy from the configuration again.</summary>
    public void ResetPolicy(string queue)
    {
        Apply(queue, home.Registry.Queues[queue]);
        Remember($"policy/{queue}", null);
    }

    public void Ended(string queue, DateTimeOffset now)
    {
        if (_queues.TryGetValue(queue, out QueueState? state))
        {
            state.Ends.Ended(now);
        }
    }

    /// <summary>How a queue does now, and a job of a priority that comes.</summary>
    public QueueStats Stats(string queue, int? priority)
    {
        QueueState state = _queues[queue];
        DateTimeOffset now = home.Shard.Now();
        int worst = priority ?? state.Policy.Priority;
        int ahead = 0;
        int parked = 0;
        foreach (Job job in home.Jobs.Where(j => j.Queue == queue))
        {
            ahead += job.Phase == JobPhase.Waiting && job.Priority <= worst ? 1 : 0;
            parked += job.Phase == JobPhase.Parked ? 1 : 0;
        }

        int waiting = home.Dispatcher.Waiting(queue);
        int running = home.Dispatcher.Running(queue);
        double? rate = state.Ends.PerSecond(now);
        return new QueueStats(waiting, state.Open - waiting - running - parked, running)
        {
            Parked = parked,
            OldestWait = now - home.Dispatcher.OldestWaiting(queue),
            IsPaused = state.Mode == QueueMode.Paused,
            IsDraining = state.Mode == QueueMode.Draining,
            BlockedCallers = home.Intake.Blocked(queue),
            EndsPerSecond = rate,
            ExpectedWait = rate is { } perSecond ? TimeSpan.FromSeconds(Math.Min(ahead / perSecond, TimeSpan.FromDays(36_525).TotalSeconds)) : null,
        };
    }

    /// <summary>Whether a memo is what a rate remembers.</summary>
    public static bool IsOfRate(MemoRow memo) => memo.Name.StartsWith("rate/", StringComparison.Ordinal);

    public void RememberRate(string name, DateTimeOffset? at)
        => Remember($"rate/{name}", at is { } time ? JsonSerializer.SerializeToUtf8Bytes(time) : null);

    /// <summary>The job that took the window of a key, while it lasts.</summary>
    public long? OnceUntil(string queue, string key, DateTimeOffset now, TimeSpan window)
        => _once.TryGetValue((queue, key), out OnceMemo? once) && now < once.Until ? once.Number : null;

    public void RememberOnce(string queue, string key, long number, DateTimeOffset until)
    {
        until = StoredTimes.Up(until);
        ForgetOnce(home.Shard.Now());
        var once = new OnceMemo(number, until);
        _once[(queue, key)] = once;
        _onceEnds.Enqueue((queue, key), until);
        Remember($"once/{queue}/{key}", JsonSerializer.SerializeToUtf8Bytes(once));
        home.Batch.MemosOfJobs.Add(($"once/{queue}/{key}", number));
    }

    public void Remember(string name, byte[]? value)
    {
        List<MemoRow> memos = home.Batch.Memos;
        if (_memosIn != home.Shard.Commits.Sequence)
        {
            _memosIn = home.Shard.Commits.Sequence;
            _memoAt.Clear();
        }

        if (_memoAt.TryGetValue(name, out int index))
        {
            memos[index] = new MemoRow(name, value);
        }
        else
        {
            _memoAt.Add(name, memos.Count);
            memos.Add(new MemoRow(name, value));
        }
    }

    private void Apply(string queue, QueueOptions policy)
    {
        _queues[queue].Policy = policy;
        home.Dispatcher.SetQueue(queue, policy, GateOf(policy));
    }

    /// <summary>What a queue's jobs depend on; the home looks again when that changes.</summary>
    private Worker.Dependency? GateOf(QueueOptions policy)
    {
        Worker.Dependency? gate = home.Node.DependencyOf(policy.Dependency);
        if (gate is not null && _watched.Add(gate.Name))
        {
            gate.OnChanged(() => home.Shard.Post(new HomeDue()));
        }

        return gate;
    }

    private void ForgetOnce(DateTimeOffset now)
    {
        while (_onceEnds.TryPeek(out (string Queue, string Key) name, out DateTimeOffset until) && until <= now)
        {
            _onceEnds.Dequeue();
            if (_once.TryGetValue(name, out OnceMemo? once) && once.Until <= now)
            {
                _once.Remove(name);
                Remember($"once/{name.Queue}/{name.Key}", null);
            }
        }
    }

    private void Restore(string name, byte[] value)
    {
        int slash = name.IndexOf('/', StringComparison.Ordinal);
        string rest = name[(slash + 1)..];
        switch (name[..slash])
        {
            case "mode" when Knows(rest):
                _queues[rest].Mode = (QueueMode)JsonSerializer.Deserialize<int>(value);
                home.Dispatcher.SetStopped(rest, _queues[rest].Mode == QueueMode.Paused);
                break;
            case "policy" when Knows(rest):
                RestorePolicy(rest, value);
                break;
            case "rate":
                home.Dispatcher.RestoreRate(rest, JsonSerializer.Deserialize<DateTimeOffset>(value));
                break;
            case "once":
                OnceMemo once = JsonSerializer.Deserialize<OnceMemo>(value)!;
                int keyAt = rest.IndexOf('/', StringComparison.Ordinal);
                (string, string) key = (rest[..keyAt], rest[(keyAt + 1)..]);
                _once[key] = once;
                _onceEnds.Enqueue(key, once.Until);
                break;
        }
    }

    /// <summary>A policy that this process cannot read, or that does not hold any more, must not keep all queues from starting.</summary>
    private void RestorePolicy(string queue, byte[] value)
    {
        try
        {
            QueueOptions policy = JsonSerializer.Deserialize<QueueOptions>(value, FlowJson.DefaultOptions())!;
            QueueBuilder.Check(queue, policy, home.Registry.Pools, home.Node.Services.Dependencies); // what it names may be gone or smaller by now
            Apply(queue, policy);
        }
        catch (Exception e)
        {
            home.Node.Log.PolicyUnread(queue, e);
            Apply(queue, home.Registry.Queues[queue]);
        }
    }

    private sealed record OnceMemo(long Number, DateTimeOffset Until);

    private sealed class QueueState
    {
        public required QueueOptions Policy { get; set; }

        public required EndRate Ends { get; init; }

        public QueueMode Mode { get; set; }

        public int Open { get; set; }
    }
}

/// <summary>Whether a queue's jobs start, and whether it takes new ones.</summary>
internal enum QueueMode
{
    Open = 0,
    Paused = 1,
    Draining = 2,
}
