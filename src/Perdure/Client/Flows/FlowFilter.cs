namespace Perdure;

/// <summary>Which runs to list or count. Every condition that is set must hold.</summary>
public sealed record FlowFilter
{
    /// <summary>Only runs of this flow type (its durable name).</summary>
    public string? Type { get; init; }

    /// <summary>Only runs in one of these states; null or empty for any.</summary>
    public IReadOnlyCollection<FlowStatus>? Statuses { get; init; }

    /// <summary>Only runs of this business transaction that something else began.</summary>
    public string? Correlation { get; init; }

    /// <summary>Only runs started at or after this time.</summary>
    public DateTimeOffset? StartedFrom { get; init; }

    /// <summary>Only runs started before this time.</summary>
    public DateTimeOffset? StartedBefore { get; init; }

    /// <summary>At most so many, the newest first; null for all.</summary>
    public int? Limit { get; init; }

    /// <summary>Runs that have not ended: running, undoing or stuck.</summary>
    public static FlowFilter Open { get; } = new() { Statuses = [FlowStatus.Running, FlowStatus.Undoing, FlowStatus.Stuck] };
}
