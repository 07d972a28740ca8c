using Perdure.Engine;

namespace Perdure.Simulation.Jobs;

/// <summary>Makes policies of queues.</summary>
internal sealed class JobPolicies(ReplayRandom chance, IReadOnlyDictionary<string, PoolOptions> pools)
{
    /// <summary>What some queues depend on; null for nothing.</summary>
    public string? Dependency { get; init; }

    /// <summary>When the run starts, if some queues are to be closed for a while; null if none is.</summary>
    public DateTimeOffset? Start { get; init; }

    public DependencyOptions AnyDependency() => new()
    {
        Concurrency = chance.Next(4) == 0 ? null : chance.Next(1, 5),
        AtLeast = chance.Next(2, 6),
        OpenFor = TimeSpan.FromMilliseconds(chance.Next(500, 5_000)),
        RetryBudget = chance.Next(2) == 0 ? 0.2 : null,
        RetriesPerSecond = chance.Next(1, 4),
    };

    public QueueOptions Plain() => new() { Concurrency = chance.Next(1, 4), Retry = AnyRetry(), Timeout = TimeSpan.FromSeconds(chance.Next(5, 20)) };

    /// <summary>Keys take turns, and nothing but the number of workers makes a job wait.</summary>
    public QueueOptions Fair()
    {
        QueueOptions policy = Plain();
        policy.Concurrency = chance.Next(1, 3);
        policy.FairKeys = true;
        return policy;
    }

    public QueueOptions Outside()
    {
        QueueOptions policy = Any();
        policy.Lease = TimeSpan.FromSeconds(chance.Next(2, 10));
        policy.LostLeasesMax = chance.Next(2, 6);
        return policy;
    }

    public QueueOptions Batches()
    {
        QueueOptions policy = Any();
        policy.BatchMax = chance.Next(1, 5);
        return policy;
    }

    public QueueOptions Any()
    {
        bool inOrder = chance.Next(3) == 0;
        return new QueueOptions
        {
            Concurrency = chance.Next(3) == 0 ? null : chance.Next(1, 6),
            InOrder = inOrder,
            ConcurrencyPerKey = !inOrder && chance.Next(2) == 0 ? chance.Next(1, 3) : null,
            Rate = chance.Next(3) == 0 ? AnyRate() : null,
            RatePerKey = chance.Next(4) == 0 ? AnyRate() : null,
            FairKeys = chance.Next(4) == 0,
            Priority = chance.Next(-1, 2),
            Ageing = chance.Next(4) == 0 ? TimeSpan.FromSeconds(chance.Next(1, 20)) : null,
            Uses = pools.Count > 0 && chance.Next(2) == 0 ? [new PoolUse("pool", chance.Next(1, Math.Min(2, pools["pool"].Capacity) + 1))] : [],
            Retry = AnyRetry(),
            Timeout = TimeSpan.FromSeconds(chance.Next(3, 20)),
            ExpireAfter = chance.Next(4) == 0 ? TimeSpan.FromSeconds(chance.Next(10, 90)) : null,
            KeepResults = TimeSpan.FromSeconds(chance.Next(3) == 0 ? 0 : 3_600),
            BacklogMax = chance.Next(3) == 0 ? chance.Next(1, 6) : 1_000,
            WhenFull = chance.Next(2) == 0 ? WhenFull.Block : WhenFull.Reject,
            Dependency = Dependency is not null && chance.Next(2) == 0 ? Dependency : null,
            OpenHours = Start is { } start && chance.Next(4) == 0 ? AnyHours(start) : null,
        };
    }

    /// <summary>Open but for a stretch or two while the run goes on.</summary>
    private OpenHours AnyHours(DateTimeOffset start)
    {
        List<TimeWindow> windows = [];
        TimeOnly from = TimeOnly.MinValue;
        TimeSpan at = start.TimeOfDay;
        for (int i = chance.Next(1, 3); i > 0; i--)
        {
            at += TimeSpan.FromMilliseconds(chance.Next(2_000, 60_000));
            windows.Add(new TimeWindow(from, TimeOnly.FromTimeSpan(at), "UTC"));
            at += TimeSpan.FromMilliseconds(chance.Next(2_000, 60_000));
            from = TimeOnly.FromTimeSpan(at);
        }

        windows.Add(new TimeWindow(from, TimeOnly.MinValue, "UTC"));
        return OpenHours.Of(windows);
    }

    /// <summary>What somebody changes in a policy while its queue runs: what jobs wait for and in which order, but not what becomes of them.</summary>
    public static Action<QueueOptions> AnyChange(ReplayRandom chance)
    {
        int? concurrency = chance.Next(4) == 0 ? null : chance.Next(1, 4);
        int? perKey = chance.Next(2) == 0 ? null : chance.Next(1, 3);
        bool inOrder = chance.Next(3) == 0;
        bool fairKeys = chance.Next(3) == 0;
        TimeSpan? ageing = chance.Next(3) == 0 ? TimeSpan.FromSeconds(chance.Next(1, 20)) : null;
        return policy =>
        {
            policy.Concurrency = concurrency;
            policy.ConcurrencyPerKey = inOrder ? null : perKey;
            policy.InOrder = inOrder;
            policy.FairKeys = fairKeys;
            policy.Ageing = ageing;
        };
    }

    /// <summary>Of what it remembers, some is written down, and some is over so soon that a restart waits for it.</summary>
    private Rate AnyRate()
    {
        TimeSpan per = chance.Next(3) == 0 ? TimeSpan.FromMilliseconds(chance.Next(200, 900)) : TimeSpan.FromSeconds(chance.Next(10, 40));
        return new(chance.Next(1, 3), per) { Burst = chance.Next(1, 4) };
    }

    private Retry AnyRetry() => chance.Next(3) switch
    {
        0 => Retry.Default,
        1 => Retry.Fixed(chance.Next(1, 4), TimeSpan.FromMilliseconds(chance.Next(100, 5_000))),
        _ => Retry.Exponential(chance.Next(2, 6), TimeSpan.FromMilliseconds(chance.Next(100, 2_000)), TimeSpan.FromSeconds(10)),
    };
}
