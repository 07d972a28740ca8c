using Perdure.Diagnostics;
using Perdure.Serialization;

namespace Perdure.Events;

/// <summary>An event type as this process knows it.</summary>
internal abstract class EventType(string name, Type type, string topic, EventOptions options)
{
    /// <summary>The durable name.</summary>
    public string Name { get; } = name;

    public Type Type { get; } = type;

    public string Topic { get; } = topic;

    public EventOptions Options { get; } = options;

    public abstract byte[] Serialize(object @event, FlowJson json);

    /// <summary>The key that an event has by itself; null if its type has none.</summary>
    /// <exception cref="PerdureException">Its type has a key, and this event has none (PRD6002).</exception>
    public abstract string? KeyOf(object @event);

    /// <summary>Refuses data (JSON) that is not of this type, and gives its key.</summary>
    public abstract string? KeyOf(byte[] data, FlowJson json);
}

internal sealed class EventType<TEvent>(string name, string topic, Func<TEvent, string>? key, EventOptions options) : EventType(name, typeof(TEvent), topic, options)
{
    public override byte[] Serialize(object @event, FlowJson json) => json.Serialize((TEvent)@event, new PayloadName("event", Name));

    public override string? KeyOf(object @event)
    {
        if (key is null)
        {
            return null;
        }

        string? found = key((TEvent)@event);
        return string.IsNullOrWhiteSpace(found)
            ? throw new PerdureException(ErrorCodes.EventKeyMissing, $"an event {Name} has no key: the selector given to AddEvent returned nothing.")
            : EventText.Check(found);
    }

    public override string? KeyOf(byte[] data, FlowJson json)
        => KeyOf(json.Deserialize<TEvent>(data, new PayloadName("event", Name)) ?? throw new PerdureException(ErrorCodes.PayloadMismatch, $"the data of event {Name} is null."));
}
