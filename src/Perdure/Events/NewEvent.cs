using System.Text.Json;
using System.Text.Json.Serialization;
using Perdure.Storage;

namespace Perdure.Events;

/// <summary>An event that somebody publishes, resolved.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Data">The event itself (JSON).</param>
internal sealed record NewEvent(EventType Type, byte[] Data)
{
    /// <summary>The id that its publisher gave; null where one is made.</summary>
    public string? Id { get; init; }

    public string? Key { get; init; }

    public string Source { get; init; } = "";

    /// <summary>When it happened; null for when it is published.</summary>
    public DateTimeOffset? Time { get; init; }

    /// <summary>The business transaction; null for its own.</summary>
    public string? Correlation { get; init; }

    public string? Cause { get; init; }

    /// <summary>CloudEvents attributes that have no column (JSON object); null for none.</summary>
    public byte[]? More { get; init; }

    /// <summary>Whether it says the same as one that is there under its id.</summary>
    public bool IsSame(EventRow row)
        => row.Type == Type.Name && row.Key == Key && row.Data.AsSpan().SequenceEqual(Data) && (Time is null || row.Time == Time);
}

/// <summary>An event that a flow publishes, as it stands in the home's inbox.</summary>
internal sealed class FlowEvent
{
    public string Type { get; set; } = "";

    public string Id { get; set; } = "";

    public string? Key { get; set; }

    public DateTimeOffset Time { get; set; }

    public string Correlation { get; set; } = "";

    public JsonElement Data { get; set; }

    public static FlowEvent Read(byte[] json) => JsonSerializer.Deserialize(json, EventJson.Default.FlowEvent)!;

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, EventJson.Default.FlowEvent);
}

/// <summary>A flow's wait, as it stands in the home's inbox.</summary>
internal sealed class FlowWait
{
    public string Type { get; set; } = "";

    public string Key { get; set; } = "";

    public static FlowWait Read(byte[] json) => JsonSerializer.Deserialize(json, EventJson.Default.FlowWait)!;

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, EventJson.Default.FlowWait);
}

/// <summary>The event that a job is about: part of its row, where it has one.</summary>
internal sealed class EventRef
{
    public string Topic { get; set; } = "";

    public long Position { get; set; }

    public int Generation { get; set; }

    public string Id { get; set; } = "";

    public string Source { get; set; } = "";

    public DateTimeOffset Time { get; set; }

    public DateTimeOffset PublishedAt { get; set; }

    /// <summary>What caused it, and attributes without a column (JSON): only for bridges, which hand on the whole event.</summary>
    public string? Cause { get; set; }

    public byte[]? More { get; set; }

    /// <summary>Whether the job has a row of its own; otherwise the topic's log and the subscription's cursor stand for it.</summary>
    [JsonIgnore]
    public bool HasRow { get; set; }

    /// <summary>When its last attempt began.</summary>
    [JsonIgnore]
    public DateTimeOffset StartedAt { get; set; }

    public override string ToString() => Name(Topic, Position);

    public static string Name(string topic, long position) => $"{topic}/{position}";

    /// <summary>What an event is called that a message to a flow is about.</summary>
    public static (string Topic, long Position) Parse(string name)
    {
        int slash = name.LastIndexOf('/');
        return (name[..slash], long.Parse(name.AsSpan(slash + 1), System.Globalization.CultureInfo.InvariantCulture));
    }
}

/// <summary>How far a subscription has come with a topic.</summary>
internal sealed class CursorMemo
{
    /// <summary>Its number: unique in the store, and part of the numbers of its jobs.</summary>
    public int Number { get; set; }

    /// <summary>Counts how often it was rewound.</summary>
    public int Generation { get; set; }

    /// <summary>All events up to here are done, or have a job's row.</summary>
    public long Done { get; set; }

    /// <summary>No event after this one was ever given to a handler in this generation.</summary>
    public long Given { get; set; }

    public static CursorMemo Read(byte[] json) => JsonSerializer.Deserialize(json, EventJson.Default.CursorMemo)!;

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, EventJson.Default.CursorMemo);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(FlowEvent))]
[JsonSerializable(typeof(FlowWait))]
[JsonSerializable(typeof(CursorMemo))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(JsonElement))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
internal sealed partial class EventJson : JsonSerializerContext;
