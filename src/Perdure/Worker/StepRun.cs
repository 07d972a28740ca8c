using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Events;
using Perdure.Queues;

namespace Perdure.Worker;

/// <summary>
/// One open step on its way to an outcome: attempts with back-off, and where an attempt may have happened all the same, the question
/// whether it did. Two attempts of a step never overlap in one process, unless the first ignored its token for long. Where the step has a
/// dependency, attempts and questions wait for it before they count as begun. The ask is its lock: nobody else locks one.
/// </summary>
internal sealed class StepRun(StepRunner runner, Shard shard, StepAsk ask) : IThreadPoolWorkItem
{
    /// <summary>A longer back-off is written down, and the step leaves the worker meanwhile.</summary>
    private static readonly TimeSpan ShortBackoff = TimeSpan.FromSeconds(1);

    private readonly Passage? _passage = ask.Plan.Dependency is { } name ? new Passage(runner, runner.Dependencies[name], ask.Stopping || ask.Settling) : null;
    private TaskCompletionSource? _ended;
    private bool _hasEnded;
    private StepProgress _progress = ask.Progress;
    private CancellationTokenSource? _current;
    private TimeSpan _timeout;
    private long _calledAt;
    private volatile bool _stopped = ask.Stopping;
    private volatile bool _settling = ask.Stopping || ask.Settling;
    private volatile bool _terminated;
    private volatile bool _shutdown;

    /// <summary>Whether any attempt was made, in this process or an earlier one.</summary>
    private bool _wasAttempted = ask.Progress.Attempts > 0 || ask.Progress.MayHaveHappened;

    /// <summary>Whether no more attempts are to be made.</summary>
    private bool _isFinal;

    private ErrorInfo? _rejection;

    /// <summary>Whether any attempt was of unknown outcome, whatever a reconcile said since.</summary>
    private bool _wasUnknown = ask.Progress.MayHaveHappened;
    private int _reconciles;

    public StepAsk Ask => ask;

    public Shard Shard => shard;

    /// <summary>Completes once it has reported, or was shut down. Few ask.</summary>
    public Task Ended
    {
        get
        {
            lock (ask)
            {
                return _hasEnded ? Task.CompletedTask : (_ended ??= new(runner.Seams.Continuations)).Task;
            }
        }
    }

    /// <summary>The dependency that its next attempt waits for now; null if it does not wait.</summary>
    public string? WaitsFor => _passage?.WaitsFor;

    public void Execute() => _ = RunAsync();

    /// <summary>The flow no longer wants it.</summary>
    /// <param name="settle">Whether the attempt that runs may go on to its end.</param>
    /// <param name="terminated">Whether nobody wants to know its outcome either.</param>
    public void Stop(bool settle, bool terminated = false)
    {
        _settling = true;
        _terminated |= terminated;
        _passage?.Stop(forGood: terminated);
        if (!settle)
        {
            _stopped = true;
            CancelCurrent();
        }
    }

    /// <summary>The shard is about to move: an attempt that runs may go on to its end, and no other is made here.</summary>
    public void Leave()
    {
        _shutdown = true;
        _passage?.Stop(forGood: true);
    }

    /// <summary>The host stops: what has no outcome yet stays open for the next process, and counts as no attempt.</summary>
    public void Shutdown()
    {
        _shutdown = true;
        _passage?.Stop(forGood: true);
        CancelCurrent();
    }

    /// <summary>Names what a stop or shutdown cancels from now on, and how long the call may take.</summary>
    public void Begin(CancellationTokenSource source, TimeSpan timeout, bool despiteStop)
    {
        _timeout = timeout;
        Volatile.Write(ref _calledAt, runner.Seams.MachineTime.GetTimestamp());
        lock (ask)
        {
            _current = source;
            if (_shutdown || (_stopped && !despiteStop))
            {
                source.Cancel();
            }
        }
    }

    /// <summary>The call has returned; what it began may go on.</summary>
    public void Returned() => Volatile.Write(ref _calledAt, 0);

    public void End()
    {
        lock (ask)
        {
            _current = null;
        }
    }

    /// <summary>Cancels a call that has held its thread for too long.</summary>
    public void Look()
    {
        long calledAt = Volatile.Read(ref _calledAt);
        if (calledAt != 0 && _timeout > TimeSpan.Zero && runner.Seams.MachineTime.GetElapsedTime(calledAt) > _timeout)
        {
            CancelCurrent();
        }
    }

    private async Task RunAsync()
    {
        CurrentCause.Value = ask; // what the step begins belongs to the run's business transaction
        StepReport? report = null;
        try
        {
            while (report is null && !_shutdown)
            {
                report = await NextAsync();
            }
        }
        catch (Exception e)
        {
            report = new StepReport.Stuck(_progress with { LastError = runner.Errors.Sort(e) }, new StuckReason(ErrorCodes.KeepsFailing, $"the engine itself failed in step {ask.Name}: {e}"), ask.Kind == AskKind.Undo);
        }

        if (report is null)
        {
            runner.Ended(ask.Run.Number, ask.Number);
        }
        else
        {
            // It counts as running until its shard has taken the report, so that a reload in between does not start it again.
            shard.Post(new StepReported(ask.Run.Key, ask.Run.Number, ask.Number, report));
        }

        SetEnded();
    }

    private void SetEnded()
    {
        lock (ask)
        {
            _hasEnded = true;
        }

        _ended?.TrySetResult(); // nobody makes one from now on
    }

    /// <summary>Does the one thing that is next; a report when that was the last.</summary>
    private async ValueTask<StepReport?> NextAsync()
    {
        if (_terminated)
        {
            return Unwanted();
        }

        if (_progress.MayHaveHappened && ask.CanReconcile)
        {
            return await ReconcileAsync();
        }

        if (_rejection is { } rejection)
        {
            return Failed(rejection);
        }

        if (_isFinal && !_settling)
        {
            ErrorInfo last = _progress.LastError!;
            ErrorKind kind = _progress.MayHaveHappened ? ErrorKind.Unknown : ErrorKind.Permanent;
            return Failed(last with { Kind = kind, Code = ErrorRules.CodeOf(kind) });
        }

        if (_settling)
        {
            return Unwanted();
        }

        if (runner.Clock.Now() - _progress.StartedAt > ask.Retry.Within)
        {
            _isFinal = true; // while the process was down
            _progress = _progress with { LastError = _progress.LastError ?? new ErrorInfo(ErrorKind.Unknown, ErrorCodes.OutcomeUnknown, nameof(TimeoutException), $"the time for all attempts, {ask.Retry.Within}, is up") };
            return null;
        }

        return await AttemptAsync();
    }

    private async ValueTask<StepReport?> AttemptAsync()
    {
        DateTimeOffset? until = ask.Retry.Within is { } within && _progress.StartedAt is { } began ? StoredTimes.Up(began, within) : null;
        if (_passage is not null && !await _passage.EnterAsync(isRetry: _progress.Attempts > 0, until, despiteStop: false))
        {
            return null; // what ended its wait decides
        }

        _progress = _progress with { Attempts = _progress.Attempts + 1, StartedAt = _progress.StartedAt ?? runner.Clock.Now() };
        _wasAttempted = true;
        TimeSpan timeout = ask.Plan.Timeout ?? runner.StepTimeout;
        Attempt attempt = await CallAsync(timeout, reconcile: false);
        if (attempt.Value is { } value)
        {
            return new StepReport.Completed(_progress, value);
        }

        Exception exception = attempt.Error!;
        if (_shutdown && attempt.WasCancelled)
        {
            _progress = _progress with { Attempts = _progress.Attempts - 1, MayHaveHappened = true };
            return null;
        }

        ErrorInfo error = attempt.TimedOut
            ? new ErrorInfo(ErrorKind.Unknown, ErrorCodes.OutcomeUnknown, nameof(TimeoutException), $"no answer within {timeout}")
            : runner.Errors.Sort(exception);
        _progress = _progress with { LastError = error, MayHaveHappened = _progress.MayHaveHappened || error.Kind == ErrorKind.Unknown };
        _wasUnknown |= error.Kind == ErrorKind.Unknown;
        runner.Log.AttemptThrew(exception, ask.Run.Key, ask.Name, _progress.Attempts);
        if (error.Kind == ErrorKind.Rejected)
        {
            runner.Log.StepRejected(ask.Run.Key, ask.Name, error.Message);
        }
        else
        {
            runner.Log.AttemptFailed(ask.Run.Key, ask.Name, _progress.Attempts, error.Kind, error.Message);
        }

        return error.Kind switch
        {
            ErrorKind.Rejected when ask.Kind == AskKind.Undo => Stuck(ErrorCodes.UndoRejected, $"undo {ask.Name} of {ask.Run.Key} was rejected: {error.Message}. Retry it, or settle it by hand and skip it."),
            ErrorKind.Rejected => Reject(error),
            _ => await BackOffAsync(error),
        };
    }

    /// <summary>It was rejected now; but if an earlier attempt may have happened, that is found out first.</summary>
    private StepReport? Reject(ErrorInfo error)
    {
        if (!_wasUnknown || !ask.CanReconcile)
        {
            return Failed(error);
        }

        _rejection = error;
        _progress = _progress with { MayHaveHappened = true };
        return null;
    }

    private async ValueTask<StepReport?> BackOffAsync(ErrorInfo error)
    {
        Retry retry = ask.Retry;
        int attempts = _progress.Attempts;
        if (retry.Attempts is null && attempts >= retry.StuckAfter && !_settling)
        {
            return Stuck(ErrorCodes.KeepsFailing, $"{AskText.Word(ask.Kind)} {ask.Name} of {ask.Run.Key} must succeed, and failed {attempts} times, last with: {error.Message}. Repair the cause, then retry the flow.");
        }

        DateTimeOffset now = runner.Clock.Now();
        TimeSpan delay = retry.DelayAfter(attempts, runner.Seams.Chance());
        _isFinal = (error.Kind == ErrorKind.Permanent && ask.Kind != AskKind.Undo) || attempts >= retry.Attempts || now + delay - _progress.StartedAt > retry.Within;
        if (_isFinal || _settling)
        {
            return null; // the next thing is to find out whether it happened, and to end
        }

        if (delay > ShortBackoff)
        {
            return new StepReport.BackedOff(_progress, now + delay);
        }

        await PauseAsync(delay);
        return null;
    }

    private async ValueTask<StepReport?> ReconcileAsync()
    {
        if (_passage is not null && !await _passage.EnterAsync(isRetry: _reconciles > 0, until: null, despiteStop: true))
        {
            return null;
        }

        Attempt attempt = await CallAsync(runner.StepTimeout, reconcile: true);
        if (attempt.Value == Attempt.No)
        {
            _progress = _progress with { MayHaveHappened = false };
            return null;
        }

        if (attempt.Value is { } value)
        {
            return new StepReport.Completed(_progress with { StartedAt = _progress.StartedAt ?? runner.Clock.Now() }, value);
        }

        if (_shutdown)
        {
            return null;
        }

        ErrorInfo error = runner.Errors.Sort(attempt.Error!);
        _progress = _progress with { LastError = error, MayHaveHappened = true };
        runner.Log.ReconcileFailed(attempt.Error!, ask.Run.Key, ask.Name);
        if (++_reconciles >= ask.Retry.StuckAfter)
        {
            return Stuck(ErrorCodes.KeepsFailing, $"nobody can say whether step {ask.Name} of {ask.Run.Key} happened: its reconcile failed {_reconciles} times, last with: {error.Message}. Repair the cause, then retry the flow.");
        }

        await PauseAsync(ask.Retry.DelayAfter(_reconciles, runner.Seams.Chance()), despiteStop: true);
        return null;
    }

    private async Task PauseAsync(TimeSpan delay, bool despiteStop = false)
    {
        using var pause = new CancellationTokenSource();
        Begin(pause, Timeout.InfiniteTimeSpan, despiteStop);
        Returned();
        try
        {
            await runner.Seams.Delay(delay, pause.Token);
        }
        catch (OperationCanceledException)
        {
            // Stopped or shut down: the caller looks.
        }
        finally
        {
            End();
        }
    }

    private ValueTask<Attempt> CallAsync(TimeSpan timeout, bool reconcile)
    {
        ValueTask<Attempt> attempt = Attempt.RunAsync(runner, this, _progress.Attempts, timeout, reconcile);
        return _passage is null ? attempt : _passage.LeaveAfterAsync(attempt);
    }

    private StepReport.Failed Unwanted()
        => Failed(new ErrorInfo(ErrorKind.Cancelled, ErrorCodes.OutcomeUnknown, "Cancelled", "the flow no longer wanted it") { Happened = _wasAttempted ? null : false });

    private StepReport.Failed Failed(ErrorInfo error) => new(_progress, error);

    private StepReport.Stuck Stuck(string code, string message) => new(_progress, new StuckReason(code, message), ask.Kind == AskKind.Undo);

    private void CancelCurrent()
    {
        lock (ask)
        {
            if (_current is { } source)
            {
                runner.Seams.Cancel(source);
            }
        }
    }
}
