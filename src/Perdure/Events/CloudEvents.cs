using System.Globalization;
using System.Text.Json;
using Perdure.Diagnostics;
using Perdure.Queues;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Events;

/// <summary>Events in the JSON format of CloudEvents 1.0 (Cloud Native Computing Foundation). The key is the subject; the business transaction and the cause are extensions.</summary>
internal static class CloudEvents
{
    public const string ContentType = "application/cloudevents+json";

    private const string Json = "application/json";
    private static readonly HashSet<string> Known = ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data", "correlationid", "causationid"];

    /// <summary>Reads an event that came from outside.</summary>
    /// <exception cref="PerdureException">It is no CloudEvent with JSON data (PRD6005), is too large (PRD1005), of no known type (PRD6001), without a key (PRD6002), or its data are not of its type (PRD1006).</exception>
    public static NewEvent Read(ReadOnlyMemory<byte> json, EventRegistry registry, FlowJson values, int bytesMax)
    {
        if (json.Length > bytesMax)
        {
            throw new PerdureException(ErrorCodes.PayloadTooLarge, $"the event is {json.Length:N0} bytes of JSON, over the limit of {bytesMax:N0}: store the data elsewhere and pass a reference, or raise PayloadBytesMax.");
        }

        JsonElement root;
        try
        {
            using var document = JsonDocument.Parse(json);
            root = document.RootElement.Clone();
        }
        catch (JsonException e)
        {
            throw Bad($"it is no JSON: {e.Message}");
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            throw Bad($"it is a JSON {root.ValueKind.ToString().ToLowerInvariant()}, not an object");
        }

        if (Required(root, "specversion") is var version && version != "1.0")
        {
            throw Bad($"its specversion is {version}, not 1.0");
        }

        if (Optional(root, "datacontenttype") is { } content && !IsJson(content))
        {
            throw Bad($"its datacontenttype is {content}, not {Json}");
        }

        if (root.TryGetProperty("data_base64", out _))
        {
            throw Bad("its data are bytes (data_base64), not JSON");
        }

        EventType type = registry.TypeOf(Required(root, "type"));
        byte[] data = root.TryGetProperty("data", out JsonElement value) ? JsonSerializer.SerializeToUtf8Bytes(value, EventJson.Default.JsonElement) : throw Bad("it has no data");
        string? own = type.KeyOf(data, values);
        return new NewEvent(type, data)
        {
            Id = EventText.Check(Required(root, "id")),
            Source = EventText.Check(Required(root, "source")),
            Key = Optional(root, "subject") is { } subject ? EventText.Check(subject) : own,
            Time = Optional(root, "time") is { } time ? TimeOf(time) : null,
            Correlation = Optional(root, "correlationid") is { } correlation ? EventText.Check(correlation) : null,
            Cause = Optional(root, "causationid"),
            More = MoreOf(root),
        };
    }

    /// <summary>Writes an event for others.</summary>
    public static byte[] Write(EventRow row)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            writer.WriteString("specversion", "1.0");
            writer.WriteString("id", row.Id);
            writer.WriteString("source", row.Source);
            writer.WriteString("type", row.Type);
            if (row.Key is not null)
            {
                writer.WriteString("subject", row.Key);
            }

            writer.WriteString("time", row.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", CultureInfo.InvariantCulture));
            writer.WriteString("datacontenttype", Json);
            writer.WriteString("correlationid", row.Correlation);
            if (row.Cause is not null)
            {
                writer.WriteString("causationid", row.Cause);
            }

            if (row.More is not null)
            {
                using var more = JsonDocument.Parse(row.More);
                foreach (JsonProperty property in more.RootElement.EnumerateObject())
                {
                    property.WriteTo(writer);
                }
            }

            writer.WritePropertyName("data");
            writer.WriteRawValue(row.Data, skipInputValidation: true);
            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static byte[]? MoreOf(JsonElement root)
    {
        Dictionary<string, JsonElement> more = root.EnumerateObject().Where(p => !Known.Contains(p.Name)).ToDictionary(p => p.Name, p => p.Value, StringComparer.Ordinal);
        return more.Count == 0 ? null : JsonSerializer.SerializeToUtf8Bytes(more, EventJson.Default.DictionaryStringJsonElement);
    }

    private static bool IsJson(string contentType)
    {
        string media = contentType.Split(';')[0].Trim();
        return media.Equals(Json, StringComparison.OrdinalIgnoreCase) || media.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
    }

    private static DateTimeOffset TimeOf(string time)
        => DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.RoundtripKind, out DateTimeOffset parsed)
            ? StoredTimes.Up(parsed.ToUniversalTime())
            : throw Bad($"its time is no RFC 3339 time: {time}");

    private static string Required(JsonElement root, string name)
        => Optional(root, name) is { Length: > 0 } value ? value : throw Bad($"it has no {name}");

    private static string? Optional(JsonElement root, string name)
    {
        if (!root.TryGetProperty(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return value.ValueKind == JsonValueKind.String ? value.GetString() : throw Bad($"its {name} is no text");
    }

    private static PerdureException Bad(string why) => new(ErrorCodes.BadCloudEvent, $"this is no CloudEvent 1.0 with JSON data: {why}.");
}
