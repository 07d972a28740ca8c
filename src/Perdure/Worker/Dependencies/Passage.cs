using Perdure.Diagnostics;
using Perdure.Engine;

namespace Perdure.Worker;

/// <summary>One step's way through its dependency: in before an attempt or a reconcile, out after it. One at a time.</summary>
internal sealed class Passage(StepRunner runner, Dependency dependency, bool isStopped)
{
    /// <summary>Timers take no longer times. Who has waited that long waits anew.</summary>
    private static readonly TimeSpan TimerMax = TimeSpan.FromDays(24);

    private readonly Lock _lock = new();
    private DependencyWait? _wait;
    private DateTimeOffset _enteredAt;
    private bool _isStopped = isStopped;
    private bool _isOver;
    private bool _despiteStop;

    /// <summary>The dependency's name while the step waits; null while it does not.</summary>
    public string? WaitsFor => Volatile.Read(ref _wait) is null ? null : dependency.Name;

    /// <summary>Waits until an attempt may go.</summary>
    /// <param name="isRetry">Whether it takes from the budget for retries.</param>
    /// <param name="until">The end of the wait; null for none.</param>
    /// <param name="despiteStop">Whether it is a reconcile, which goes on after a stop.</param>
    /// <returns>Whether it may go; false when something else has ended the wait.</returns>
    public async ValueTask<bool> EnterAsync(bool isRetry, DateTimeOffset? until, bool despiteStop)
    {
        DateTimeOffset now = _enteredAt = runner.Clock.Now();
        _despiteStop = despiteStop;
        if (dependency.Enter(now, isRetry) is { } wait)
        {
            await using ITimer? tooLate = until is { } end ? EndAfter(wait, end - now) : null;
            Hold(wait);
            DateTimeOffset? enteredAt = await wait.Ended;
            Hold(null);
            PerdureMeter.Waited(dependency.Name, runner.Clock.Now() - now);
            if (enteredAt is not { } at)
            {
                return false;
            }

            _enteredAt = at;
        }

        if (IsUnwanted || runner.Clock.Now() > until)
        {
            dependency.Leave(_enteredAt, DependencyOutcome.None, runner.Clock.Now()); // the end came together with its turn
            return false;
        }

        return true;
    }

    /// <summary>Gives the place back once an attempt has ended, and says what it says of the dependency.</summary>
    public async ValueTask<Attempt> LeaveAfterAsync(ValueTask<Attempt> running)
    {
        var outcome = DependencyOutcome.None;
        try
        {
            Attempt attempt = await running;
            outcome = OutcomeOf(attempt);
            return attempt;
        }
        finally
        {
            dependency.Leave(_enteredAt, outcome, runner.Clock.Now());
        }
    }

    /// <summary>No more attempts are wanted.</summary>
    /// <param name="forGood">Whether no reconcile is wanted either.</param>
    public void Stop(bool forGood)
    {
        DependencyWait? wait;
        lock (_lock)
        {
            _isStopped = true;
            _isOver |= forGood;
            wait = IsUnwanted ? _wait : null;
        }

        wait?.End();
    }

    private bool IsUnwanted => _isOver || (_isStopped && !_despiteStop);

    /// <summary>Names the wait that a stop ends from now on.</summary>
    private void Hold(DependencyWait? wait)
    {
        lock (_lock)
        {
            _wait = wait;
            if (!IsUnwanted)
            {
                return;
            }
        }

        wait?.End(); // the stop came before
    }

    private ITimer EndAfter(DependencyWait wait, TimeSpan delay)
    {
        TimeSpan due = delay < TimeSpan.Zero ? TimeSpan.Zero : delay > TimerMax ? TimerMax : delay;
        return runner.Seams.Time.CreateTimer(static w => ((DependencyWait)w!).End(), wait, due + Node.TimerGrain, Timeout.InfiniteTimeSpan);
    }

    private DependencyOutcome OutcomeOf(Attempt attempt) => attempt switch
    {
        { Value: not null } => DependencyOutcome.Answered,
        { TimedOut: true } => DependencyOutcome.Failed,
        { WasCancelled: true } => DependencyOutcome.None,
        _ => runner.Errors.Sort(attempt.Error!).Kind is ErrorKind.Transient or ErrorKind.Unknown ? DependencyOutcome.Failed : DependencyOutcome.Answered,
    };
}
