using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>A step or undo that the flow asked for; the worker runs its attempts.</summary>
internal abstract class StepAsk(int number, AskKind kind, StepPlan plan, Scope scope, FlowRun run, string? stepKey)
    : Ask(number, kind, plan.Name, scope), Events.ICause
{
    public StepPlan Plan { get; } = plan;

    public FlowRun Run { get; } = run;

    /// <summary>An undo has its step's. Readable, the same for each attempt, and different in every store, run and step. Made when first asked for.</summary>
    public string IdempotencyKey { get => field ??= $"{Run.Key.Type}/{Run.Key.Id}/{Number}-{Run.Seed:x16}"; } = stepKey!;

    public string Correlation => Run.Correlation;

    public string Text => Events.CurrentCause.OfFlow(Run.Key, Number);

    public Retry Retry { get; } = plan.Retry ?? (kind == AskKind.Undo || run.Life.PivotPassed || run.Life.IsShielded(scope) ? Retry.Forever : Retry.Default);

    /// <summary>How far its attempts have come.</summary>
    public StepProgress Progress { get; set; } = StepProgress.None;

    /// <summary>Whether it can say if it happened.</summary>
    public abstract bool CanReconcile { get; }

    /// <summary>Runs the action once.</summary>
    public abstract ValueTask<StepValue> AttemptAsync(StepContext context);

    /// <summary>Asks whether it happened; null for no.</summary>
    public abstract ValueTask<StepValue?> ReconcileAsync(StepContext context);
}

/// <summary>A step's result: the bytes that history holds, and the value that a reader of these bytes gets.</summary>
internal sealed record StepValue(byte[] Json, object? Value);

internal sealed class StepAsk<T>(int number, AskKind kind, StepPlan<T> plan, Scope scope, FlowRun run, string? stepKey)
    : StepAsk(number, kind, plan, scope, run, stepKey)
{
    private static readonly StepValue Nothing = new("{}"u8.ToArray(), default(NoResult));

    private readonly TaskCompletionSource<T> _done = new();

    public Task<T> Task => _done.Task;

    public override bool CanReconcile => plan.Reconcile is not null;

    public override async ValueTask<StepValue> AttemptAsync(StepContext context) => Pack(await plan.Run(context));

    public override async ValueTask<StepValue?> ReconcileAsync(StepContext context)
        => (await plan.Reconcile!(context)).TryGet(out T? value) ? Pack(value) : null;

    public override void Answer(HistoryRow input, object? live)
    {
        switch (input.Kind)
        {
            case InputKind.Completed:
                Succeed(live is T value ? value : Run.Read<T>(input.Payload, new PayloadName("the result of", Name)));
                break;
            case InputKind.UndoSettled:
                _done.SetResult(default!);
                break;
            default:
                Fail(input, FlowJson.DeserializeError(input.Payload));
                break;
        }
    }

    public override void Withdraw(Exception reason) => _done.SetException(reason);

    private void Succeed(T value)
    {
        if (plan.IsPivot)
        {
            Run.Life.PassPivot(Scope);
        }

        // The entry's place in the undo list is that of its completion, so steps in parallel are undone in reverse order of it.
        if (plan.UndoKnown is { } known)
        {
            AddUndo(s => known(s, value));
        }
        else if (plan.UndoAlways is { } always)
        {
            AddUndo(always);
        }

        _done.SetResult(value);
    }

    private void Fail(HistoryRow input, ErrorInfo error)
    {
        // A reconcile's "no" may be a "not yet" where a call is still on its way, so an undo that takes no result runs even then.
        if (error.Kind != ErrorKind.Rejected && error.Happened != false && plan.UndoAlways is { } always)
        {
            AddUndo(always);
        }

        if (plan.IsPivot)
        {
            Scope.PivotMissed();
        }

        _done.SetException(error.Kind switch
        {
            ErrorKind.Rejected => new RejectedException(Name, error),
            ErrorKind.Cancelled when Scope.Refusal() is { } refusal => refusal,
            ErrorKind.Unknown or ErrorKind.Cancelled => new OutcomeUnknownException(Name, input.Attempts, error),
            _ => new StepFailedException(Name, input.Attempts, error),
        });
        _ = _done.Task.Exception; // seen: a flow may leave a step's task alone
    }

    private void AddUndo(Func<StepContext, Task> undo)
    {
        if (!Run.Life.PivotPassed)
        {
            Run.Verbs.AddUndo(plan.UndoName ?? Name, undo, IdempotencyKey, plan.Dependency);
        }
    }

    private StepValue Pack(T value)
    {
        if (typeof(T) == typeof(NoResult))
        {
            return Nothing;
        }

        var what = new PayloadName("the result of step", Name);
        byte[] json = Run.Services.Json.Serialize(value, what);
        return new StepValue(json, Run.Services.Json.RoundTrip(json, value, what));
    }
}

/// <summary>How far a step's attempts have come.</summary>
/// <param name="Attempts">How many have failed.</param>
/// <param name="StartedAt">When the first began; null before it.</param>
/// <param name="MayHaveHappened">Whether one of them may have done the work all the same.</param>
/// <param name="LastError">The last one's error.</param>
/// <param name="IsStored">Whether a back-off row of it stands in the store.</param>
internal sealed record StepProgress(int Attempts, DateTimeOffset? StartedAt, bool MayHaveHappened, ErrorInfo? LastError, bool IsStored = false)
{
    public static readonly StepProgress None = new(0, null, false, null);

    public static StepProgress Of(BackoffRow row)
    {
        ErrorInfo error = FlowJson.DeserializeError(row.LastError);
        return new(row.Attempts, row.StartedAt, error.Kind == ErrorKind.Unknown, error, IsStored: true);
    }
}
