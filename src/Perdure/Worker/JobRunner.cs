using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Queues;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Worker;

/// <summary>Runs the attempts of jobs that this process has handlers for, on the thread pool.</summary>
internal sealed class JobRunner(Seams seams, IStore store, IServiceScopeFactory scopes, ErrorRules errors, FlowJson json, EngineLog log)
{
    private readonly ConcurrentDictionary<long, JobRun> _running = new();
    private volatile bool _stopping;

    public Seams Seams => seams;

    public IStore Store => store;

    public IServiceScopeFactory Scopes => scopes;

    public ErrorRules Errors => errors;

    public FlowJson Json => json;

    public EngineLog Log => log;

    /// <summary>Stands around attempts; null in production.</summary>
    public AttemptFilter? Filter { get; init; }

    public bool IsRunning(long number) => _running.ContainsKey(number);

    /// <summary>Whether an attempt is the one that its job's home waits for.</summary>
    public bool Runs(JobAttempt attempt) => _running.TryGetValue(attempt.Number, out JobRun? run) && run.Attempts.Contains(attempt);

    /// <summary>Starts one call of a handler. Jobs that still run since before a reload are joined instead.</summary>
    /// <returns>What is to be run for it now; null for nothing.</returns>
    public JobRun? Begin(HandlerDefinition handler, JobAttempt[] attempts)
    {
        if (_stopping)
        {
            return null; // they wait, and the next process runs them
        }

        var run = new JobRun(this, handler, Array.TrueForAll(attempts, a => !_running.ContainsKey(a.Number)) ? attempts : Array.FindAll(attempts, a => !_running.ContainsKey(a.Number)));
        foreach (JobAttempt attempt in run.Attempts)
        {
            _running[attempt.Number] = run;
        }

        if (_stopping)
        {
            run.Shutdown(); // the stop did not see it
        }

        return run.Attempts.Count > 0 ? run : null;
    }

    /// <summary>Runs a job once that no store knows of: whoever asked gets what comes of it.</summary>
    public async Task<byte[]> RunUnrecordedAsync(HandlerDefinition handler, NewJob wanted, TimeSpan budget, CancellationToken cancellationToken)
    {
        using var source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using ITimer timeUp = seams.Time.CreateTimer(TimeUp.Cancel, source, budget, Timeout.InfiniteTimeSpan);
        await using var services = new AttemptServices(scopes);
        var context = new JobContext(JobAttempt.Unrecorded(wanted, json), services, source.Token);
        return await handler.RunAsync(context, wanted.Payload, json);
    }

    /// <summary>Tells a job's attempt that nobody wants it any more.</summary>
    public void Cancel(long number)
    {
        if (_running.TryGetValue(number, out JobRun? run))
        {
            run.Cancel(number);
        }
    }

    /// <summary>The home knows what came of a job.</summary>
    public void Taken(long number) => _running.TryRemove(number, out _);

    /// <summary>A call has left a job alone; another one may have it by now.</summary>
    public void Taken(long number, JobRun run) => _running.TryRemove(KeyValuePair.Create(number, run));

    /// <summary>Cancels attempts whose home will not hear of them any more, and forgets them.</summary>
    public void Abandon(Predicate<JobAttempt> which)
    {
        foreach ((long number, JobRun run) in _running.ToArray().OrderBy(r => r.Key).Where(r => which(r.Value.Attempts[0])))
        {
            run.Abandon();
            Taken(number, run);
        }
    }

    /// <summary>Cancels all attempts and waits until they have ended, or the grace is over. Outcomes that come in time are kept.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        _stopping = true;
        JobRun[] runs = [.. _running.ToArray().OrderBy(r => r.Key).Select(r => r.Value).Distinct()];
        foreach (JobRun run in runs)
        {
            run.Shutdown();
        }

        await Task.WhenAny(Task.WhenAll(runs.Select(r => r.Ended)), seams.Delay(grace, CancellationToken.None));
    }
}
