using System.Text.Json;
using Perdure.Events;
using Perdure.Storage;

namespace Perdure;

/// <summary>What is known about an event.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Position">Its place in the topic's log, from 1 on.</param>
/// <param name="Id">Its CloudEvents id.</param>
/// <param name="Type">Its type's durable name.</param>
/// <param name="Key">What it is about; null for nothing in particular.</param>
/// <param name="Source">Who published it: the CloudEvents source.</param>
/// <param name="Time">When it happened.</param>
/// <param name="PublishedAt">When it came into the log.</param>
/// <param name="CorrelationId">The business transaction that it belongs to.</param>
public sealed record EventInfo(string Topic, long Position, string Id, string Type, string? Key, string Source, DateTimeOffset Time, DateTimeOffset PublishedAt, string CorrelationId)
{
    /// <summary>What caused it: <c>flow:type/id#ask</c>, <c>job:id</c> or <c>event:topic/position@subscription</c>; null for a caller outside. Null also where a handler looks at it.</summary>
    public string? Cause { get; init; }

    /// <summary>What became of it where flows wait for events of its type. <see cref="EventFate.None"/> where a handler looks at it.</summary>
    public EventFate Fate { get; init; }

    /// <summary>The event itself. Undefined where a handler looks at it, which has it already.</summary>
    public JsonElement Data { get; init; }

    private EventRow? Row { get; init; }

    /// <summary>The event in the JSON format of CloudEvents 1.0, for others.</summary>
    /// <exception cref="InvalidOperationException">A handler looks at it, which has no more of it than this.</exception>
    public byte[] ToCloudEvent() => Row is { } row ? CloudEvents.Write(row) : throw new InvalidOperationException("What a handler gets is a part of the event: list it to have the whole.");

    internal static EventInfo Of(EventRow row) => new(row.Topic, row.Position, row.Id, row.Type, row.Key, row.Source, row.Time, row.PublishedAt, row.Correlation)
    {
        Row = row,
        Cause = row.Cause,
        Fate = row.State.Fate,
        Data = JsonSerializer.Deserialize(row.Data, EventJson.Default.JsonElement),
    };

    internal static EventInfo Of(EventRef about, Queues.JobAttempt attempt)
        => new(about.Topic, about.Position, about.Id, attempt.Type, attempt.Key, about.Source, about.Time, about.PublishedAt, attempt.Correlation);
}

/// <summary>An event that was published.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Position">Its place in the topic's log.</param>
/// <param name="Id">Its id.</param>
/// <param name="IsDuplicate">Whether it had been published before, under the same id and with the same content.</param>
public readonly record struct PublishedEvent(string Topic, long Position, string Id, bool IsDuplicate);

/// <summary>How an event is published, where that differs from its type.</summary>
public sealed record PublishOptions
{
    /// <summary>Its key, instead of what the type's selector says.</summary>
    public string? Key { get; init; }

    /// <summary>Its id, so that it can be published again without coming twice: the same id from the same source with the same content is the same event. One is made by default.</summary>
    public string? Id { get; init; }

    /// <summary>When it happened; now by default.</summary>
    public DateTimeOffset? Time { get; init; }

    /// <summary>Who publishes it: a URI reference, as CloudEvents want it; <c>/</c> by default.</summary>
    public string Source { get; init; } = "/";

    /// <summary>The business transaction that it belongs to: by default that of the handler or step that publishes it, or else one of its own, named after its id.</summary>
    public string? CorrelationId { get; init; }
}

/// <summary>How a subscription does.</summary>
/// <param name="Name">The subscription.</param>
/// <param name="IsHandled">Whether this process has handlers for it.</param>
/// <param name="Topics">How far it has come with each of its topics.</param>
public sealed record SubscriptionInfo(string Name, bool IsHandled, IReadOnlyList<SubscriptionTopic> Topics)
{
    /// <summary>How many events it has not been through.</summary>
    public long Lag => Topics.Sum(t => t.Last - t.Done);
}

/// <summary>How far a subscription has come with a topic.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Done">All events up to this position are done, are dead letters, or have jobs of their own that go on.</param>
/// <param name="Last">The position of the topic's last event; 0 for none.</param>
/// <param name="Generation">How often it was rewound.</param>
public sealed record SubscriptionTopic(string Topic, long Done, long Last, int Generation);
