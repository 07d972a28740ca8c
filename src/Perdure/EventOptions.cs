using Perdure.Diagnostics;

namespace Perdure;

/// <summary>What holds for all events of one type.</summary>
public sealed class EventOptions
{
    /// <summary>How long an event that comes before a flow waits for it is kept for one that does; null, the default, for events that no flow waits for. More than zero, at most 10 years.</summary>
    /// <remarks>One that no flow has taken by then is unclaimed: a warning in the log, and a fate that <see cref="EventFilter.Fates"/> finds.</remarks>
    public TimeSpan? Hold { get; set; }

    /// <summary>Whether all flows that wait for an event get it. By default one is expected: where more wait, none gets it, and an error in the log says so.</summary>
    public bool ForAllWaiting { get; set; }

    /// <summary>How far ahead of this node's clock an event's own time may be; 1 hour by default. One that is further ahead is refused (PRD6004).</summary>
    public TimeSpan SkewMax { get; set; } = TimeSpan.FromHours(1);

    internal void Check(string type)
    {
        if (Hold is { } hold && (hold <= TimeSpan.Zero || hold > TimeSpan.FromDays(3_653)))
        {
            throw new PerdureException(ErrorCodes.BadOption, $"event {type}: Hold must be more than zero and at most 10 years, or null.");
        }

        if (SkewMax < TimeSpan.Zero)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"event {type}: SkewMax must be zero or more.");
        }
    }
}

/// <summary>How a topic's log is kept.</summary>
public sealed class TopicOptions
{
    /// <summary>How long events are kept at least; 7 days by default. An event that a subscription has not had, or that is held for a flow, stays however old it is.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(7);

    internal void Check(string topic)
    {
        if (Retention < TimeSpan.Zero || Retention > QueueOptions.KeepMax)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"topic {topic}: Retention must be zero to 100 years.");
        }
    }
}

/// <summary>How a subscription reads. How its handlers are called is its queue's policy: <c>AddQueue</c> with the same name.</summary>
public sealed class SubscriptionOptions
{
    /// <summary>Where the subscription begins when it is new: with events that come from now on, by default.</summary>
    public SubscriptionStart Start { get; set; } = SubscriptionStart.Now;

    /// <summary>How many events of a topic it has in memory at once, 1 to 100,000; 1,000 by default. Priorities, limits per key and fair turns choose among these.</summary>
    public int ReadAhead { get; set; } = 1_000;

    internal List<Type> Published { get; } = [];

    /// <summary>Declares, for the picture of the whole, that its handlers publish events of this type. Those that they were seen to publish need no declaration.</summary>
    public SubscriptionOptions Publishes<TEvent>()
    {
        Published.Add(typeof(TEvent));
        return this;
    }

    internal void Check(string subscription)
    {
        if (ReadAhead is < 1 or > 100_000)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"subscription {subscription}: ReadAhead must be 1 to 100,000.");
        }
    }
}

/// <summary>Where in the logs of its topics a subscription begins.</summary>
public sealed record SubscriptionStart
{
    private SubscriptionStart()
    {
    }

    /// <summary>Events that come from now on.</summary>
    public static SubscriptionStart Now { get; } = new();

    /// <summary>All events that are kept.</summary>
    public static SubscriptionStart Beginning { get; } = new() { Time = DateTimeOffset.MinValue };

    /// <summary>Events that were published at this time or later, as far as they are kept.</summary>
    public static SubscriptionStart At(DateTimeOffset time) => new() { Time = time };

    /// <summary>From which time on; null for now.</summary>
    internal DateTimeOffset? Time { get; private init; }
}
