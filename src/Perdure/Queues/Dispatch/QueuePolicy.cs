namespace Perdure.Queues;

/// <summary>What the dispatcher needs of a queue's policy, as it was when it was set.</summary>
internal sealed class QueuePolicy
{
    public QueuePolicy(QueueOptions options)
    {
        Concurrency = options.Concurrency ?? int.MaxValue;
        Pace = options.Rate is { } rate ? new Pace(rate) : null;
        ConcurrencyPerKey = options.InOrder ? 1 : options.ConcurrencyPerKey ?? int.MaxValue;
        PacePerKey = options.RatePerKey is { } perKey ? new Pace(perKey) : null;
        InOrder = options.InOrder;
        FairKeys = options.FairKeys;
        Ageing = options.Ageing?.Ticks ?? 0;
        Rules = [.. options.PriorityRules];
        Uses = [.. options.Uses];
        OpenHours = options.OpenHours;
        TracksKeys = InOrder || FairKeys || PacePerKey is not null || options.ConcurrencyPerKey is not null;
    }

    public int Concurrency { get; }

    public Pace? Pace { get; }

    public int ConcurrencyPerKey { get; }

    public Pace? PacePerKey { get; }

    public bool HasRate => Pace is not null || PacePerKey is not null;

    public bool InOrder { get; }

    public bool FairKeys { get; }

    /// <summary>In ticks; 0 for never.</summary>
    public long Ageing { get; }

    public PriorityRule[] Rules { get; }

    public PoolUse[] Uses { get; }

    public OpenHours? OpenHours { get; }

    /// <summary>Whether keys matter; else all jobs wait in one lane.</summary>
    public bool TracksKeys { get; }

    /// <summary>In what a <see cref="Level"/> counts per priority.</summary>
    public long Scale => Ageing == 0 ? 1 : Ageing;

    /// <summary>
    /// A job's place by priority and age, the smaller the better, which time does not change: its effective priority is <c>(Level - now) / Ageing</c>.
    /// Where keys take turns, jobs that came in the same stretch of <see cref="Ageing"/> are equally old, so that there are equals to take turns among.
    /// </summary>
    public long Level(Job job)
    {
        if (Ageing == 0)
        {
            return job.Priority;
        }

        if (job.Priority == Job.BeforeAll)
        {
            return long.MinValue; // its product with a long time has no room
        }

        long born = job.CreatedAt.UtcTicks;
        return (job.Priority * Ageing) + (FairKeys ? born - (born % Ageing) : born);
    }

    public bool SortsLike(QueuePolicy other)
        => TracksKeys == other.TracksKeys && InOrder == other.InOrder && FairKeys == other.FairKeys && Ageing == other.Ageing && Rules.AsSpan().SequenceEqual(other.Rules);
}
