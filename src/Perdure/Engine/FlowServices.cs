using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Perdure.Events;
using Perdure.Queues;
using Perdure.Serialization;
using Perdure.Worker;

namespace Perdure.Engine;

/// <summary>What all runs of a node share.</summary>
internal sealed class FlowServices(IServiceProvider provider, FlowRegistry registry, FlowJson json, ILoggerFactory loggers)
{
    private readonly ConcurrentDictionary<string, ILogger> _loggers = new(StringComparer.Ordinal);

    public IServiceProvider Provider => provider;

    public FlowRegistry Registry => registry;

    public FlowJson Json => json;

    /// <summary>The queues of this process; null if it has none.</summary>
    public QueueRegistry? Queues { get; init; }

    /// <summary>The events of this process.</summary>
    public EventRegistry Events => Queues?.Events ?? EventRegistry.Empty;

    /// <summary>What steps may name as their dependency.</summary>
    public DependencyRegistry Dependencies { get; init; } = new();

    public ILogger LoggerOf(FlowDefinition definition) => _loggers.GetOrAdd(definition.Name, static (name, l) => l.CreateLogger($"Perdure.Flows.{name}"), loggers);
}
