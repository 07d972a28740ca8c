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

        NewEvent read;
        try
        {
            read = Read(json, registry);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw Bad($"it is no JSON: {e.Message}"); // also a text with half of a character, which is found when it is read
        }

        string? own = read.Type.KeyOf(read.Data, values);
        return read with { Key = read.Key ?? own };
    }

    private static NewEvent Read(ReadOnlyMemory<byte> json, EventRegistry registry)
    {
        using var document = JsonDocument.Parse(json);
        Dictionary<string, JsonElement> attributes = AttributesOf(document.RootElement);
        if (Required(attributes, "specversion") is var version && version != "1.0")
        {
            throw Bad($"its specversion is {version}, not 1.0");
        }

        if (Optional(attributes, "datacontenttype") is { } content && !IsJson(content))
        {
            throw Bad($"its datacontenttype is {content}, not {Json}");
        }

        if (attributes.ContainsKey("data_base64"))
        {
            throw Bad("its data are bytes (data_base64), not JSON");
        }

        EventType type = registry.TypeOf(Required(attributes, "type"));
        byte[] data = attributes.TryGetValue("data", out JsonElement value) ? JsonSerializer.SerializeToUtf8Bytes(value, EventJson.Default.JsonElement) : throw Bad("it has no data");
        return new NewEvent(type, data)
        {
            Id = EventText.Check(Required(attributes, "id")),
            Source = EventText.Check(Required(attributes, "source")),
            Key = Optional(attributes, "subject") is { } subject ? EventText.Check(subject) : null,
            Time = Optional(attributes, "time") is { } time ? TimeOf(time) : null,
            Correlation = Optional(attributes, "correlationid") is { } correlation ? EventText.Check(correlation) : null,
            Cause = Optional(attributes, "causationid") is { } cause ? EventText.CheckCause(cause) : null,
            More = MoreOf(attributes),
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

    private static Dictionary<string, JsonElement> AttributesOf(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            throw Bad($"it is a JSON {root.ValueKind.ToString().ToLowerInvariant()}, not an object");
        }

        Dictionary<string, JsonElement> attributes = new(StringComparer.Ordinal);
        foreach (JsonProperty attribute in root.EnumerateObject())
        {
            if (!attributes.TryAdd(attribute.Name, attribute.Value))
            {
                throw Bad($"it has two of {attribute.Name}"); // who reads the first and who reads the last would see two events
            }
        }

        return attributes;
    }

    private static byte[]? MoreOf(Dictionary<string, JsonElement> attributes)
    {
        Dictionary<string, JsonElement> more = attributes.Where(a => !Known.Contains(a.Key)).ToDictionary(StringComparer.Ordinal);
        return more.Count == 0 ? null : JsonSerializer.SerializeToUtf8Bytes(more, EventJson.Default.DictionaryStringJsonElement);
    }

    private static bool IsJson(string contentType)
    {
        string media = contentType.Split(';')[0].Trim();
        return media.Equals(Json, StringComparison.OrdinalIgnoreCase) || media.EndsWith("+json", StringComparison.OrdinalIgnoreCase);
    }

    /// <remarks>The parser alone would also take dates of other shapes, times without a date, which it puts on the day that is now, and times without an offset.</remarks>
    private static DateTimeOffset TimeOf(string time)
        => IsRfc3339(time) && DateTimeOffset.TryParse(time, CultureInfo.InvariantCulture, DateTimeStyles.None, out DateTimeOffset parsed)
            ? StoredTimes.Up(parsed.ToUniversalTime())
            : throw Bad($"its time is no RFC 3339 time: {time}");

    private static bool IsRfc3339(string time)
        => time.Length >= "yyyy-MM-ddTHH:mm:ssZ".Length && time.All(c => char.IsAsciiDigit(c) || c is '-' or '+' or ':' or '.' or 'T' or 't' or 'Z' or 'z' or ' ')
            && time[4] == '-' && time[7] == '-' && (time[10] is 'T' or 't' or ' ') && time[13] == ':' && time[16] == ':'
            && (time[^1] is 'Z' or 'z' || ((time[^6] is '+' or '-') && time[^3] == ':'));

    private static string Required(Dictionary<string, JsonElement> attributes, string name) => Optional(attributes, name) ?? throw Bad($"it has no {name}");

    private static string? Optional(Dictionary<string, JsonElement> attributes, string name)
    {
        if (!attributes.TryGetValue(name, out JsonElement value) || value.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        string text = value.ValueKind == JsonValueKind.String ? value.GetString()! : throw Bad($"its {name} is no text");
        return string.IsNullOrWhiteSpace(text) ? throw Bad($"its {name} is empty") : text;
    }

    private static PerdureException Bad(string why) => new(ErrorCodes.BadCloudEvent, $"this is no CloudEvent 1.0 with JSON data: {why}.");
}
