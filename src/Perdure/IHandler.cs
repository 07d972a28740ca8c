using Microsoft.Extensions.DependencyInjection;
using Perdure.Diagnostics;
using Perdure.Engine;

namespace Perdure;

/// <summary>What every handler class is. Implement <see cref="IHandler{TJob}"/>, <see cref="IHandler{TJob, TResult}"/> or <see cref="IBatchHandler{TJob}"/>.</summary>
public interface IHandler
{
    /// <summary>Describes the handler class to the engine. The typed interfaces implement it; there is nothing to write.</summary>
    static virtual HandlerDefinition Define<TSelf>()
        where TSelf : class, IHandler
        => throw new PerdureException(ErrorCodes.UnknownHandler, $"{typeof(TSelf)} is no handler: let it implement IHandler<TJob> or IHandler<TJob, TResult>.");
}

/// <summary>Does jobs of one kind.</summary>
/// <typeparam name="TJob">The job.</typeparam>
/// <remarks>
/// The class is made anew for each attempt, in a service scope of its own. A job is attempted at least once: after a crash again, under
/// the same <see cref="JobContext.IdempotencyKey"/>.
/// </remarks>
public interface IHandler<in TJob> : IHandler
{
    /// <summary>Does a job.</summary>
    Task HandleAsync(TJob job, JobContext context);

    /// <inheritdoc/>
    static HandlerDefinition IHandler.Define<TSelf>()
        => HandlerDefinition.Of<TJob, NoResult>(typeof(TSelf), static (job, context) => StepPlan.Void(((IHandler<TJob>)context.Services.GetRequiredService<TSelf>()).HandleAsync(job, context)));
}

/// <summary>Does jobs of one kind, and answers.</summary>
/// <typeparam name="TJob">The job.</typeparam>
/// <typeparam name="TResult">The result.</typeparam>
/// <remarks>As with <see cref="IHandler{TJob}"/>.</remarks>
public interface IHandler<in TJob, TResult> : IHandler
    where TJob : IJob<TResult>
{
    /// <summary>Does a job.</summary>
    Task<TResult> HandleAsync(TJob job, JobContext context);

    /// <inheritdoc/>
    static HandlerDefinition IHandler.Define<TSelf>()
        => HandlerDefinition.Of<TJob, TResult>(typeof(TSelf), static (job, context) => ((IHandler<TJob, TResult>)context.Services.GetRequiredService<TSelf>()).HandleAsync(job, context));
}

/// <summary>Does many jobs of one kind in one call, each with its own outcome.</summary>
/// <typeparam name="TJob">The job.</typeparam>
/// <remarks>A job that was given no outcome when the call returns is done; when it throws, jobs without an outcome have failed with that error.</remarks>
public interface IBatchHandler<TJob> : IHandler
{
    /// <summary>Does jobs.</summary>
    /// <param name="jobs">At most as many as the queue's <see cref="QueueOptions.BatchMax"/>.</param>
    /// <param name="cancellationToken">Is cancelled when the time is up, all are cancelled, or the host stops.</param>
    Task HandleAsync(IReadOnlyList<BatchedJob<TJob>> jobs, CancellationToken cancellationToken);

    /// <inheritdoc/>
    static HandlerDefinition IHandler.Define<TSelf>()
        => HandlerDefinition.OfBatch<TJob>(typeof(TSelf), static (jobs, services, token) => ((IBatchHandler<TJob>)services.GetRequiredService<TSelf>()).HandleAsync(jobs, token));
}

/// <summary>One of the jobs that a batch handler gets.</summary>
/// <typeparam name="TJob">The job.</typeparam>
public sealed class BatchedJob<TJob>
{
    internal BatchedJob(TJob job, JobContext context)
    {
        Job = job;
        Context = context;
    }

    /// <summary>The job.</summary>
    public TJob Job { get; }

    /// <summary>What is known about this attempt of it.</summary>
    public JobContext Context { get; }

    /// <summary>What became of it; null while nothing was said.</summary>
    internal Exception? Error { get; private set; }

    /// <summary>Says that this job failed; how is sorted as if a handler had thrown it.</summary>
    public void Fail(Exception error)
    {
        ArgumentNullException.ThrowIfNull(error);
        Error = error;
    }
}
