namespace Perdure.Queues;

/// <summary>A pool's units. One that was not set has none, so what needs it waits until it is.</summary>
internal sealed class Pool
{
    private int _capacity;
    private int? _saturatedAt;
    private int _admittedPriority;
    private bool _sheds;

    /// <summary>Units that jobs took which run.</summary>
    public long Used { get; private set; }

    /// <summary>Units that better jobs wait for, while the next job is looked for.</summary>
    public long SetAside { get; set; }

    private bool IsSaturated => Used >= _saturatedAt;

    public void Set(PoolOptions options)
    {
        _capacity = options.Capacity;
        _saturatedAt = options.SaturatedAt;
        _admittedPriority = options.AdmittedPriority;
        _sheds = options.Sheds;
    }

    public bool Has(int units) => _capacity - Used - SetAside >= units;

    public bool CouldHave(int units) => _capacity >= units;

    public bool Admits(Rank rank) => !IsSaturated || rank.IsWithin(_admittedPriority);

    /// <summary>When a rank that is not admitted will be by its age alone; never without ageing.</summary>
    public long AdmitsAt(Rank rank, long now, bool ages)
        => Admits(rank) || !ages ? Ticks.Never : (long)Int128.Min(Ticks.Never, now + rank.Amount - ((Int128)_admittedPriority * rank.Scale));

    public bool Sheds(int priority) => _sheds && IsSaturated && priority > _admittedPriority;

    public void Take(int units) => Used += units;

    public void GiveBack(int units) => Used -= units;
}

/// <summary>Units of a pool.</summary>
internal readonly record struct PoolShare(Pool Pool, int Units);
