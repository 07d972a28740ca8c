using Perdure.Diagnostics;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>How a run begins, undoes, is cancelled, and ends.</summary>
/// <remarks>
/// A run ends only when its open work has: RunAsync returned, so open waits are dropped and open work is waited for; or it threw or was
/// cancelled, so open waits throw, open work is asked to stop and waited for, and then what was done is undone, the last first. Undo runs
/// in a scope of its own that nothing ends.
/// </remarks>
internal sealed class FlowLife
{
    private readonly FlowRun _run;
    private readonly Scope _root;
    private readonly Stack<UndoEntry> _undo = new(0);
    private Scope? _shield;
    private string? _cancelReason;
    private int _undoing;

    public FlowLife(FlowRun run)
    {
        _run = run;
        _root = new Scope(run, parent: null);
    }

    public CancellationToken CancellationToken => _root.Token;

    public bool PivotPassed { get; private set; }

    public bool IsUndoing => _undoing > 0;

    /// <summary>Whether RunAsync has returned or thrown.</summary>
    public bool IsEnding { get; private set; }

    public bool CancelRequested => _cancelReason is not null && !CancelPending;

    /// <summary>Whether a cancel waits for the outcome of a step that may be the pivot.</summary>
    public bool CancelPending { get; private set; }

    /// <summary>Whether a cancel would have to wait for the outcome of a step that may be the pivot.</summary>
    public bool MustAwaitPivot => HasOpenPivot(_root);

    /// <summary>The scope that code on the turn asks in.</summary>
    public Scope Scope => Scope.Current ?? _root;

    public void Start(HistoryRow input, object? live)
    {
        Task<byte[]> body;
        try
        {
            body = _run.Definition.Run(_run, input, live);
        }
        catch (Exception e) when (e is not StuckException)
        {
            throw _run.Stick(ErrorCodes.ConstructorFailed, $"{_run.Definition} could not be constructed: {e.GetType().Name}: {e.Message}");
        }

        _ = LiveAsync(body);
    }

    public void Cancel(string reason)
    {
        if (_cancelReason is not null || PivotPassed || IsEnding)
        {
            return;
        }

        _cancelReason = reason;
        if (HasOpenPivot(_root))
        {
            CancelPending = true;
            SettlePivots(_root);
            return;
        }

        _root.End(Cancelled);
    }

    public void Terminate(string reason)
    {
        _run.Turn.Stopped.AddRange(_run.Asks.All.Where(a => a.IsAnsweredOutside));
        End(Terminated(reason));
    }

    public static FlowEnd Terminated(string reason)
        => new(FlowStatus.Terminated, FlowJson.SerializeError(new ErrorInfo(ErrorKind.Cancelled, ErrorCodes.FlowTerminated, nameof(FlowStatus.Terminated), reason)));

    public bool HasOpenPivot(Scope within) => _run.Asks.All.Any(a => a is StepAsk { Plan.IsPivot: true } && a.Scope.IsWithin(within));

    /// <summary>Lets steps that may be the pivot come to an outcome without more attempts.</summary>
    public void SettlePivots(Scope within)
    {
        foreach (Ask ask in _run.Asks.Within(within).Where(a => a is StepAsk { Plan.IsPivot: true, Settling: false }))
        {
            ask.Settling = true;
            _run.Turn.Stopped.Add(ask);
        }
    }

    /// <summary>From here there is no way back: limits and a waiting cancel are lifted.</summary>
    public void PassPivot(Scope scope)
    {
        bool isFirst = !PivotPassed;
        PivotPassed = true;
        CancelPending = false;
        _cancelReason = null;
        _undo.Clear();
        _run.Turn.Line(AskText.Pivot);
        for (Scope? region = scope; region is not null; region = region.Parent)
        {
            region.PassPivot(isFirst);
            if (region.Limit is { Open: true } limit)
            {
                _run.Withdraw(limit, reason: null);
            }
        }
    }

    /// <summary>The step that would have been the pivot failed, so a cancel that waited for it takes effect.</summary>
    public void PivotMissed()
    {
        if (CancelPending && !MustAwaitPivot)
        {
            CancelPending = false;
            _root.End(Cancelled);
        }
    }

    /// <summary>Whether a scope is that of undo, which nothing ends.</summary>
    public bool IsShielded(Scope scope) => _shield is not null && scope.IsWithin(_shield);

    public void OnUndo(string name, Func<Task> undo)
    {
        if (!PivotPassed)
        {
            _undo.Push(new UndoEntry(name, undo));
        }
    }

    public async Task UndoAsync()
    {
        Scope.Current = _shield ??= new Scope(_run, parent: null); // holds in this method and what it calls
        _undoing++;
        while (_undo.TryPop(out UndoEntry? entry))
        {
            try
            {
                await entry.Run();
            }
            catch (Exception e) when (e is not StuckException)
            {
                // Only undo that is flow code can throw: an undo step is retried, or makes the flow stuck itself.
                throw _run.Stick(ErrorCodes.UndoRejected, $"undo {entry.Name} of {_run.Key} threw {e.GetType().Name}: {e.Message}. Repair the code and retry the flow, or terminate it.");
            }
        }

        _undoing--;
    }

    /// <summary>Ends a scope: its open waits throw, its open work is asked to stop.</summary>
    public void WithdrawWithin(Scope scope, Func<Exception> reason)
    {
        foreach (Ask ask in _run.Asks.Within(scope))
        {
            if (ask.IsWork)
            {
                Stop(ask);
            }
            else
            {
                _run.Withdraw(ask, reason);
            }
        }
    }

    public string Fingerprint()
        => $"undo [{string.Join("; ", _undo.Select(u => u.Name))}]; pivot {PivotPassed}; cancel {_cancelReason} {CancelPending}; undoing {_undoing}; ending {IsEnding}";

    private async Task LiveAsync(Task<byte[]> body)
    {
        try
        {
            FlowEnd? end = await ResultOf(body);
            if (end is null)
            {
                return; // strayed from its turn, or stuck in it
            }

            End(end);
        }
        catch (StuckException)
        {
            // The turn knows.
        }
        catch (Exception e)
        {
            _run.Stick(ErrorCodes.FlowFailed, $"{_run.Key}: the engine itself failed: {e}");
        }
    }

    private async Task<FlowEnd?> ResultOf(Task<byte[]> body)
    {
        byte[]? result = null;
        Exception? error = null;
        try
        {
            result = await body;
        }
        catch (Exception e)
        {
            error = e;
        }

        if (!_run.IsOnTurn)
        {
            _run.Stray("ended");
            return null;
        }

        if (error is ThreadInterruptedException)
        {
            throw _run.Stick(ErrorCodes.TurnTooLong, $"It was {error.StackTrace?.Split('\n').FirstOrDefault(l => !l.Contains(" System.", StringComparison.Ordinal))?.Trim() ?? "interrupted"}");
        }

        if (error is StuckException || _run.Turn.Stuck is not null)
        {
            return null;
        }

        IsEnding = true;
        return result is not null && !CancelRequested ? await CompleteAsync(result) : await FailAsync(error);
    }

    private async Task<FlowEnd> CompleteAsync(byte[] result)
    {
        DropWaits();
        await IdleAsync();
        if (CancelRequested)
        {
            return await FailAsync(error: null); // it waited for a step that nobody awaited and that was not the pivot after all
        }

        DropWaits(); // of code that nobody awaited
        return new FlowEnd(FlowStatus.Completed, result);
    }

    private async Task<FlowEnd> FailAsync(Exception? error)
    {
        MustNotHavePassedPivot(error);
        _root.End(Cancelled);
        await IdleAsync();
        MustNotHavePassedPivot(error); // a step that was still going on may have been it

        // A cancel that waited for such a step may have taken effect by now.
        ErrorInfo reason = CancelRequested
            ? new ErrorInfo(ErrorKind.Cancelled, ErrorCodes.FlowCancelled, nameof(FlowStatus.Cancelled), _cancelReason!)
            : Describe(error!);
        await UndoAsync();
        await IdleAsync();
        return new FlowEnd(reason.Kind == ErrorKind.Cancelled && reason.Code == ErrorCodes.FlowCancelled ? FlowStatus.Cancelled : FlowStatus.Failed, FlowJson.SerializeError(reason));
    }

    private void MustNotHavePassedPivot(Exception? error)
    {
        if (PivotPassed)
        {
            throw _run.Stick(ErrorCodes.FailedAfterPivot, $"{_run.Key} failed after its pivot, where there is no way back: {error?.GetType().Name}: {error?.Message}");
        }
    }

    private void DropWaits()
    {
        if (_run.Asks.All.Count == 0)
        {
            return;
        }

        foreach (Ask wait in _run.Asks.All.Where(a => !a.IsWork).ToList())
        {
            _run.Withdraw(wait, reason: null);
        }
    }

    private void Stop(Ask ask)
    {
        if (!ask.Stopping)
        {
            ask.Stopping = true;
            _run.Turn.Stopped.Add(ask);
        }
    }

    private async Task IdleAsync()
    {
        // Code that nobody awaited may ask for more when its last step is done.
        while (_run.Asks.HasWork)
        {
            var idle = new TaskCompletionSource();
            _run.Asks.WhenIdle(() => _run.Later(idle.SetResult));
            await idle.Task;
        }
    }

    private void End(FlowEnd end)
    {
        _run.Turn.End = end;
        _run.Turn.Line(AskText.End(end.Status));
    }

    private OperationCanceledException Cancelled() => new($"{_run.Key} was cancelled: {_cancelReason ?? "it failed"}", CancellationToken);

    private static ErrorInfo Describe(Exception error) => error switch
    {
        RejectedException e => new ErrorInfo(ErrorKind.Rejected, e.Code, e.Error?.Type ?? nameof(RejectedException), e.Message),
        OutcomeUnknownException e => new ErrorInfo(ErrorKind.Unknown, e.Code, e.Error.Type, e.Message),
        PerdureException e => new ErrorInfo(ErrorKind.Permanent, e.Code, e.GetType().Name, e.Message),
        _ => new ErrorInfo(ErrorKind.Permanent, ErrorCodes.FlowFailed, error.GetType().Name, error.Message),
    };

    private sealed record UndoEntry(string Name, Func<Task> Run);
}
