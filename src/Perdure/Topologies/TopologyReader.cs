using Perdure.Engine;
using Perdure.Events;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Topologies;

/// <summary>Gathers a topology: what is declared at registration, and what the logs and the open runs show.</summary>
internal sealed class TopologyReader(IStore store, int home, QueueRegistry queues, FlowRegistry flows, TopologyOptions options)
{
    /// <summary>A time that nobody who runs this will live to see.</summary>
    private static readonly TimeSpan NoLimit = TimeSpan.FromDays(36_525);

    private readonly TopologyBuilder _builder = new();
    private readonly List<TopologySmell> _found = [];

    public async Task<Topology> ReadAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        Declare();
        foreach (TopicRange topic in await store.ReadTopicsAsync(home, cancellationToken))
        {
            await SeeAsync(topic, cancellationToken);
        }

        foreach (EventWaitRow wait in await store.ReadEventWaitsAsync(home, cancellationToken))
        {
            _builder.See(Event(wait.Type), Flow(wait.Flow.Flow.Type), TopologyEdgeKind.AwaitedBy);
        }

        await SeeRunsAsync(now, cancellationToken);
        return _builder.Build(_found, options.ChainMax);
    }

    private void Declare()
    {
        foreach (EventType type in queues.Events.Types)
        {
            Event(type.Name);
        }

        foreach (SubscriptionDefinition subscription in queues.Events.Subscriptions)
        {
            string service = _builder.Node(TopologyNodeKind.Subscription, subscription.Name);
            foreach (EventType type in queues.Events.Types.Where(t => subscription.Hears(t.Name, t.Topic)))
            {
                _builder.Declare(Event(type.Name), service, TopologyEdgeKind.HeardBy);
            }

            foreach (Type published in subscription.Options.Published)
            {
                _builder.Declare(service, Event(FlowNames.Of(published)), TopologyEdgeKind.Publishes);
            }

            foreach (string started in subscription.Starts)
            {
                _builder.Declare(service, Flow(started), TopologyEdgeKind.Starts);
            }
        }

        foreach (FlowDefinition flow in flows.All)
        {
            foreach (Type published in flow.Published)
            {
                _builder.Declare(Flow(flow.Name), Event(FlowNames.Of(published)), TopologyEdgeKind.Publishes);
            }

            foreach (Type awaited in flow.Awaited)
            {
                _builder.Declare(Event(FlowNames.Of(awaited)), Flow(flow.Name), TopologyEdgeKind.AwaitedBy);
            }
        }
    }

    private async Task SeeAsync(TopicRange topic, CancellationToken cancellationToken)
    {
        Dictionary<long, string> types = [];
        if (options.EventsMax > 0)
        {
            await foreach (EventRow row in store.ListEventsAsync(new EventFilter { Topic = topic.Topic, Limit = options.EventsMax }, cancellationToken))
            {
                types.Add(row.Position, row.Type);
                _builder.See(Publisher(row.Cause), Event(row.Type), TopologyEdgeKind.Publishes);
            }
        }

        if (types.Count > 0)
        {
            foreach (DeliveryRow delivery in await store.ReadDeliveriesAsync(home, topic.Topic, types.Keys.Min(), types.Keys.Max(), cancellationToken))
            {
                if (types.TryGetValue(delivery.Position, out string? type))
                {
                    _builder.See(Event(type), _builder.Node(TopologyNodeKind.Subscription, delivery.Subscription), TopologyEdgeKind.HeardBy);
                }
            }
        }
    }

    private async Task SeeRunsAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        Dictionary<string, int> endless = [];
        Dictionary<string, int> old = [];
        await foreach (FlowRow row in store.ListAsync(new FlowFilter { Limit = options.RunsMax }, cancellationToken))
        {
            if (row.Cause is not null)
            {
                _builder.See(Publisher(row.Cause), Flow(row.Key.Type), TopologyEdgeKind.Starts);
            }

            if (row.State.Status is FlowStatus.Running or FlowStatus.Undoing)
            {
                endless[row.Key.Type] = endless.GetValueOrDefault(row.Key.Type) + (row.State.WakeAt - now > NoLimit ? 1 : 0);
                old[row.Key.Type] = old.GetValueOrDefault(row.Key.Type) + (now - row.CreatedAt > options.OpenMax ? 1 : 0);
            }
        }

        foreach ((string type, int runs) in endless.Where(e => e.Value > 0).OrderBy(e => e.Key, StringComparer.Ordinal))
        {
            _found.Add(new TopologySmell(TopologySmellKind.NoLimit, [Flow(type)], $"{runs} runs of flow {type} wait for more than a hundred years: give the wait a limit that somebody acts on."));
        }

        foreach ((string type, int runs) in old.Where(o => o.Value > 0).OrderBy(o => o.Key, StringComparer.Ordinal))
        {
            _found.Add(new TopologySmell(TopologySmellKind.NeverEnds, [Flow(type)], $"{runs} runs of flow {type} are open for more than {options.OpenMax.TotalDays:0} days: who ends them?"));
        }
    }

    /// <summary>Who a cause stands for.</summary>
    private string Publisher(string? cause)
    {
        if (cause is null)
        {
            return _builder.Node(TopologyNodeKind.Outside, "callers");
        }

        string what = cause[(cause.IndexOf(':', StringComparison.Ordinal) + 1)..];
        (int slash, int at, int dash) = (what.IndexOf('/', StringComparison.Ordinal), what.LastIndexOf('@'), what.LastIndexOf('-'));
        return cause[..^what.Length] switch
        {
            "flow:" when slash > 0 => Flow(what[..slash]),
            "event:" when at >= 0 => _builder.Node(TopologyNodeKind.Subscription, what[(at + 1)..]),
            "job:" when dash > 0 => _builder.Node(TopologyNodeKind.Queue, what[..dash]),
            _ => _builder.Node(TopologyNodeKind.Outside, "others"), // an event from outside may say anything
        };
    }

    private string Flow(string type) => _builder.Node(TopologyNodeKind.Flow, type);

    private string Event(string type) => _builder.Node(TopologyNodeKind.Event, type);
}
