using System.Text.Json;

namespace Perdure.Storage;

/// <summary>Whether rows fit filters.</summary>
internal static class RowFilters
{
    public static bool Fits(this FlowFilter filter, FlowRow flow) =>
        (filter.Type is null || flow.Key.Type == filter.Type)
        && (filter.Statuses is not { Count: > 0 } || filter.Statuses.Contains(flow.State.Status))
        && (filter.Correlation is null || flow.Correlation == filter.Correlation)
        && (filter.StartedFrom is null || flow.CreatedAt >= filter.StartedFrom)
        && (filter.StartedBefore is null || flow.CreatedAt < filter.StartedBefore);

    public static bool Fits(this JobFilter filter, JobRow job) =>
        Fits(filter, job.Queue, job.Type, job.Key, job.CreatedAt)
        && (filter.Correlation is null || CorrelationIn(job.State.More) == filter.Correlation);

    public static bool Fits(this JobFilter filter, JobEndRow end) =>
        Fits(filter, end.Queue, end.Type, end.Key, end.CreatedAt)
        && (filter.Status is null || end.Status == filter.Status)
        && (filter.Correlation is null || end.Correlation == filter.Correlation);

    public static bool Fits(this EventFilter filter, EventRow row) =>
        (filter.Topic is null || row.Topic == filter.Topic)
        && (filter.Type is null || row.Type == filter.Type)
        && (filter.Key is null || row.Key == filter.Key)
        && (filter.Id is null || row.Id == filter.Id)
        && (filter.Correlation is null || row.Correlation == filter.Correlation)
        && (filter.Fates is not { Count: > 0 } || filter.Fates.Contains(row.State.Fate))
        && (filter.PublishedFrom is null || row.PublishedAt >= filter.PublishedFrom)
        && (filter.PublishedBefore is null || row.PublishedAt < filter.PublishedBefore);

    private static bool Fits(JobFilter filter, string queue, string type, string? key, DateTimeOffset createdAt) =>
        (filter.Queue is null || queue == filter.Queue)
        && (filter.Type is null || type == filter.Type)
        && (filter.Key is null || key == filter.Key)
        && (filter.CreatedFrom is null || createdAt >= filter.CreatedFrom)
        && (filter.CreatedBefore is null || createdAt < filter.CreatedBefore);

    /// <summary>The text <c>correlation</c> of a JSON object; null where there is none, or where it is no JSON at all.</summary>
    private static string? CorrelationIn(byte[]? more)
    {
        if (more is null)
        {
            return null;
        }

        try
        {
            using JsonDocument document = JsonDocument.Parse(more);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root
                && root.TryGetProperty("correlation", out JsonElement correlation) && correlation.ValueKind == JsonValueKind.String
                    ? correlation.GetString()
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
