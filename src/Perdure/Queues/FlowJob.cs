using System.Text.Json;
using Perdure.Diagnostics;
using Perdure.Engine;

namespace Perdure.Queues;

/// <summary>A job that a flow wants, another job leaves to its queue, or a client on another node wants, as it stands in the home's inbox: all that its contract and who wants it said, resolved.</summary>
internal sealed class FlowJob
{
    public string Queue { get; set; } = "";

    public string Type { get; set; } = "";

    /// <summary>When it was asked for.</summary>
    public DateTimeOffset At { get; set; }

    public JsonElement? Job { get; set; }

    public string? Key { get; set; }

    public int Priority { get; set; }

    public TimeSpan? Delay { get; set; }

    public DateTimeOffset? RunAt { get; set; }

    public string? DedupKey { get; set; }

    public DedupMode Dedup { get; set; }

    public bool UntilStarted { get; set; }

    public TimeSpan? Window { get; set; }

    public TimeSpan? Limit { get; set; }

    public TimeSpan? ExpireAfter { get; set; }

    public TimeSpan? Timeout { get; set; }

    public RetryData? Retry { get; set; }

    public TimeSpan? KeepResult { get; set; }

    /// <summary>The ask that wants it, or the job.</summary>
    public string? Cause { get; set; }

    /// <summary>The business transaction.</summary>
    public string? Correlation { get; set; }

    public bool HasQueuePriority { get; set; }

    public string? TraceParent { get; set; }

    /// <summary>The time for its first attempt when it is tried at once; null when it waits its turn.</summary>
    public TimeSpan? Now { get; set; }

    /// <summary>Why no queue can take it; null if one may.</summary>
    public string? ErrorCode { get; set; }

    public string? Error { get; set; }

    /// <summary>Resolves what a flow wants. What cannot be is answered by the home, so that it stands in history and is the same on replay.</summary>
    /// <param name="run">The flow.</param>
    /// <param name="job">The job.</param>
    /// <param name="options">What is otherwise than its contract says.</param>
    /// <param name="mustFit">Whether the flow is stuck when it cannot be, since nobody waits for an answer.</param>
    public static FlowJob Of(FlowRun run, IJob job, JobOptions? options, bool mustFit)
    {
        if (run.Services.Queues is not { } queues)
        {
            throw run.Stick(ErrorCodes.UnknownQueue, $"{run.Key} calls job {FlowNames.Of(job.GetType())}, and there are no queues: add one with AddQueue, then retry the flow.");
        }

        try
        {
            return Of(WantedJobs.Prepare(queues, run.Services.Json, job, options), run.Now, run.Correlation);
        }
        catch (Exception e) when (e is not StuckException)
        {
            string code = (e as PerdureException)?.Code ?? ErrorCodes.BadOption;
            return mustFit
                ? throw run.Stick(code, $"{run.Key} cannot enqueue job {FlowNames.Of(job.GetType())}: {e.Message}")
                : new FlowJob { Type = FlowNames.Of(job.GetType()), At = run.Now, ErrorCode = code, Error = e.Message };
        }
    }

    public static FlowJob Read(byte[] json) => JsonSerializer.Deserialize(json, JobJson.Default.FlowJob)!;

    public byte[] Write() => JsonSerializer.SerializeToUtf8Bytes(this, JobJson.Default.FlowJob);

    public NewJob ToNew(JobType type) => new(Queue, type, JsonSerializer.SerializeToUtf8Bytes(Job!.Value, JobJson.Default.JsonElement))
    {
        Key = Key,
        Priority = Priority,
        Delay = Delay,
        RunAt = RunAt,
        DedupKey = DedupKey,
        Dedup = Perdure.Dedup.Of(Dedup, UntilStarted, Window),
        Limit = Limit,
        ExpireAfter = ExpireAfter,
        Timeout = Timeout,
        Retry = Retry?.ToRetry(),
        KeepResult = KeepResult,
        HasQueuePriority = HasQueuePriority,
        TraceParent = TraceParent,
        Correlation = Correlation,
        Cause = Cause,
        Now = Now,
    };

    public static FlowJob Of(NewJob job, DateTimeOffset at, string correlation)
    {
        FlowJob wanted = Of(job);
        wanted.At = at;
        wanted.Correlation = correlation;
        wanted.HasQueuePriority = false; // as it was when it was asked for
        return wanted;
    }

    /// <summary>What a client wants.</summary>
    public static FlowJob Of(NewJob job) => new()
    {
        Queue = job.Queue,
        Type = job.Type.Name,
        HasQueuePriority = job.HasQueuePriority,
        TraceParent = job.TraceParent,
        Correlation = job.Correlation,
        Cause = job.Cause,
        Now = job.Now,
        Job = JsonSerializer.Deserialize(job.Payload, JobJson.Default.JsonElement),
        Key = job.Key,
        Priority = job.Priority,
        Delay = job.Delay,
        RunAt = job.RunAt,
        DedupKey = job.DedupKey,
        Dedup = job.Dedup.Mode,
        UntilStarted = job.Dedup.UntilStarted,
        Window = job.Dedup.Window,
        Limit = job.Limit,
        ExpireAfter = job.ExpireAfter,
        Timeout = job.Timeout,
        Retry = RetryData.Of(job.Retry),
        KeepResult = job.KeepResult,
    };
}
