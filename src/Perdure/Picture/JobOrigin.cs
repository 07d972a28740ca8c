using System.Text.Json;

namespace Perdure.Picture;

/// <summary>Where a job comes from, as its row says.</summary>
/// <param name="Correlation">Its business transaction; null for its own.</param>
/// <param name="Cause">What caused it; null for nothing inside.</param>
internal readonly record struct JobOrigin(string? Correlation, string? Cause)
{
    public static JobOrigin Read(byte[]? more)
    {
        if (more is null)
        {
            return default;
        }

        using var json = JsonDocument.Parse(more);
        return new JobOrigin(Text(json, "correlation"), Text(json, "cause"));
    }

    private static string? Text(JsonDocument json, string name) => json.RootElement.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
}
