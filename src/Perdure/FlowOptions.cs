namespace Perdure;

/// <summary>What can be said about a flow type where it is registered.</summary>
public sealed class FlowOptions
{
    /// <summary>The durable name, instead of the class's or its <see cref="NamedAttribute"/>'s.</summary>
    public string? Name { get; set; }

    /// <summary>The version, at least 1, instead of the <see cref="NamedAttribute"/>'s. New runs take the newest that is registered; open runs stay on theirs.</summary>
    public int? Version { get; set; }

    internal List<Type> Published { get; } = [];

    internal List<Type> Awaited { get; } = [];

    /// <summary>Declares, for the picture of the whole, that the flow publishes events of this type. Those that it was seen to publish need no declaration.</summary>
    public FlowOptions Publishes<TEvent>()
    {
        Published.Add(typeof(TEvent));
        return this;
    }

    /// <summary>Declares, for the picture of the whole, that the flow waits for events of this type.</summary>
    public FlowOptions Awaits<TEvent>()
    {
        Awaited.Add(typeof(TEvent));
        return this;
    }
}
