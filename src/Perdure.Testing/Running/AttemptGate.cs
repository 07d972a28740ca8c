using Perdure.Engine;
using Perdure.Testing.Virtual;
using Perdure.Worker;

namespace Perdure.Testing.Running;

/// <summary>Stands around all attempts in a test world: it knows which are running, and lets faults into them.</summary>
/// <param name="fate">Runs an attempt as a test's faults have it.</param>
internal sealed class AttemptGate(Func<StepAsk, StepContext, bool, ValueTask<StepValue>> fate) : AttemptFilter
{
    private readonly Lock _lock = new();
    private readonly HashSet<RunningAttempt> _running = [];

    /// <summary>Whether an attempt runs that time need not move for: it is at work outside the world.</summary>
    public bool IsWorkOutside => Any(static a => a is { AwaitsTime: false, IsLeft: false });

    /// <summary>Whether an attempt is at work outside the world that was waited for long enough.</summary>
    public bool HasLeft => Any(static a => a is { AwaitsTime: false, IsLeft: true });

    public override ValueTask<StepValue> RunAsync(StepAsk ask, StepContext context, bool reconcile) => new(WatchAsync(() => fate(ask, context, reconcile).AsTask()));

    public override Task<T> RunJobsAsync<T>(Func<Task<T>> handle) => WatchAsync(handle);

    private async Task<T> WatchAsync<T>(Func<Task<T>> run)
    {
        var attempt = new RunningAttempt();
        RunningAttempt.Current = attempt;
        lock (_lock)
        {
            _running.Add(attempt);
        }

        try
        {
            return await run();
        }
        finally
        {
            lock (_lock)
            {
                _running.Remove(attempt);
            }
        }
    }

    /// <summary>The attempts that run now were waited for long enough.</summary>
    public void Leave() => Any(static a => !(a.IsLeft = true));

    /// <summary>The attempts of a process that died.</summary>
    public void Forget()
    {
        lock (_lock)
        {
            _running.Clear();
        }
    }

    private bool Any(Func<RunningAttempt, bool> holds)
    {
        lock (_lock)
        {
            return _running.Any(holds);
        }
    }
}
