using Perdure.Engine;
using Perdure.Queues;
using Perdure.Serialization;

namespace Perdure;

/// <summary>A handler as the engine knows it: the job's durable name, and how to run it.</summary>
public abstract class HandlerDefinition
{
    private protected HandlerDefinition(Type? handlerClass, Type jobType)
    {
        HandlerClass = handlerClass;
        JobType = jobType;
        JobName = FlowNames.CheckType(FlowNames.Of(jobType));
    }

    /// <summary>The durable name of the jobs it does.</summary>
    public string JobName { get; }

    internal Type? HandlerClass { get; }

    internal Type JobType { get; }

    internal abstract Type ResultType { get; }

    internal virtual bool TakesBatches => false;

    /// <summary>The contract of jobs that no AddJob speaks of.</summary>
    internal abstract JobType PlainType(string queue);

    /// <summary>Makes an attempt of a job, and gives its result (JSON).</summary>
    internal abstract ValueTask<byte[]> RunAsync(JobContext context, byte[] payload, FlowJson json);

    /// <summary>Makes the attempts of a batch.</summary>
    internal virtual Task<JobOutcome[]> RunAsync(IReadOnlyList<JobContext> contexts, IReadOnlyList<byte[]> payloads, FlowJson json, IServiceProvider services, CancellationToken cancellationToken)
        => throw new InvalidOperationException($"The handler of job {JobName} takes no batches.");

    internal static HandlerDefinition Of<TJob, TResult>(Type? handlerClass, Func<TJob, JobContext, Task<TResult>> handle)
        => new SingleHandler<TJob, TResult>(handlerClass, handle);

    internal static HandlerDefinition OfBatch<TJob>(Type? handlerClass, Func<IReadOnlyList<BatchedJob<TJob>>, IServiceProvider, CancellationToken, Task> handle)
        => new BatchHandler<TJob>(handlerClass, handle);
}

/// <summary>What a handler made of a job: a result (JSON), or what it threw.</summary>
internal readonly record struct JobOutcome(byte[]? Result, Exception? Error);

internal sealed class SingleHandler<TJob, TResult>(Type? handlerClass, Func<TJob, JobContext, Task<TResult>> handle) : HandlerDefinition(handlerClass, typeof(TJob))
{
    internal override Type ResultType => typeof(TResult);

    internal override JobType PlainType(string queue) => new JobType<TJob>(JobName, queue, null);

    internal override ValueTask<byte[]> RunAsync(JobContext context, byte[] payload, FlowJson json)
    {
        Task<TResult> call = handle(json.Deserialize<TJob>(payload, "a job"), context);
        return call.IsCompletedSuccessfully ? new(json.Serialize(call.Result, "a job's result")) : AwaitAsync(call, json);
    }

    private static async ValueTask<byte[]> AwaitAsync(Task<TResult> call, FlowJson json) => json.Serialize(await call, "a job's result");
}

internal sealed class BatchHandler<TJob>(Type? handlerClass, Func<IReadOnlyList<BatchedJob<TJob>>, IServiceProvider, CancellationToken, Task> handle) : HandlerDefinition(handlerClass, typeof(TJob))
{
    internal override Type ResultType => typeof(NoResult);

    internal override bool TakesBatches => true;

    internal override JobType PlainType(string queue) => new JobType<TJob>(JobName, queue, null);

    internal override async ValueTask<byte[]> RunAsync(JobContext context, byte[] payload, FlowJson json)
    {
        JobOutcome outcome = (await RunAsync([context], [payload], json, context.Services, context.CancellationToken))[0];
        return outcome.Error is { } error ? throw error : outcome.Result!;
    }

    internal override async Task<JobOutcome[]> RunAsync(IReadOnlyList<JobContext> contexts, IReadOnlyList<byte[]> payloads, FlowJson json, IServiceProvider services, CancellationToken cancellationToken)
    {
        var outcomes = new JobOutcome[contexts.Count];
        List<(BatchedJob<TJob> Job, int Index)> jobs = [];
        for (int i = 0; i < contexts.Count; i++)
        {
            try
            {
                jobs.Add((new BatchedJob<TJob>(json.Deserialize<TJob>(payloads[i], $"job {contexts[i].Id}"), contexts[i]), i));
            }
            catch (PerdureException e)
            {
                outcomes[i] = new JobOutcome(null, e); // one that cannot be read does not spoil the others
            }
        }

        Exception? thrown = null;
        try
        {
            if (jobs.Count > 0)
            {
                await handle(jobs.ConvertAll(j => j.Job), services, cancellationToken);
            }
        }
        catch (Exception e)
        {
            thrown = e;
        }

        foreach ((BatchedJob<TJob> job, int index) in jobs)
        {
            outcomes[index] = (job.Error ?? thrown) is { } error ? new JobOutcome(null, error) : new JobOutcome(json.Serialize(default(NoResult), "nothing"), null);
        }

        return outcomes;
    }
}
