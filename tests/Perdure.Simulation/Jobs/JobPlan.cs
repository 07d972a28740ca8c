using Perdure.Engine;
using Perdure.Queues;
using Perdure.Simulation.Processes;

namespace Perdure.Simulation.Jobs;

/// <summary>Work that has a result.</summary>
internal sealed record Work(int Id) : IJob<string>;

/// <summary>Work of which two that wait become one, or nothing.</summary>
internal sealed record Bundle(int Id, bool Undoes) : IJob<string>;

/// <summary>The queues and pools of a simulated run: the same in all its processes.</summary>
internal sealed class JobPlan
{
    private const int KeysMax = 3;

    private readonly SortedDictionary<string, QueueOptions> _queues = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, PoolOptions> _pools = new(StringComparer.Ordinal);
    private readonly ReplayRandom _chance;

    public JobPlan(ReplayRandom chance)
    {
        _chance = chance;
        if (chance.Next(2) == 0)
        {
            int capacity = chance.Next(1, 5);
            bool saturates = chance.Next(2) == 0;
            _pools.Add("pool", new PoolOptions { Capacity = capacity, SaturatedAt = saturates ? chance.Next(1, capacity + 1) : null, Sheds = saturates && chance.Next(2) == 0 });
        }

        _queues.Add("plain", new QueueOptions { Concurrency = chance.Next(1, 4), Retry = AnyRetry(), Timeout = TimeSpan.FromSeconds(chance.Next(5, 20)) });
        for (int i = chance.Next(1, 4); i > 0; i--)
        {
            _queues.Add($"q{i}", AnyQueue());
        }

        foreach ((string name, QueueOptions queue) in _queues)
        {
            queue.Check(name);
            PoolCheck.Check(name, queue, _pools);
        }
    }

    public IReadOnlyDictionary<string, QueueOptions> Queues => _queues;

    public IReadOnlyDictionary<string, PoolOptions> Pools => _pools;

    /// <summary>What one process knows: the queues, and handlers of its own for them.</summary>
    public QueueRegistry RegistryOf(Process process, JobService service)
    {
        HandlerDefinition work = HandlerDefinition.Of<Work, string>(null, (job, context) => service.DoAsync(process, job.Id, context));
        HandlerDefinition bundle = HandlerDefinition.Of<Bundle, string>(null, (job, context) => service.DoAsync(process, job.Id, context));
        var contract = new JobContract<Bundle> { Merge = static (_, added) => added.Undoes ? null : added };
        JobType[] types = [new JobType<Work>(work.JobName, "plain", null), new JobType<Bundle>(bundle.JobName, "plain", contract)];
        return new QueueRegistry(_queues, _pools, types, _queues.Keys.SelectMany(q => new[] { (q, work), (q, bundle) }));
    }

    public string AnyQueueName(ReplayRandom chance) => chance.Next(3) == 0 ? "plain" : _queues.Keys.ElementAt(chance.Next(_queues.Count));

    public JobOptions AnyOptions(ReplayRandom chance)
    {
        string queue = AnyQueueName(chance);
        return new JobOptions
        {
            Queue = queue,
            Priority = chance.Next(3) == 0 ? null : chance.Next(-2, 3),
            Key = chance.Next(3) == 0 ? null : $"k{chance.Next(KeysMax)}",
            Delay = chance.Next(6) == 0 ? TimeSpan.FromMilliseconds(chance.Next(20_000)) : null,
            DedupKey = chance.Next(3) == 0 ? $"d{chance.Next(KeysMax)}" : null,
            Dedup = AnyDedup(chance),
            Limit = chance.Next(12) == 0 ? TimeSpan.FromMilliseconds(chance.Next(1, 60_000)) : null,
            ExpireAfter = chance.Next(8) == 0 ? TimeSpan.FromMilliseconds(chance.Next(1_000, 40_000)) : null,
            Timeout = chance.Next(8) == 0 ? TimeSpan.FromMilliseconds(chance.Next(500, 5_000)) : null,
            Retry = chance.Next(8) == 0 ? Retry.Fixed(chance.Next(1, 4), TimeSpan.FromMilliseconds(chance.Next(3_000))) : null,
            KeepResult = chance.Next(6) == 0 ? TimeSpan.FromSeconds(chance.Next(2) == 0 ? 0 : 3_600) : null,
        };
    }

    private static Dedup? AnyDedup(ReplayRandom chance) => chance.Next(7) switch
    {
        0 => Dedup.Join,
        1 => Dedup.JoinUntilStarted,
        2 => Dedup.Ignore,
        3 => Dedup.IgnoreUntilStarted,
        4 => Dedup.Replace,
        5 => Dedup.OncePer(TimeSpan.FromSeconds(chance.Next(1, 30))),
        _ => null,
    };

    private QueueOptions AnyQueue()
    {
        bool inOrder = _chance.Next(3) == 0;
        return new QueueOptions
        {
            Concurrency = _chance.Next(3) == 0 ? null : _chance.Next(1, 6),
            InOrder = inOrder,
            ConcurrencyPerKey = !inOrder && _chance.Next(2) == 0 ? _chance.Next(1, 3) : null,
            Rate = _chance.Next(3) == 0 ? AnyRate() : null,
            RatePerKey = _chance.Next(4) == 0 ? AnyRate() : null,
            FairKeys = _chance.Next(4) == 0,
            Priority = _chance.Next(-1, 2),
            Ageing = _chance.Next(4) == 0 ? TimeSpan.FromSeconds(_chance.Next(1, 20)) : null,
            Uses = _pools.Count > 0 && _chance.Next(2) == 0 ? [new PoolUse("pool", _chance.Next(1, Math.Min(2, _pools["pool"].Capacity) + 1))] : [],
            Retry = AnyRetry(),
            Timeout = TimeSpan.FromSeconds(_chance.Next(3, 20)),
            ExpireAfter = _chance.Next(4) == 0 ? TimeSpan.FromSeconds(_chance.Next(10, 90)) : null,
            KeepResults = TimeSpan.FromSeconds(_chance.Next(3) == 0 ? 0 : 3_600),
            BacklogMax = _chance.Next(3) == 0 ? _chance.Next(1, 6) : 1_000,
            WhenFull = _chance.Next(2) == 0 ? WhenFull.Block : WhenFull.Reject,
        };
    }

    private Rate AnyRate() => new(_chance.Next(1, 3), TimeSpan.FromSeconds(_chance.Next(10, 40))) { Burst = _chance.Next(1, 4) };

    private Retry AnyRetry() => _chance.Next(3) switch
    {
        0 => Retry.Default,
        1 => Retry.Fixed(_chance.Next(1, 4), TimeSpan.FromMilliseconds(_chance.Next(100, 5_000))),
        _ => Retry.Exponential(_chance.Next(2, 6), TimeSpan.FromMilliseconds(_chance.Next(100, 2_000)), TimeSpan.FromSeconds(10)),
    };
}
