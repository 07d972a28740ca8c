using System.Globalization;
using System.Text;
using System.Text.Json;
using Perdure.Diagnostics;
using Perdure.Events;
using Perdure.Storage;
using RabbitMQ.Client;

namespace Perdure.RabbitMq;

/// <summary>
/// An event as a message. CloudEvents have a binding for AMQP 1.0; what is done here is what AMQP 0-9-1 makes of it, and what RabbitMQ itself makes
/// of a message of the one protocol for a consumer of the other: application properties are headers.
/// </summary>
internal sealed record EventMessage(BasicProperties Properties, ReadOnlyMemory<byte> Body)
{
    /// <summary>What stands before an attribute's name in a header.</summary>
    public const string Prefix = "cloudEvents:";

    /// <summary>The header that says from which store a message went out.</summary>
    public const string StoreHeader = "perdure-store";

    /// <summary>How many bytes properties have at most: they come in one frame, of 128 KiB with the broker's defaults, and a larger one ends the connection.</summary>
    public const int PropertiesBytesMax = 124 * 1024;

    /// <summary>The prefix for those who cannot have a colon; the binding wants both to be read.</summary>
    private const string OtherPrefix = "cloudEvents_";

    private const string Json = "application/json";
    private const string StructuredType = "application/cloudevents";

    public static EventMessage Write(EventRow row, CloudEventMode mode, Guid store)
    {
        var headers = new Dictionary<string, object?>(StringComparer.Ordinal);
        if (store != default) // a test's store in memory has no number unless it is given one
        {
            headers.Add(StoreHeader, store.ToString());
        }

        var properties = new BasicProperties
        {
            Headers = headers,
            Persistent = true,
            MessageId = Short(row.Id),
            Type = Short(row.Type),
            CorrelationId = Short(row.Correlation),
            Timestamp = new AmqpTimestamp(row.Time.ToUnixTimeSeconds()),
        };
        byte[] whole = CloudEvents.Write(row);
        return mode == CloudEventMode.Binary && Binary(properties, whole) is { } binary
            ? new EventMessage(binary, row.Data)
            : new EventMessage(new BasicProperties(properties) { ContentType = CloudEvents.ContentType }, whole);
    }

    public static int BytesOf(BasicProperties properties) => ((IAmqpWriteable)properties).GetRequiredBufferSize();

    /// <summary>Properties with an event's attributes as headers; null where they do not fit.</summary>
    private static BasicProperties? Binary(BasicProperties properties, byte[] whole)
    {
        Dictionary<string, object?> headers = new(properties.Headers!, StringComparer.Ordinal);
        using var document = JsonDocument.Parse(whole);
        foreach (JsonProperty attribute in document.RootElement.EnumerateObject().Where(a => a.Name is not ("data" or "datacontenttype")))
        {
            headers[Prefix + attribute.Name] = attribute.Value.ValueKind switch
            {
                JsonValueKind.String => attribute.Value.GetString(),
                JsonValueKind.True => true,
                JsonValueKind.False => false,
                JsonValueKind.Number when attribute.Value.TryGetInt32(out int number) => number,
                _ => attribute.Value.GetRawText(),
            };
        }

        var binary = new BasicProperties(properties) { ContentType = Json, Headers = headers };
        return headers.Keys.All(h => Encoding.UTF8.GetByteCount(h) <= RabbitMqOut.NameBytesMax) && BytesOf(binary) <= PropertiesBytesMax ? binary : null;
    }

    /// <summary>From which store a message went out; null for one that no bridge sent.</summary>
    public static string? StoreOf(IReadOnlyBasicProperties properties)
        => properties.Headers is { } headers && headers.TryGetValue(StoreHeader, out object? store) && store is byte[] text ? Encoding.UTF8.GetString(text) : null;

    /// <summary>The event in a message, in the JSON format of CloudEvents.</summary>
    /// <exception cref="PerdureException">The message is no CloudEvent with JSON data (PRD6005).</exception>
    public static ReadOnlyMemory<byte> Read(IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body)
    {
        if (properties.ContentType?.StartsWith(StructuredType, StringComparison.OrdinalIgnoreCase) is true)
        {
            string format = properties.ContentType[StructuredType.Length..].Split(';')[0].Trim();
            return format.Equals("+json", StringComparison.OrdinalIgnoreCase) ? body : throw Bad($"its content type is {properties.ContentType}, not {CloudEvents.ContentType}");
        }

        if (properties.Headers is not { } headers || !headers.Keys.Any(k => AttributeOf(k) is "specversion"))
        {
            throw Bad($"it has neither the content type {CloudEvents.ContentType} nor a header {Prefix}specversion");
        }

        using var stream = new MemoryStream(body.Length + 512);
        using (var writer = new Utf8JsonWriter(stream))
        {
            writer.WriteStartObject();
            HashSet<string> written = ["data", "data_base64", "datacontenttype"];
            foreach ((string header, object? value) in headers)
            {
                if (value is not null && AttributeOf(header) is { } attribute && written.Add(attribute))
                {
                    writer.WritePropertyName(attribute);
                    WriteAttribute(writer, attribute, value);
                }
            }

            if (properties.ContentType is { } contentType)
            {
                writer.WriteString("datacontenttype", contentType);
            }

            if (!body.IsEmpty)
            {
                writer.WritePropertyName("data");
                WriteData(writer, body);
            }

            writer.WriteEndObject();
        }

        return stream.ToArray();
    }

    private static string? AttributeOf(string header)
        => header.StartsWith(Prefix, StringComparison.Ordinal) || header.StartsWith(OtherPrefix, StringComparison.Ordinal) ? header[Prefix.Length..] : null;

    private static void WriteAttribute(Utf8JsonWriter writer, string attribute, object value)
    {
        switch (value)
        {
            case byte[] text:
                writer.WriteStringValue(Encoding.UTF8.GetString(text));
                break;
            case string text:
                writer.WriteStringValue(text);
                break;
            case bool yes:
                writer.WriteBooleanValue(yes);
                break;
            case sbyte or byte or short or ushort or int or uint or long:
                writer.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case AmqpTimestamp time when time.UnixTime >= DateTimeOffset.MinValue.ToUnixTimeSeconds() && time.UnixTime <= DateTimeOffset.MaxValue.ToUnixTimeSeconds():
                writer.WriteStringValue(DateTimeOffset.FromUnixTimeSeconds(time.UnixTime));
                break;
            default:
                throw Bad($"its {attribute} is a {value.GetType().Name}, not text, a number, a truth value or a time");
        }
    }

    private static void WriteData(Utf8JsonWriter writer, ReadOnlyMemory<byte> body)
    {
        try
        {
            writer.WriteRawValue(body.Span);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw Bad($"its data are no JSON: {e.Message}");
        }
    }

    /// <summary>What only helps people fits into AMQP's short strings, or is left out.</summary>
    private static string? Short(string text) => Encoding.UTF8.GetByteCount(text) <= RabbitMqOut.NameBytesMax ? text : null;

    private static PerdureException Bad(string why) => new(ErrorCodes.BadCloudEvent, $"this message is no CloudEvent 1.0 with JSON data: {why}.");
}
