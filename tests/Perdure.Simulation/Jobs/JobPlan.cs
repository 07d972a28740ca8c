using Perdure.Engine;
using Perdure.Queues;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Processes;
using Perdure.Worker;

namespace Perdure.Simulation.Jobs;

/// <summary>A job that says which one it is.</summary>
internal interface INumbered
{
    int Id { get; }
}

/// <summary>Work that has a result.</summary>
internal sealed record Work(int Id) : IJob<string>, INumbered;

/// <summary>Work of which two that wait become one, or nothing.</summary>
internal sealed record Bundle(int Id, bool Undoes) : IJob<string>, INumbered;

/// <summary>Work without a result, which a handler does many at once of.</summary>
internal sealed record Load(int Id) : IJob, INumbered;

/// <summary>Work that a flow does.</summary>
internal sealed record Errand(int Id) : IJob<string>, INumbered;

/// <summary>The queues, pools and schedules of a simulated run: the same in all its processes.</summary>
internal sealed class JobPlan
{
    /// <summary>The queue that workers outside pull from, where there is one.</summary>
    public const string Outside = "outside";

    /// <summary>The queue whose handler takes many jobs at once, where there is one.</summary>
    public const string Batches = "batches";

    /// <summary>The queue whose jobs a flow does, where there is one.</summary>
    public const string Flows = "flows";

    /// <summary>What who waits for a job without a result is told.</summary>
    public const string Done = "done";

    private const string Service = "service";
    private const int KeysMax = 3;

    private readonly SortedDictionary<string, QueueOptions> _queues = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, PoolOptions> _pools = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, DependencyOptions> _dependencies = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, ScheduleDefinition> _schedules = new(StringComparer.Ordinal);

    public JobPlan(ReplayRandom chance, DateTimeOffset start)
    {
        if (chance.Next(2) == 0)
        {
            int capacity = chance.Next(1, 5);
            bool saturates = chance.Next(2) == 0;
            _pools.Add("pool", new PoolOptions { Capacity = capacity, SaturatedAt = saturates ? chance.Next(1, capacity + 1) : null, Sheds = saturates && chance.Next(2) == 0 });
        }

        var policies = new JobPolicies(chance, _pools) { Dependency = chance.Next(2) == 0 ? Service : null, Start = start };
        if (policies.Dependency is not null)
        {
            _dependencies.Add(Service, policies.AnyDependency());
        }

        _queues.Add("plain", policies.Plain());
        for (int i = chance.Next(1, 4); i > 0; i--)
        {
            _queues.Add($"q{i}", policies.Any());
        }

        AddMaybe(3, Outside, policies.Outside);
        AddMaybe(3, Batches, policies.Batches);
        AddMaybe(4, "fair", policies.Fair);
        AddMaybe(4, Flows, policies.Any);
        foreach ((string name, QueueOptions queue) in _queues)
        {
            queue.Check(name);
            PoolCheck.Check(name, queue, _pools);
        }

        var schedules = new SchedulePlan(chance, start);
        for (int i = chance.Next(3) == 0 ? chance.Next(1, 3) : 0; i > 0; i--)
        {
            ScheduleDefinition schedule = schedules.Any(i, AnyQueueName(chance, Batches, Flows));
            _schedules.Add(schedule.Name, schedule);
        }

        void AddMaybe(int oneOf, string name, Func<QueueOptions> policy)
        {
            if (chance.Next(oneOf) == 0)
            {
                _queues.Add(name, policy());
            }
        }
    }

    public IReadOnlyDictionary<string, QueueOptions> Queues => _queues;

    public IReadOnlyDictionary<string, PoolOptions> Pools => _pools;

    public IReadOnlyDictionary<string, DependencyOptions> Dependencies => _dependencies;

    public IReadOnlyDictionary<string, ScheduleDefinition> Schedules => _schedules;

    public bool HasWorkersOutside => _queues.ContainsKey(Outside);

    /// <summary>What one process knows: the queues, and handlers of its own for them.</summary>
    public QueueRegistry RegistryOf(Process process, JobService service, FlowRegistry flows)
    {
        HandlerDefinition work = HandlerDefinition.Of<Work, string>(null, (job, context) => service.DoAsync(process, job.Id, context));
        HandlerDefinition bundle = HandlerDefinition.Of<Bundle, string>(null, (job, context) => service.DoAsync(process, job.Id, context));
        HandlerDefinition load = HandlerDefinition.OfBatch<Load>(null, (jobs, _, token) => service.DoManyAsync(process, jobs, token));
        var contract = new JobContract<Bundle> { Merge = static (_, added) => added.Undoes ? null : added };
        List<JobType> types = [new JobType<Work>(work.JobName, "plain", null), new JobType<Bundle>(bundle.JobName, "plain", contract)];
        List<(string, HandlerDefinition)> handlers = [.. _queues.Keys.Where(q => q is not (Outside or Batches or Flows)).SelectMany(q => new[] { (q, work), (q, bundle) })];
        if (_queues.ContainsKey(Batches))
        {
            types.Add(load.PlainType(Batches));
            handlers.Add((Batches, load));
        }

        if (_queues.ContainsKey(Flows))
        {
            var errand = new FlowHandler(flows.Find(PlanTypes.Errand, 1)!);
            types.Add(errand.PlainType(Flows));
            handlers.Add((Flows, errand));
        }

        return new QueueRegistry(_queues, _pools, types, handlers) { Schedules = _schedules };
    }

    /// <summary>What the queues depend on, for one process: its limits hold there.</summary>
    public DependencyRegistry NewDependencies()
    {
        var registry = new DependencyRegistry();
        foreach ((string name, DependencyOptions options) in _dependencies)
        {
            DependencyOptions own = registry.Add(name).Options;
            (own.Concurrency, own.AtLeast, own.OpenFor, own.RetryBudget, own.RetriesPerSecond) = (options.Concurrency, options.AtLeast, options.OpenFor, options.RetryBudget, options.RetriesPerSecond);
        }

        registry.Check();
        return registry;
    }

    public string AnyQueueName(ReplayRandom chance, params string[] except)
    {
        string queue = chance.Next(3) == 0 ? "plain" : _queues.Keys.ElementAt(chance.Next(_queues.Count));
        return except.Contains(queue) ? "plain" : queue;
    }

    /// <summary>A job that a queue takes.</summary>
    public IJob Any(string queue, int id, ReplayRandom chance)
        => queue == Batches ? new Load(id) : queue == Flows ? new Errand(id) : chance.Next(4) == 0 ? new Bundle(id, chance.Next(3) == 0) : new Work(id);

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
}
