using System.Text.Json;

namespace Perdure.Serialization;

/// <summary>Why a flow's job did not complete, as the flow's history holds it: an <see cref="ErrorInfo"/>, and what its exception says besides.</summary>
internal sealed record JobErrorInfo(ErrorKind Kind, string Code, string Type, string Message)
{
    /// <summary>The job's id; null where there never was one.</summary>
    public string? Job { get; init; }

    public int? Attempts { get; init; }

    /// <summary>The limit that was reached.</summary>
    public TimeSpan? Limit { get; init; }

    [System.Text.Json.Serialization.JsonIgnore]
    public ErrorInfo Error => new(Kind, Code, Type, Message);

    public static byte[] Write(ErrorInfo error, string? job, int? attempts = null, TimeSpan? limit = null)
        => JsonSerializer.SerializeToUtf8Bytes(new JobErrorInfo(error.Kind, error.Code, error.Type, error.Message) { Job = job, Attempts = attempts, Limit = limit }, ErrorJson.Default.JobErrorInfo);

    public static JobErrorInfo Read(byte[]? json) => JsonSerializer.Deserialize(json, ErrorJson.Default.JobErrorInfo)!;
}
