using System.Text.Json;
using Perdure.Queues;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Events;

/// <summary>Hands on every event of a topic as it stands in the log, whatever its type: a bridge to another broker needs no more, and must not care which types this process knows.</summary>
internal sealed class BridgeHandler(Func<EventRow, JobContext, Task> handle) : HandlerDefinition(null, typeof(EventRow))
{
    internal override Type ResultType => typeof(NoResult);

    internal override JobType PlainType(string queue) => throw new InvalidOperationException("Events of a topic have types of their own.");

    internal override async ValueTask<byte[]> RunAsync(JobContext context, byte[] payload, FlowJson json)
    {
        await handle(context.EventRow(payload), context);
        return json.Serialize(default(NoResult), "nothing");
    }
}

/// <summary>A bridge's subscription to all of a topic.</summary>
/// <param name="Name">Its name, and its queue's.</param>
/// <param name="Topic">The topic.</param>
/// <param name="Handler">What gets the events.</param>
/// <param name="Policy">The policy of its queue, where none was added.</param>
internal sealed record BridgeSubscription(string Name, string Topic, BridgeHandler Handler, QueueOptions Policy);

/// <summary>
/// The CloudEvents extension that says through which bridge an event came in. A bridge does not send what came in through it: two systems that
/// bridge one topic both ways would pass each event to and fro for ever.
/// </summary>
internal static class BridgeMark
{
    public const string Attribute = "perdurebridge";

    /// <summary>Through which bridge an event came in; null for one from here.</summary>
    public static string? Of(EventRow row)
    {
        if (row.More is null)
        {
            return null;
        }

        using var more = JsonDocument.Parse(row.More);
        return more.RootElement.TryGetProperty(Attribute, out JsonElement mark) && mark.ValueKind == JsonValueKind.String ? mark.GetString() : null;
    }

    /// <summary>The event as it comes in through a bridge, whatever mark it carries from elsewhere.</summary>
    public static NewEvent Put(NewEvent wanted, string bridge)
    {
        Dictionary<string, JsonElement> more = wanted.More is null ? [] : JsonSerializer.Deserialize(wanted.More, EventJson.Default.DictionaryStringJsonElement)!;
        more[Attribute] = JsonSerializer.SerializeToElement(bridge, EventJson.Default.String);
        return wanted with { More = JsonSerializer.SerializeToUtf8Bytes(more, EventJson.Default.DictionaryStringJsonElement) };
    }
}
