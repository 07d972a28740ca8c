namespace Perdure;

/// <summary>Which events to list. Every condition that is set must hold.</summary>
public sealed record EventFilter
{
    /// <summary>Events of this topic.</summary>
    public string? Topic { get; init; }

    /// <summary>Events of this type, by its durable name.</summary>
    public string? Type { get; init; }

    /// <summary>Events with this key.</summary>
    public string? Key { get; init; }

    /// <summary>The event with this id; best with <see cref="Topic"/>, since ids are unique within a topic.</summary>
    public string? Id { get; init; }

    /// <summary>Events of this business transaction.</summary>
    public string? Correlation { get; init; }

    /// <summary>Events that flows took, or that wait for one, or that no one wanted; null or empty for any.</summary>
    public IReadOnlyCollection<EventFate>? Fates { get; init; }

    /// <summary>Events published at or after this time.</summary>
    public DateTimeOffset? PublishedFrom { get; init; }

    /// <summary>Events published before this time.</summary>
    public DateTimeOffset? PublishedBefore { get; init; }

    /// <summary>At most so many, at least 1; 1,000 by default.</summary>
    public int Limit { get; init; } = 1_000;
}

/// <summary>What became of an event where flows wait for events of its type.</summary>
public enum EventFate
{
    /// <summary>Its type is not one that flows wait for.</summary>
    None = 0,

    /// <summary>It came before a flow waited for it, and is kept for a time.</summary>
    Held = 1,

    /// <summary>It was given to the flow that waited for it, or to all of them.</summary>
    Taken = 2,

    /// <summary>No flow waited for it in time.</summary>
    Unclaimed = 3,

    /// <summary>More than one flow waits for it where one is expected: none has it, and it is kept for a time.</summary>
    Ambiguous = 4,
}
