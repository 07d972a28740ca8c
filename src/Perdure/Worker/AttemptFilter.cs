using Perdure.Engine;

namespace Perdure.Worker;

/// <summary>Stands around every attempt of every step, undo and reconcile, where the host's services have one: the test kit makes attempts fail with it.</summary>
internal abstract class AttemptFilter
{
    /// <summary>Runs an attempt, by <see cref="Attempt.CallAsync"/>, or not.</summary>
    /// <param name="ask">The step or undo.</param>
    /// <param name="context">What the attempt knows.</param>
    /// <param name="reconcile">Whether it is asked whether it happened, rather than done.</param>
    public abstract ValueTask<StepValue> RunAsync(StepAsk ask, StepContext context, bool reconcile);

    /// <summary>Runs one call of a job's handler, or not.</summary>
    public virtual Task<T> RunJobsAsync<T>(Func<Task<T>> handle) => handle();
}
