using System.Text.Json.Serialization;

namespace Perdure.Serialization;

/// <summary>The JSON of errors in history.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ErrorInfo))]
[JsonSerializable(typeof(JobErrorInfo))]
internal sealed partial class ErrorJson : JsonSerializerContext;
