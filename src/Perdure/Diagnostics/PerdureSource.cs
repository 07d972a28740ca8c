using System.Diagnostics;
using Perdure.Engine;
using Perdure.Queues;

namespace Perdure.Diagnostics;

/// <summary>The activity source <c>Perdure</c>: a trace runs from the start call through each attempt of each step.</summary>
internal static class PerdureSource
{
    public const string Name = "Perdure";

    private static readonly ActivitySource Source = new(Name);

    /// <summary>The span of a client's call; null when nobody listens.</summary>
    public static Activity? StartCall(string what, string type, string id)
    {
        Activity? span = Source.HasListeners() ? Source.StartActivity($"{what} {type}", ActivityKind.Producer) : null;
        span?.SetTag("flow.type", type).SetTag("flow.id", id);
        return span;
    }

    /// <summary>The span of one attempt, child of the start call's; null when nobody listens.</summary>
    public static Activity? StartStep(StepAsk ask, int attempt)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        _ = ActivityContext.TryParse(ask.Run.TraceParent, null, isRemote: true, out ActivityContext parent);
        Activity? span = Source.StartActivity($"{AskText.Word(ask.Kind)} {ask.Name}", ActivityKind.Internal, parent);
        span?.SetTag("flow.type", ask.Run.Key.Type).SetTag("flow.id", ask.Run.Key.Id).SetTag("step.name", ask.Name).SetTag("step.attempt", attempt);
        return span;
    }

    /// <summary>The span of one call of a job's handler, child of the enqueueing call's; null when nobody listens.</summary>
    public static Activity? StartJob(JobAttempt attempt)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        _ = ActivityContext.TryParse(attempt.TraceParent, null, isRemote: true, out ActivityContext parent);
        Activity? span = Source.StartActivity($"job {attempt.Queue}", ActivityKind.Consumer, parent);
        span?.SetTag("job.id", JobId.Text(attempt.Queue, attempt.Number)).SetTag("job.queue", attempt.Queue).SetTag("job.attempt", attempt.Attempt);
        return span;
    }

    /// <summary>The current span as a W3C trace parent, to go along with a flow.</summary>
    public static string? Current => Activity.Current is { IdFormat: ActivityIdFormat.W3C } span ? span.Id : null;
}
