using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Events;
using Perdure.Worker;

namespace Perdure.Queues;

/// <summary>Gathers what an application says of its queues.</summary>
internal sealed class QueueBuilder
{
    private readonly SortedDictionary<string, QueueOptions> _queues = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, PoolOptions> _pools = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, ScheduleDefinition> _schedules = new(StringComparer.Ordinal);
    private readonly List<JobType> _types = [];
    private readonly List<(string Queue, HandlerDefinition Handler)> _handlers = [];
    private readonly SortedDictionary<string, HandlerDefinition> _bridges = new(StringComparer.Ordinal);

    public void AddQueue(string name, Action<QueueOptions>? configure)
    {
        var policy = new QueueOptions();
        configure?.Invoke(policy);
        policy.Check(FlowNames.CheckType(name));
        if (!_queues.TryAdd(name, policy))
        {
            throw new PerdureException(ErrorCodes.DuplicateHandler, $"queue {name} was added twice: keep one AddQueue.");
        }
    }

    /// <summary>Adds the queue of a subscription that none was added for.</summary>
    public void AddQueueIfMissing(string name) => _queues.TryAdd(name, new QueueOptions());

    /// <summary>Lets a bridge do all jobs of its subscription's queue.</summary>
    public void AddBridge(BridgeSubscription bridge)
    {
        bridge.Policy.Check(FlowNames.CheckType(bridge.Name));
        _queues.TryAdd(bridge.Name, bridge.Policy);
        _bridges.Add(bridge.Name, bridge.Handler);
    }

    public void AddPool(string name, Action<PoolOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        var pool = new PoolOptions();
        configure(pool);
        pool.Check(FlowNames.CheckType(name));
        if (!_pools.TryAdd(name, pool))
        {
            throw new PerdureException(ErrorCodes.DuplicateHandler, $"pool {name} was added twice: keep one AddPool.");
        }
    }

    public void AddJob<TJob>(string queue, Action<JobContract<TJob>>? configure)
        where TJob : IJob
    {
        var contract = new JobContract<TJob>();
        configure?.Invoke(contract);
        _types.Add(new JobType<TJob>(FlowNames.CheckType(FlowNames.Of(typeof(TJob))), queue, contract));
    }

    public void AddHandler(string queue, HandlerDefinition handler) => _handlers.Add((queue, handler));

    public void AddSchedule(ScheduleDefinition schedule, Action<ScheduleOptions>? configure)
    {
        configure?.Invoke(schedule.Options);
        if (!_schedules.TryAdd(FlowNames.CheckType(schedule.Name), schedule))
        {
            throw new PerdureException(ErrorCodes.DuplicateHandler, $"schedule {schedule.Name} was added twice: keep one AddSchedule, or give them different names.");
        }
    }

    /// <summary>Checks that all of it fits together. A handler whose job has no contract makes a plain one.</summary>
    public QueueRegistry Build(DependencyRegistry dependencies, EventRegistry events)
    {
        HashSet<string> known = [.. _types.Select(t => t.Name)];
        List<JobType> types = [.. _types];
        foreach ((string queue, HandlerDefinition handler) in _handlers)
        {
            if (known.Add(handler.JobName))
            {
                types.Add(handler.PlainType(queue));
            }
        }

        foreach ((string name, QueueOptions policy) in _queues)
        {
            Check(name, policy, _pools, dependencies);
        }

        var registry = new QueueRegistry(_queues, _pools, types, _handlers) { Schedules = _schedules, Events = events, Bridges = _bridges };
        foreach (ScheduleDefinition schedule in _schedules.Values)
        {
            schedule.Check(registry);
        }

        return registry;
    }

    /// <summary>Refuses a policy that is out of its ranges, or names what is not there.</summary>
    public static void Check(string queue, QueueOptions policy, IReadOnlyDictionary<string, PoolOptions> pools, DependencyRegistry dependencies)
    {
        policy.Check(queue);
        PoolCheck.Check(queue, policy, pools);
        if (policy.Dependency is { } dependency && dependencies.Find(dependency) is null)
        {
            throw new PerdureException(ErrorCodes.UnknownDependency, $"queue {queue}: {dependencies.Missing(dependency)}");
        }
    }
}
