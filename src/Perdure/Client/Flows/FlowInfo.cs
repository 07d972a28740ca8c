using Perdure.Storage;

namespace Perdure;

/// <summary>Facts of a run.</summary>
/// <param name="Type">The flow type's durable name.</param>
/// <param name="Id">Its id.</param>
/// <param name="Version">The version of the flow type it runs on.</param>
/// <param name="Status">Where it stands.</param>
/// <param name="StartedAt">When it was started.</param>
/// <param name="EndedAt">When it ended; null while it is open.</param>
public record FlowInfo(string Type, string Id, int Version, FlowStatus Status, DateTimeOffset StartedAt, DateTimeOffset? EndedAt)
{
    /// <summary>Why it is stuck: a stable code; null if it is not.</summary>
    public string? StuckCode { get; init; }

    /// <summary>Why it is stuck, in words; null if it is not.</summary>
    public string? StuckReason { get; init; }

    /// <summary>The business transaction that it belongs to.</summary>
    public string CorrelationId { get; init; } = "";

    /// <summary>What caused its start: <c>flow:type/id#ask</c>, <c>job:id</c> or <c>event:topic/position@subscription</c>; null for a caller outside.</summary>
    public string? Cause { get; init; }

    /// <summary>Whether it has ended.</summary>
    public bool HasEnded => Status >= FlowStatus.Completed;

    internal static FlowInfo Of(FlowRow row) => new(row.Key.Type, row.Key.Id, row.Version, row.State.Status, row.CreatedAt, row.State.EndedAt)
    {
        StuckCode = row.State.StuckCode,
        StuckReason = row.State.StuckReason,
        CorrelationId = row.Correlation ?? row.Key.ToString(),
        Cause = row.Cause,
    };
}
