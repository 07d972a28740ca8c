using System.Collections.Frozen;
using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Events;

/// <summary>The event types, topics and subscriptions that this process knows.</summary>
internal sealed class EventRegistry
{
    private static readonly TopicOptions DefaultTopic = new();

    private readonly FrozenDictionary<Type, EventType> _byType;
    private readonly FrozenDictionary<string, EventType> _byName;
    private readonly FrozenDictionary<string, TopicOptions> _topics;

    public EventRegistry(IReadOnlyCollection<EventType> types, IReadOnlyDictionary<string, TopicOptions> topics, IReadOnlyList<SubscriptionDefinition> subscriptions)
    {
        if (types.GroupBy(t => t.Name).FirstOrDefault(g => g.Count() > 1) is { } same)
        {
            throw new PerdureException(ErrorCodes.DuplicateHandler, $"event {same.Key} was added twice: keep one AddEvent, or give the types different names with [Named].");
        }

        _byType = types.ToFrozenDictionary(t => t.Type);
        _byName = types.ToFrozenDictionary(t => t.Name, StringComparer.Ordinal);
        _topics = topics.ToFrozenDictionary(StringComparer.Ordinal);
        Subscriptions = subscriptions;
        Topics = [.. types.Select(t => t.Topic).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    public static EventRegistry Empty { get; } = new([], FrozenDictionary<string, TopicOptions>.Empty, []);

    public IReadOnlyList<SubscriptionDefinition> Subscriptions { get; }

    public IReadOnlyList<string> Topics { get; }

    public IEnumerable<EventType> Types => _byName.Values.OrderBy(t => t.Name, StringComparer.Ordinal);

    public bool IsEmpty => _byName.Count == 0;

    public EventType? Find(string name) => _byName.GetValueOrDefault(name);

    public EventType? Find(Type type) => _byType.GetValueOrDefault(type);

    public EventType TypeOf(Type type)
        => Find(type) ?? throw new PerdureException(ErrorCodes.UnknownEvent, $"{type.Name} is no event: add it with AddEvent. There are: {string.Join(", ", Types.Select(t => t.Name).DefaultIfEmpty("none"))}.");

    public EventType TypeOf(string name)
        => Find(name) ?? throw new PerdureException(ErrorCodes.UnknownEvent, $"there is no event type {name}: add it with AddEvent. There are: {string.Join(", ", Types.Select(t => t.Name).DefaultIfEmpty("none"))}.");

    public TopicOptions OptionsOf(string topic) => _topics.GetValueOrDefault(topic, DefaultTopic);
}

/// <summary>A subscription: its name, which is its queue's too, and what it wants to hear of.</summary>
internal sealed class SubscriptionDefinition
{
    private readonly HashSet<(string Type, string Topic)> _types;
    private readonly string? _bridged;

    public SubscriptionDefinition(string name, SubscriptionOptions options, IEnumerable<EventType> types)
    {
        Name = name;
        Options = options;
        _types = [.. types.Select(t => (t.Name, t.Topic))];
        Topics = [.. _types.Select(t => t.Topic).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    /// <summary>A bridge's: all of a topic, also events of types that this process does not know.</summary>
    public SubscriptionDefinition(string name, SubscriptionOptions options, string topic)
        : this(name, options, [])
    {
        _bridged = topic;
        Topics = [topic];
    }

    public string Name { get; }

    public SubscriptionOptions Options { get; }

    public IReadOnlyList<string> Topics { get; }

    /// <summary>The flow types that it starts.</summary>
    public IReadOnlyList<string> Starts { get; init; } = [];

    public bool Hears(string type, string topic) => _bridged is null ? _types.Contains((type, topic)) : _bridged == topic;

    /// <summary>What a job for the subscription says of an event.</summary>
    public EventRef About(EventRow row, int generation) => new()
    {
        Topic = row.Topic,
        Position = row.Position,
        Generation = generation,
        Id = row.Id,
        Source = row.Source,
        Time = row.Time,
        PublishedAt = row.PublishedAt,
        Cause = _bridged is null ? null : row.Cause,
        More = _bridged is null ? null : row.More,
    };
}
