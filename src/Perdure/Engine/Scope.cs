using Perdure.Diagnostics;

namespace Perdure.Engine;

/// <summary>
/// A part of a flow's code that can be ended by itself: the whole flow, a region with a limit, a branch of a race. What is asked for
/// inside it is withdrawn with it. The current one travels with the code's execution context.
/// </summary>
internal sealed class Scope(FlowRun run, Scope? parent)
{
    private static readonly AsyncLocal<Scope?> Ambient = new();

    private CancellationTokenSource? _token;
    private Func<Exception>? _limit;
    private bool _limitPending;
    private TaskCompletionSource? _settled;

    public static Scope? Current
    {
        get => Ambient.Value;
        set => Ambient.Value = value;
    }

    /// <summary>Makes the exception that the scope's code sees once the scope is over; null while it is not.</summary>
    public Func<Exception>? Over { get; private set; }

    public RegionAsk? Limit { get; set; }

    /// <summary>Whether the run passed its pivot in here.</summary>
    public bool HasPassedPivot { get; private set; }

    /// <summary>Whether a step in here may still be the run's pivot.</summary>
    public bool MayPassPivot => !run.Life.PivotPassed && run.Life.HasOpenPivot(this);

    /// <summary>Completes on the turn once the scope is over or the pivot is passed in it.</summary>
    public Task Settled => (_settled ??= new()).Task;

    public Scope? Parent => parent;

    public CancellationToken Token => (_token ??= NewSource()).Token;

    public bool IsWithin(Scope outer)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope == outer)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The exception for code that asks for something here; null while it may.</summary>
    public Exception? Refusal()
    {
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope.Over is { } over)
            {
                return over();
            }
        }

        return null;
    }

    public void LimitBy(Func<Exception> exception) => _limit = exception;

    public void LimitIsUp()
    {
        if (run.Life.HasOpenPivot(this))
        {
            _limitPending = true;
            run.Life.SettlePivots(this);
            return;
        }

        End(_limit!);
    }

    /// <summary>A step that may be the pivot succeeded in here: a limit that waited for it is lifted.</summary>
    /// <param name="isFirst">Whether it is the one that was the run's pivot.</param>
    public void PassPivot(bool isFirst)
    {
        _limitPending = false;
        HasPassedPivot |= isFirst;
        Settle();
    }

    /// <summary>The step that would have been the pivot failed, so a limit that waited for it takes effect.</summary>
    public void PivotMissed()
    {
        for (Scope? scope = this; scope is not null && !run.Life.HasOpenPivot(scope); scope = scope.Parent)
        {
            if (scope._limitPending)
            {
                scope.End(scope._limit!);
            }
        }

        run.Life.PivotMissed();
    }

    /// <summary>Ends the scope: open waits inside it throw, open work is asked to stop, later asks throw.</summary>
    public void End(Func<Exception> over)
    {
        if (Over is not null)
        {
            return;
        }

        Over = over;
        Settle();
        run.Life.WithdrawWithin(this, over);
        if (_token is { } token)
        {
            run.Later(() => Cancel(token));
        }
    }

    private void Settle()
    {
        if (_settled is { } settled)
        {
            run.Later(() => settled.TrySetResult());
        }
    }

    private void Cancel(CancellationTokenSource token)
    {
        try
        {
            token.Cancel();
        }
        catch (AggregateException e)
        {
            throw run.Stick(ErrorCodes.FlowFailed, $"a callback on a cancellation token of {run.Key} threw: {e.InnerException?.Message}");
        }
    }

    /// <summary>A source that is cancelled with the scopes around it, too.</summary>
    private CancellationTokenSource NewSource()
    {
        CancellationTokenSource source = parent is null ? new() : CancellationTokenSource.CreateLinkedTokenSource(parent.Token);
        if (Over is not null)
        {
            source.Cancel();
        }

        return source;
    }
}
