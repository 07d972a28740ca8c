using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Queues;

namespace Perdure.Events;

/// <summary>Gathers what an application says of its events.</summary>
internal sealed class EventBuilder
{
    public const string DefaultTopic = "events";

    private readonly List<EventType> _types = [];
    private readonly SortedDictionary<string, TopicOptions> _topics = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, SubscriptionOptions> _options = new(StringComparer.Ordinal);
    private readonly List<(string Subscription, Type Event)> _wanted = [];
    private readonly List<(string Subscription, string Flow)> _starts = [];
    private readonly List<BridgeSubscription> _bridges = [];

    public void AddEvent<TEvent>(Func<TEvent, string>? key, string? topic, Action<EventOptions>? configure)
    {
        var options = new EventOptions();
        configure?.Invoke(options);
        string name = FlowNames.CheckType(FlowNames.Of(typeof(TEvent)));
        options.Check(name);
        _types.Add(new EventType<TEvent>(name, FlowNames.CheckType(topic ?? DefaultTopic), key, options));
    }

    public void AddTopic(string name, Action<TopicOptions> configure)
    {
        var options = new TopicOptions();
        configure(options);
        options.Check(FlowNames.CheckType(name));
        if (!_topics.TryAdd(name, options))
        {
            throw new PerdureException(ErrorCodes.DuplicateHandler, $"topic {name} was added twice: keep one AddTopic.");
        }
    }

    public void AddSubscription(string name, Action<SubscriptionOptions> configure)
    {
        var options = new SubscriptionOptions();
        configure(options);
        options.Check(FlowNames.CheckType(name));
        if (!_options.TryAdd(name, options))
        {
            throw new PerdureException(ErrorCodes.DuplicateHandler, $"subscription {name} was added twice: keep one AddSubscription.");
        }
    }

    public void Subscribe(string subscription, Type @event) => _wanted.Add((FlowNames.CheckType(subscription), @event));

    public void Starts(string subscription, string flow) => _starts.Add((subscription, flow));

    /// <summary>Lets a bridge hear of all events of a topic.</summary>
    public void Bridge(BridgeSubscription bridge) => _bridges.Add(bridge);

    /// <summary>Checks that all of it fits together. A subscription without a queue of its name gets one.</summary>
    public EventRegistry Build(QueueBuilder queues)
    {
        Dictionary<Type, EventType> known = [];
        foreach (EventType type in _types)
        {
            if (!known.TryAdd(type.Type, type))
            {
                throw new PerdureException(ErrorCodes.DuplicateHandler, $"event {type.Name} was added twice: keep one AddEvent.");
            }
        }

        List<SubscriptionDefinition> subscriptions = [];
        foreach (IGrouping<string, Type> wanted in _wanted.GroupBy(w => w.Subscription, w => w.Event).OrderBy(g => g.Key, StringComparer.Ordinal))
        {
            List<EventType> types = [.. wanted.Distinct().Select(t => known.TryGetValue(t, out EventType? type) ? type : throw Unknown(wanted.Key, t))];
            subscriptions.Add(new SubscriptionDefinition(wanted.Key, _options.GetValueOrDefault(wanted.Key) ?? new SubscriptionOptions(), types)
            {
                Starts = [.. _starts.Where(s => s.Subscription == wanted.Key).Select(s => s.Flow)],
            });
            queues.AddQueueIfMissing(wanted.Key);
        }

        foreach (BridgeSubscription bridge in _bridges)
        {
            if (!_types.Exists(t => t.Topic == bridge.Topic))
            {
                throw new PerdureException(ErrorCodes.BadBridge, $"bridge {bridge.Name}: there is no topic {bridge.Topic}: add events to it with AddEvent. There are: {string.Join(", ", _types.Select(t => t.Topic).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal).DefaultIfEmpty("none"))}.");
            }

            if (subscriptions.Exists(s => s.Name == bridge.Name))
            {
                throw new PerdureException(ErrorCodes.DuplicateHandler, $"subscription {bridge.Name} belongs to a bridge: give the other one another name, or keep one bridge for topic {bridge.Topic}.");
            }

            subscriptions.Add(new SubscriptionDefinition(bridge.Name, _options.GetValueOrDefault(bridge.Name) ?? new SubscriptionOptions(), bridge.Topic));
            queues.AddBridge(bridge);
        }

        string? unused = _options.Keys.FirstOrDefault(n => !subscriptions.Exists(s => s.Name == n));
        if (unused is not null)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"subscription {unused} hears of nothing: add handlers to it with Subscribe, or leave AddSubscription out.");
        }

        string? silent = _topics.Keys.FirstOrDefault(t => !_types.Exists(e => e.Topic == t));
        return silent is null
            ? new EventRegistry(_types, _topics, subscriptions)
            : throw new PerdureException(ErrorCodes.BadOption, $"topic {silent} has no events: add them with AddEvent, or leave AddTopic out.");
    }

    private static PerdureException Unknown(string subscription, Type type)
        => new(ErrorCodes.UnknownEvent, $"subscription {subscription}: {type.Name} is no event: add it with AddEvent.");
}
