namespace Perdure.Storage;

/// <summary>Copies rows on the way in and out, so that nobody's later change reaches what is stored; times are cut to whole microseconds.</summary>
internal static class RowCopy
{
    public static DateTimeOffset Of(DateTimeOffset time) =>
        new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerMicrosecond), TimeSpan.Zero);

    public static FlowState Of(FlowState state) =>
        state with { WakeAt = Of(state.WakeAt), EndedAt = Of(state.EndedAt) };

    public static FlowRow Of(FlowRow row) =>
        row with { CreatedAt = Of(row.CreatedAt), State = Of(row.State) };

    public static HistoryRow Of(HistoryRow row) => row with
    {
        At = Of(row.At),
        StartedAt = Of(row.StartedAt),
        Payload = Of(row.Payload),
        Result = Of(row.Result),
    };

    public static BackoffRow Of(BackoffRow row) => row with
    {
        StartedAt = Of(row.StartedAt),
        NextAt = Of(row.NextAt),
        LastError = [.. row.LastError],
    };

    public static InboxRow Of(InboxRow row) => row with { Payload = Of(row.Payload) };

    public static JobState Of(JobState state) =>
        state with { NotBefore = Of(state.NotBefore), More = Of(state.More) };

    public static JobRow Of(JobRow row) =>
        row with { CreatedAt = Of(row.CreatedAt), Payload = Of(row.Payload), State = Of(row.State) };

    public static JobEndRow Of(JobEndRow row) => row with
    {
        CreatedAt = Of(row.CreatedAt),
        EndedAt = Of(row.EndedAt),
        KeepUntil = Of(row.KeepUntil),
        Result = Of(row.Result),
        More = Of(row.More),
    };

    public static EventState Of(EventState state) => state with { HeldUntil = Of(state.HeldUntil) };

    public static EventRow Of(EventRow row) => row with
    {
        PublishedAt = Of(row.PublishedAt),
        Time = Of(row.Time),
        Data = [.. row.Data],
        More = Of(row.More),
        State = Of(row.State),
    };

    public static DeliveryRow Of(DeliveryRow row) =>
        row with { StartedAt = Of(row.StartedAt), EndedAt = Of(row.EndedAt), Job = 0 };

    public static EventWaitRow Of(EventWaitRow row) => row with { Since = Of(row.Since) };

    public static MemoRow Of(MemoRow row) => row with { Value = Of(row.Value) };

    /// <summary>A job without its payload.</summary>
    public static JobRow WithoutPayload(JobRow row) =>
        row with { CreatedAt = Of(row.CreatedAt), Payload = null, State = Of(row.State) };

    public static byte[]? Of(byte[]? bytes) => bytes is null ? null : [.. bytes];

    private static DateTimeOffset? Of(DateTimeOffset? time) => time is { } some ? Of(some) : null;
}
