using System.Collections.Frozen;
using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Events;

namespace Perdure.Queues;

/// <summary>The queues, pools, contracts and handlers that this process knows.</summary>
internal sealed class QueueRegistry
{
    private readonly FrozenDictionary<Type, JobType> _byType;
    private readonly FrozenDictionary<string, JobType> _byName;
    private readonly FrozenDictionary<string, FrozenDictionary<string, HandlerDefinition>> _handlers; // by queue, then by job: asked for each job several times

    public QueueRegistry(IReadOnlyDictionary<string, QueueOptions> queues, IReadOnlyDictionary<string, PoolOptions> pools, IEnumerable<JobType> types, IEnumerable<(string Queue, HandlerDefinition Handler)> handlers)
    {
        Queues = queues;
        Pools = pools;
        JobType[] all = types.ToArray();
        (string Queue, HandlerDefinition Handler)[] allHandlers = handlers.ToArray();
        if (all.GroupBy(t => t.Name).FirstOrDefault(g => g.Count() > 1) is { } same)
        {
            throw new PerdureException(ErrorCodes.DuplicateHandler, $"job {same.Key} has two contracts: keep one AddJob, or give the types different names with [Named].");
        }

        if (allHandlers.GroupBy(h => (h.Queue, h.Handler.JobName)).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw new PerdureException(ErrorCodes.DuplicateHandler, $"job {twice.Key.JobName} has two handlers on queue {twice.Key.Queue}: keep one.");
        }

        foreach (string queue in all.Select(t => t.Queue).Concat(allHandlers.Select(h => h.Queue)))
        {
            if (!queues.ContainsKey(queue))
            {
                throw Unknown(queue);
            }
        }

        _byType = all.ToFrozenDictionary(t => t.Type);
        _byName = all.ToFrozenDictionary(t => t.Name, StringComparer.Ordinal);
        _handlers = allHandlers.GroupBy(h => h.Queue, StringComparer.Ordinal)
            .ToFrozenDictionary(q => q.Key, q => q.ToFrozenDictionary(h => h.Handler.JobName, h => h.Handler, StringComparer.Ordinal), StringComparer.Ordinal);
    }

    public IReadOnlyDictionary<string, QueueOptions> Queues { get; }

    public IReadOnlyDictionary<string, PoolOptions> Pools { get; }

    public IReadOnlyDictionary<string, ScheduleDefinition> Schedules { get; init; } = FrozenDictionary<string, ScheduleDefinition>.Empty;

    /// <summary>Handlers that do all jobs of a queue, whatever their types.</summary>
    public IReadOnlyDictionary<string, HandlerDefinition> Bridges { get; init; } = FrozenDictionary<string, HandlerDefinition>.Empty;

    public EventRegistry Events { get; init; } = EventRegistry.Empty;

    public JobType TypeOf(object job)
    {
        ArgumentNullException.ThrowIfNull(job);
        return TypeOf(job.GetType());
    }

    public JobType TypeOf(Type type)
        => _byType.GetValueOrDefault(type)
            ?? throw new PerdureException(ErrorCodes.UnknownHandler, $"nobody does jobs of type {type.Name}: add a handler with AddHandler, or say their queue with AddJob.");

    public JobType? Find(string name) => _byName.GetValueOrDefault(name);

    public HandlerDefinition? HandlerOf(string queue, string job) => _handlers.GetValueOrDefault(queue)?.GetValueOrDefault(job) ?? Bridges.GetValueOrDefault(queue);

    /// <summary>Whether this process has handlers for a queue; otherwise workers outside pull its jobs.</summary>
    public bool IsHandled(string queue) => _handlers.ContainsKey(queue) || Bridges.ContainsKey(queue);

    /// <summary>What this process does for the home on another node. Flows that do jobs are started where the home is.</summary>
    public IEnumerable<OfferedHandler> Offered
        => _handlers.SelectMany(q => q.Value.Values.Where(h => h is not FlowHandler).Select(h => new OfferedHandler(q.Key, h.JobName, h.TakesBatches)))
            .Concat(Bridges.Select(b => new OfferedHandler(b.Key, null, b.Value.TakesBatches)));

    public PerdureException Unknown(string queue)
        => new(ErrorCodes.UnknownQueue, $"there is no queue {queue}: add it with AddQueue. There are: {string.Join(", ", Queues.Keys.Order(StringComparer.Ordinal).DefaultIfEmpty("none"))}.");

    public PerdureException UnknownSchedule(string schedule)
        => new(ErrorCodes.UnknownSchedule, $"there is no schedule {schedule}: add it with AddSchedule. There are: {string.Join(", ", Schedules.Keys.DefaultIfEmpty("none"))}.");
}
