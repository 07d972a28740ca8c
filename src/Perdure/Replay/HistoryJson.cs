using System.Globalization;
using System.Text.Json;
using Perdure.Storage;

namespace Perdure.Replay;

/// <summary>Recorded runs as JSON: docs/reference/history-json.md says what each property means.</summary>
internal static class HistoryJson
{
    /// <summary>Counts up when an older reader could not read it any more.</summary>
    public const int Format = 1;

    private static readonly JsonWriterOptions Indented = new() { Indented = true };

    public static async Task WriteAsync(RecordedRun run, Stream destination, CancellationToken cancellationToken)
    {
        await using var json = new Utf8JsonWriter(destination, Indented);
        FlowRow row = run.Stored.Row;
        json.WriteStartObject();
        json.WriteNumber("format", Format);
        json.WriteString("type", row.Key.Type);
        json.WriteString("id", row.Key.Id);
        json.WriteNumber("version", row.Version);
        json.WriteNumber("run", row.Run);
        json.WriteString("seed", run.Seed.ToString("x16", CultureInfo.InvariantCulture));
        json.WriteString("status", row.State.Status.ToString());
        json.WriteString("startedAt", row.CreatedAt);
        Write(json, "endedAt", row.State.EndedAt);
        json.WriteStartArray("history");
        foreach (HistoryRow input in run.Stored.History)
        {
            Write(json, input);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync(cancellationToken);
    }

    public static async Task<RecordedRun> ReadAsync(Stream source, CancellationToken cancellationToken)
    {
        using JsonDocument document = await JsonDocument.ParseAsync(source, cancellationToken: cancellationToken);
        JsonElement root = document.RootElement;
        int format = root.TryGetProperty("format", out JsonElement said) ? said.GetInt32() : 0;
        if (format is < 1 or > Format)
        {
            throw new FormatException(format == 0 ? "It is no history of a run: it does not say its format." : $"It has format {format}, and this version reads formats up to {Format}.");
        }

        var key = new FlowKey(Text(root, "type")!, Text(root, "id")!);
        long number = root.GetProperty("run").GetInt64();
        var row = new FlowRow(number, Shard: 0, key, root.GetProperty("version").GetInt32(), Time(root, "startedAt")!.Value)
        {
            State = new FlowState(Enum.Parse<FlowStatus>(Text(root, "status")!), null, Time(root, "endedAt")),
        };
        HistoryRow[] history = [.. root.GetProperty("history").EnumerateArray().Select((input, position) => Read(number, position, input))];
        return new RecordedRun(new StoredFlow(row, history, []), ulong.Parse(Text(root, "seed")!, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
    }

    private static void Write(Utf8JsonWriter json, HistoryRow input)
    {
        json.WriteStartObject();
        json.WriteString("at", input.At);
        json.WriteString("kind", input.Kind.ToString());
        if (input.Ask >= 0)
        {
            json.WriteNumber("ask", input.Ask);
        }

        Write(json, "name", input.Name);
        Write(json, "sender", input.SenderId);
        if (input.Attempts > 0)
        {
            json.WriteNumber("attempts", input.Attempts);
        }

        Write(json, "firstAttemptAt", input.StartedAt);
        Write(json, "payload", input.Payload);
        if (input.Asks is not null)
        {
            json.WriteStartArray("asks");
            foreach (string line in input.Asks.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                json.WriteStringValue(line);
            }

            json.WriteEndArray();
        }

        Write(json, "result", input.Result);
        json.WriteEndObject();
    }

    private static HistoryRow Read(long run, int position, JsonElement input) => new(run, position, Time(input, "at")!.Value, Enum.Parse<InputKind>(Text(input, "kind")!))
    {
        Ask = input.TryGetProperty("ask", out JsonElement ask) ? ask.GetInt32() : -1,
        Name = Text(input, "name"),
        SenderId = Text(input, "sender"),
        Attempts = input.TryGetProperty("attempts", out JsonElement attempts) ? attempts.GetInt32() : 0,
        StartedAt = Time(input, "firstAttemptAt"),
        Payload = Bytes(input, "payload"),
        Asks = input.TryGetProperty("asks", out JsonElement asks) ? string.Join('\n', asks.EnumerateArray().Select(line => line.GetString())) : null,
        Result = Bytes(input, "result"),
    };

    private static void Write(Utf8JsonWriter json, string name, string? text)
    {
        if (text is not null)
        {
            json.WriteString(name, text);
        }
    }

    private static void Write(Utf8JsonWriter json, string name, DateTimeOffset? time)
    {
        if (time is { } at)
        {
            json.WriteString(name, at);
        }
    }

    private static void Write(Utf8JsonWriter json, string name, byte[]? value)
    {
        if (value is not null)
        {
            json.WritePropertyName(name);
            json.WriteRawValue(value);
        }
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement text) ? text.GetString() : null;

    private static DateTimeOffset? Time(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement time) ? time.GetDateTimeOffset() : null;

    private static byte[]? Bytes(JsonElement element, string name)
        => element.TryGetProperty(name, out JsonElement value) ? System.Text.Encoding.UTF8.GetBytes(value.GetRawText()) : null;
}
