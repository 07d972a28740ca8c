using System.Numerics;
using Perdure.Queues;

namespace Perdure.Tests.Queues;

/// <summary>What the dispatcher should do, in the most obvious way: lists, and every limit counted from scratch for every question.</summary>
/// <param name="start">The time.</param>
/// <param name="ratesFrom">From when on queues with a rate may start jobs.</param>
internal sealed class DispatchModel(DateTimeOffset start, long ratesFrom = 0)
{
    private readonly Dictionary<string, PoolOptions> _pools = [];
    private readonly List<ModelQueue> _queues = [];
    private long _starts;

    public long Now { get; private set; } = start.UtcTicks;

    public List<ModelQueue> Queues => _queues;

    public void Advance(DateTimeOffset now) => Now = Math.Max(Now, now.UtcTicks);

    public void SetPool(string name, PoolOptions pool) => _pools[name] = pool;

    public ModelQueue this[string name] => _queues.Find(q => q.Name == name)!;

    public void SetQueue(string name, QueueOptions policy, TimedGate? gate)
    {
        ModelQueue? queue = _queues.Find(q => q.Name == name);
        if (queue is null)
        {
            queue = new ModelQueue(name, _queues.Count, ratesFrom);
            _queues.Add(queue);
        }

        queue.Change(policy, gate, Now);
    }

    public Job? Next(DateTimeOffset now)
    {
        Advance(now);
        if (Choice(Now) is not { } choice)
        {
            return null;
        }

        choice.Queue.Gate?.TryEnter(Ticks.At(Now));
        choice.Queue.Start(choice.Job, Now, ++_starts);
        return choice.Job;
    }

    /// <summary>Which job would go at a time, if nothing else happened before.</summary>
    public Candidate? Choice(long now)
    {
        IEnumerable<List<ModelQueue>> groups = Groups().OrderBy(g => g.Max(q => q.LastStart)).ThenBy(g => g.Min(q => q.Order));
        return groups.Select(g => ChoiceOf(g, now)).FirstOrDefault(c => c is not null);
    }

    public bool Sheds(string queue, int priority) => this[queue].Policy.Uses.Exists(u =>
        _pools.TryGetValue(u.Pool, out PoolOptions? pool) && pool.Sheds && Used(u.Pool) >= pool.SaturatedAt && priority > pool.AdmittedPriority);

    private Candidate? ChoiceOf(List<ModelQueue> group, long now)
    {
        Dictionary<string, int> setAside = [];
        List<Candidate> candidates = [.. group.Select(q => q.Best(now)).OfType<Candidate>()];
        candidates.Sort((x, y) => Compare(x, y));
        foreach (Candidate candidate in candidates)
        {
            List<PoolUse> uses = candidate.Queue.Policy.Uses;
            if (uses.Exists(u => !Admits(u, candidate.Rank)))
            {
                continue;
            }

            bool entered = candidate.Queue.Gate?.MayEnter(Ticks.At(now)) ?? true;
            if (!entered)
            {
                continue;
            }

            if (uses.TrueForAll(u => _pools[u.Pool].Capacity - Used(u.Pool) - setAside.GetValueOrDefault(u.Pool) >= u.Units))
            {
                return candidate;
            }

            uses.ForEach(u => setAside[u.Pool] = setAside.GetValueOrDefault(u.Pool) + u.Units);
        }

        return null;
    }

    private static int Compare(Candidate x, Candidate y)
        => x.Rank.CompareTo(y.Rank) is var order && order != 0 ? order : x.Job.Number.CompareTo(y.Job.Number);

    private bool Admits(PoolUse use, Fraction rank)
        => _pools.TryGetValue(use.Pool, out PoolOptions? pool) && use.Units <= pool.Capacity
            && (pool.SaturatedAt is not { } from || Used(use.Pool) < from || rank.CompareTo(new Fraction(pool.AdmittedPriority, 1)) <= 0);

    private int Used(string pool) => _queues.Sum(q => q.Running.Values.Sum(uses => uses.Where(u => u.Pool == pool).Sum(u => u.Units)));

    private List<List<ModelQueue>> Groups()
    {
        List<List<ModelQueue>> groups = [.. _queues.Select(q => new List<ModelQueue> { q })];
        for (int i = 0; i < groups.Count; i++)
        {
            for (int j = i + 1; j < groups.Count; j++)
            {
                if (groups[i].Exists(x => groups[j].Exists(y => x.Policy.Uses.Exists(u => y.Policy.Uses.Exists(v => u.Pool == v.Pool)))))
                {
                    groups[i].AddRange(groups[j]);
                    groups.RemoveAt(j);
                    j = i;
                }
            }
        }

        return groups;
    }
}

/// <summary>A job that a queue would let go.</summary>
internal sealed record Candidate(ModelQueue Queue, Job Job, Fraction Rank);

/// <summary>A number without rounding.</summary>
internal readonly record struct Fraction(BigInteger Over, BigInteger Under) : IComparable<Fraction>
{
    public int CompareTo(Fraction other) => (Over * other.Under).CompareTo(other.Over * Under);

    public Fraction Plus(BigInteger whole) => new(Over + (whole * Under), Under);
}
