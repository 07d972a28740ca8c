using System.Runtime.InteropServices;

namespace Perdure.Storage;

/// <summary>An event in a topic's log.</summary>
/// <param name="Shard">The shard the topic lives on.</param>
/// <param name="Topic">The topic.</param>
/// <param name="Position">Its place in the topic's log: from 1 on, without gaps.</param>
/// <param name="Id">Its CloudEvents id, unique in the topic among those of one source.</param>
/// <param name="Type">Its type's durable name.</param>
/// <param name="PublishedAt">When it came into the log, in whole microseconds; never before the one at the position before it.</param>
public sealed record EventRow(int Shard, string Topic, long Position, string Id, string Type, DateTimeOffset PublishedAt)
{
    /// <summary>What it is about: the CloudEvents subject, by which subscriptions keep order and flows wait. Null for none.</summary>
    public string? Key { get; init; }

    /// <summary>Who published it: the CloudEvents source.</summary>
    public string Source { get; init; } = "";

    /// <summary>When it happened, in whole microseconds.</summary>
    public DateTimeOffset Time { get; init; }

    /// <summary>The business transaction that it belongs to.</summary>
    public string Correlation { get; init; } = "";

    /// <summary>What caused it; null for nothing inside.</summary>
    public string? Cause { get; init; }

    /// <summary>The event itself (JSON).</summary>
    public byte[] Data { get; init; } = [];

    /// <summary>CloudEvents attributes that have no column (JSON object); null for none.</summary>
    public byte[]? More { get; init; }

    /// <summary>What became of it where flows wait for events of its type.</summary>
    public EventState State { get; set; }
}

/// <summary>The part of an event's row that changes.</summary>
/// <param name="Fate">What became of it.</param>
/// <param name="HeldUntil">Until when it is kept for a flow that waits for it later, in whole microseconds; null when it is not.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct EventState(EventFate Fate, DateTimeOffset? HeldUntil = null);

/// <summary>An event's new state.</summary>
/// <param name="Topic">Its topic.</param>
/// <param name="Position">Its position.</param>
/// <param name="State">Its state from now on.</param>
public readonly record struct EventUpdate(string Topic, long Position, EventState State);

/// <summary>That a subscription is done with an event: its handler had it, or it became a dead letter.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Position">The event's position.</param>
/// <param name="Subscription">The subscription.</param>
/// <param name="Generation">Counts how often the subscription was rewound.</param>
/// <param name="StartedAt">When the last attempt began, in whole microseconds.</param>
/// <param name="EndedAt">When it was done, in whole microseconds.</param>
public sealed record DeliveryRow(string Topic, long Position, string Subscription, int Generation, DateTimeOffset StartedAt, DateTimeOffset EndedAt)
{
    /// <summary>How many attempts failed.</summary>
    public int Attempts { get; init; }

    /// <summary>How it ended: completed, failed or cancelled; <see cref="JobStatus.Waiting"/> where it has a job's row of its own and goes on there.</summary>
    public JobStatus Status { get; init; }

    /// <summary>The job whose rows it must be committed with, where the batch has any; 0 for none. Not stored.</summary>
    public long Job { get; init; }
}

/// <summary>A flow that waits for an event.</summary>
/// <param name="Flow">The flow, and the ask that the event answers.</param>
/// <param name="Type">The event type's durable name.</param>
/// <param name="Key">The key.</param>
/// <param name="Since">When it began to wait, in whole microseconds.</param>
public sealed record EventWaitRow(ParentRef Flow, string Type, string Key, DateTimeOffset Since);

/// <summary>How far a topic's log goes.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="First">The position of the first event that is kept.</param>
/// <param name="Last">The position of the last event.</param>
public readonly record struct TopicRange(string Topic, long First, long Last);

/// <summary>Events of a topic, up to a position, that are forgotten with what is known of their deliveries.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="UpTo">The last position that is forgotten.</param>
public readonly record struct ForgottenEvents(string Topic, long UpTo);
