namespace Perdure;

/// <summary>What a flow does with queues: it calls jobs as it calls steps, or leaves them to themselves.</summary>
/// <remarks>
/// A call is durable from the turn that makes it on, and happens once: after a crash the flow waits for the same job. A job that a
/// flow no longer wants (a cancel, a limit, another branch of <c>First</c>) is withdrawn; it goes on where others wait for it too.
/// </remarks>
public static class FlowQueues
{
    /// <summary>Puts a job into its queue and awaits its result. Where the queue is full it waits for room.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="job">The job.</param>
    /// <param name="options">What is otherwise than its contract says.</param>
    /// <exception cref="RejectedException">A business no; or no queue takes it: there is none of that name, nobody does such jobs, an option is out of its range, the queue drains or sheds it.</exception>
    /// <exception cref="JobFailedException">Its attempts are used up, its error was permanent, or it expired.</exception>
    /// <exception cref="JobCancelledException">Somebody cancelled it, or it was dropped because of one that was the same.</exception>
    /// <exception cref="LimitReachedException">It took longer than <see cref="JobOptions.Limit"/>.</exception>
    /// <remarks>A call has no undo of its own: add one by <see cref="FlowContext.OnUndo"/>.</remarks>
    public static Task<TResult> Call<TResult>(this FlowContext flow, IJob<TResult> job, JobOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(flow);
        return flow.Core.Verbs.CallJob<TResult>(job, options);
    }

    /// <summary>Puts a job into its queue and awaits its end. Where the queue is full it waits for room.</summary>
    /// <inheritdoc cref="Call{TResult}(FlowContext, IJob{TResult}, JobOptions?)"/>
    public static Task Call(this FlowContext flow, IJob job, JobOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(flow);
        return flow.Core.Verbs.CallJob<NoResult>(job, options);
    }

    /// <summary>Puts a job into its queue without awaiting it: the job lives on its own, whatever becomes of the flow.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="job">The job.</param>
    /// <param name="options">What is otherwise than its contract says.</param>
    /// <remarks>
    /// Where the queue is full or drains, the job comes in as soon as the queue takes it. One that the queue sheds is dropped, with an error
    /// in the log. A job that no queue of this process can take makes the flow stuck, with the code that says why.
    /// </remarks>
    public static void Enqueue(this FlowContext flow, IJob job, JobOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(flow);
        flow.Core.Verbs.EnqueueJob(job, options);
    }
}
