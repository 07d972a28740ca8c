using Perdure.Diagnostics;
using Perdure.Queues;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>A job that is waited for, or detached. Its name is the job's durable name: where the job goes may change without the flow's code.</summary>
internal abstract class JobAsk(int number, AskKind kind, string name, Scope scope, FlowJob? wanted) : Ask(number, kind, name, scope)
{
    /// <summary>Null while the flow's code runs again.</summary>
    public FlowJob? Wanted { get; } = wanted;
}

internal sealed class JobAsk<T>(int number, AskKind kind, string name, Scope scope, FlowJob? wanted, FlowRun run) : JobAsk(number, kind, name, scope, wanted)
{
    private readonly TaskCompletionSource<T> _done = new();

    public Task<T> Task => _done.Task;

    public override void Answer(HistoryRow input, object? live)
    {
        if (input.Kind == InputKind.Completed)
        {
            _done.SetResult(run.Read<T>(input.Payload, $"the result of job {Name}"));
            return;
        }

        _done.SetException(Stopping && Scope.Refusal() is { } refusal ? refusal : Failure(JobErrorInfo.Read(input.Payload)));
        _ = _done.Task.Exception;
    }

    public override void Withdraw(Exception reason) => _done.SetException(reason);

    private PerdureException Failure(JobErrorInfo failure)
    {
        string job = failure.Job ?? Name;
        return failure switch
        {
            { Code: ErrorCodes.LimitReached, Limit: { } limit } => new LimitReachedException($"the wait for job {job}", limit),
            { Kind: ErrorKind.Rejected } => new RejectedException($"job {job}", failure.Error),
            { Kind: ErrorKind.Cancelled } => new JobCancelledException(job, failure.Error),
            _ => new JobFailedException(job, failure.Attempts ?? 0, failure.Error),
        };
    }
}
