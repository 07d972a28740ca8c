using System.Text.Json;
using Perdure.Diagnostics;

namespace Perdure.Serialization;

/// <summary>Turns values into the bytes that stores hold, and back. Refuses what is too large or does not fit.</summary>
internal sealed class FlowJson(JsonSerializerOptions options, int payloadBytesMax)
{
    private static readonly byte[] Nothing = "{}"u8.ToArray();
    private static readonly JsonSerializerOptions Answers = DefaultOptions();

    /// <summary>Fields are included so that tuples pass, and missing or null values are found rather than passed in silence.</summary>
    public static JsonSerializerOptions DefaultOptions() => new(JsonSerializerDefaults.General)
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        IncludeFields = true,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() },
    };

    /// <summary>Whether two payloads say the same.</summary>
    public static bool IsSame(byte[] one, byte[] other)
        => one.AsSpan().SequenceEqual(other) || System.Text.Json.Nodes.JsonNode.DeepEquals(System.Text.Json.Nodes.JsonNode.Parse(one), System.Text.Json.Nodes.JsonNode.Parse(other));

    /// <summary>What nodes tell each other; nobody's payload.</summary>
    public static byte[] SerializeAnswer<T>(T answer) => JsonSerializer.SerializeToUtf8Bytes(answer, Answers);

    public static T DeserializeAnswer<T>(byte[] answer) => JsonSerializer.Deserialize<T>(answer, Answers)!;

    public byte[] Serialize<T>(T value, PayloadName what)
    {
        if (typeof(T) == typeof(NoResult))
        {
            return Nothing;
        }

        byte[] bytes;
        try
        {
            bytes = JsonSerializer.SerializeToUtf8Bytes(value, options);
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            throw new PerdureException(ErrorCodes.PayloadMismatch, $"{what} of type {typeof(T).Name} cannot be turned into JSON: {e.Message}", e);
        }

        return bytes.Length <= payloadBytesMax
            ? bytes
            : throw new PerdureException(ErrorCodes.PayloadTooLarge, $"{what} is {bytes.Length:N0} bytes of JSON, over the limit of {payloadBytesMax:N0}: store the data elsewhere and pass a reference, or raise PayloadBytesMax.");
    }

    public T Deserialize<T>(byte[]? bytes, PayloadName what)
    {
        if (typeof(T) == typeof(NoResult))
        {
            return default!;
        }

        try
        {
            return JsonSerializer.Deserialize<T>(bytes, options)!;
        }
        catch (Exception e) when (e is JsonException or NotSupportedException or InvalidOperationException)
        {
            throw new PerdureException(ErrorCodes.PayloadMismatch, $"the JSON of {what} does not fit {typeof(T).Name}: {e.Message}", e);
        }
    }

    /// <summary>The value as a reader of the bytes would get it.</summary>
    public T RoundTrip<T>(byte[] bytes, T original, PayloadName what)
        => IsImmutable<T>() ? original : Deserialize<T>(bytes, what);

    public static byte[] SerializeError(ErrorInfo error) => JsonSerializer.SerializeToUtf8Bytes(error, ErrorJson.Default.ErrorInfo);

    public static ErrorInfo DeserializeError(byte[]? bytes) => JsonSerializer.Deserialize(bytes, ErrorJson.Default.ErrorInfo)!;

    private static bool IsImmutable<T>() => typeof(T).IsPrimitive || typeof(T) == typeof(string) || typeof(T) == typeof(Guid);
}
