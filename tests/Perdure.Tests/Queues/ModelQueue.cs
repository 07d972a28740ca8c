using Perdure.Queues;

namespace Perdure.Tests.Queues;

/// <summary>One queue of the model.</summary>
internal sealed class ModelQueue(string name, int order, long ratesFrom)
{
    private readonly Dictionary<string, long> _turns = [];
    private long _turn;

    public string Name => name;

    public int Order => order;

    public QueueOptions Policy { get; private set; } = new();

    public TimedGate? Gate { get; private set; }

    public bool Stopped { get; set; }

    public int? Credit { get; set; }

    public long LastStart { get; private set; }

    public List<Job> Waiting { get; } = [];

    /// <summary>What runs, and what it took.</summary>
    public Dictionary<Job, List<PoolUse>> Running { get; } = [];

    public List<Job> ComingBack { get; } = [];

    /// <summary>Theoretical arrival times by key; the queue's own under "".</summary>
    public Dictionary<string, long> Tats { get; } = [];

    public bool TracksKeys => Tracks(Policy);

    public void Change(QueueOptions policy, TimedGate? gate, long now)
    {
        bool turnsAnew = !TracksKeys && Tracks(policy);
        Policy = policy;
        Gate = gate;
        if (turnsAnew)
        {
            _turns.Clear();
            foreach (Job job in Waiting.OrderBy(j => j.Number).DistinctBy(LaneOf))
            {
                _turns[LaneOf(job)] = ++_turn;
            }
        }

        if (!policy.InOrder)
        {
            ComingBack.Clear();
        }

        foreach (string key in Tats.Keys.ToList())
        {
            RestoreTat(key, Tats[key], now);
        }
    }

    public void RestoreTat(string key, long tat, long now)
    {
        Rate? rate = RateOf(key);
        Tats.Remove(key);
        if (rate is not null)
        {
            Tats[key] = Math.Min(tat, now + (Spacing(rate) * rate.Burst));
        }
    }

    public void Add(Job job)
    {
        ComingBack.Remove(job);
        if (!Waiting.Exists(j => LaneOf(j) == LaneOf(job)))
        {
            _turns[LaneOf(job)] = ++_turn;
        }

        Waiting.Add(job);
    }

    public void Remove(Job job)
    {
        Waiting.Remove(job);
        ComingBack.Remove(job);
    }

    public void Ended(Job job, bool comesBack)
    {
        Running.Remove(job);
        if (comesBack && Policy.InOrder && job.Key is not null)
        {
            ComingBack.Add(job);
        }
    }

    public Candidate? Best(long now)
    {
        bool closed = Stopped || Credit == 0 || Running.Count >= (Policy.Concurrency ?? int.MaxValue) || !(Policy.OpenHours?.Contains(Ticks.At(now)) ?? true);
        bool waits = now < ratesFrom && (Policy.Rate is not null || Policy.RatePerKey is not null);
        if (closed || waits || !Allows(Policy.Rate, "", now))
        {
            return null;
        }

        Job? best = null;
        foreach (Job job in Waiting.Where(j => KeyAllows(j, now)))
        {
            best = best is null || IsBefore(job, best, now) ? job : best;
        }

        return best is null ? null : new Candidate(this, best, RankOf(best, now));
    }

    public void Start(Job job, long now, long number)
    {
        LastStart = number;
        Waiting.Remove(job);
        Running.Add(job, [.. Policy.Uses]);
        _turns[LaneOf(job)] = ++_turn;
        Credit--;
        Take(Policy.Rate, "", now);
        if (job.Key is not null)
        {
            Take(Policy.RatePerKey, job.Key, now);
        }
    }

    /// <summary>The keys that must be kept in memory.</summary>
    public IEnumerable<string> KeysInUse(long now) => !TracksKeys ? [] : Waiting.Concat(Running.Keys).Concat(ComingBack).Select(j => j.Key).OfType<string>()
        .Concat(Tats.Where(t => t.Key.Length > 0 && t.Value > now).Select(t => t.Key)).Distinct();

    private static bool Tracks(QueueOptions policy) => policy.InOrder || policy.FairKeys || policy.ConcurrencyPerKey is not null || policy.RatePerKey is not null;

    private string LaneOf(Job job) => TracksKeys && job.Key is not null ? $"key {job.Key}" : "";

    private Rate? RateOf(string key) => key.Length == 0 ? Policy.Rate : Policy.RatePerKey;

    private bool KeyAllows(Job job, long now)
    {
        if (job.Key is null)
        {
            return true;
        }

        int running = Running.Keys.Count(j => j.Key == job.Key);
        return running < (Policy.ConcurrencyPerKey ?? int.MaxValue)
            && Allows(Policy.RatePerKey, job.Key, now)
            && (!Policy.InOrder || (running == 0 && ComingBack.TrueForAll(j => j.Key != job.Key) && Waiting.TrueForAll(j => j.Key != job.Key || j.Number >= job.Number)));
    }

    private bool IsBefore(Job job, Job other, long now)
    {
        int found = RankOf(job, now).CompareTo(RankOf(other, now));
        if (found == 0 && Policy.FairKeys && LaneOf(job) != LaneOf(other))
        {
            found = _turns[LaneOf(job)].CompareTo(_turns[LaneOf(other)]);
        }

        return found < 0 || (found == 0 && job.Number < other.Number);
    }

    private Fraction RankOf(Job job, long now)
    {
        int change = Policy.PriorityRules.Where(r => r.Matches(job.Type, job.Key, job.Priority) && r.Window.Contains(Ticks.At(now))).Sum(r => r.Change);
        var priority = new Fraction(job.Priority + change, 1);
        if (Policy.Ageing is not { } ageing)
        {
            return priority;
        }

        long born = job.CreatedAt.UtcTicks;
        born = Policy.FairKeys ? born / ageing.Ticks * ageing.Ticks : born;
        return new Fraction(born - now, ageing.Ticks).Plus(job.Priority + change);
    }

    private static long Spacing(Rate rate) => (long)Math.Ceiling(rate.Per.Ticks / (decimal)rate.Count);

    private bool Allows(Rate? rate, string key, long now)
        => rate is null || Tats.GetValueOrDefault(key) - (Spacing(rate) * (rate.Burst - 1)) <= now;

    private void Take(Rate? rate, string key, long now)
    {
        if (rate is not null)
        {
            Tats[key] = Math.Max(Tats.GetValueOrDefault(key), now) + Spacing(rate);
        }
    }
}
