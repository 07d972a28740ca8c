using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Perdure.Engine;

namespace Perdure.Worker;

/// <summary>Runs the attempts of this node's steps, on the thread pool.</summary>
internal sealed class StepRunner(Seams seams, IServiceScopeFactory scopes, ErrorRules errors, NodeClock clock, ILogger log, TimeSpan stepTimeout)
{
    private readonly ConcurrentDictionary<(long Run, int Ask), StepRun> _running = new();
    private volatile bool _stopping;

    public Seams Seams => seams;

    public IServiceScopeFactory Scopes => scopes;

    public ErrorRules Errors => errors;

    public NodeClock Clock => clock;

    public ILogger Log => log;

    /// <summary>The time for an attempt of a step that says nothing.</summary>
    public TimeSpan StepTimeout => stepTimeout;

    /// <summary>Stands around attempts; null in production.</summary>
    public AttemptFilter? Filter { get; init; }

    /// <summary>What attempts may have to wait for.</summary>
    public required Dependencies Dependencies { get; init; }

    public bool IsStopping => _stopping;

    /// <summary>Starts a step; one that still runs since before a reload is joined instead.</summary>
    /// <returns>What is to be run for it now; null for nothing.</returns>
    public StepRun? Begin(Shard shard, StepAsk ask)
    {
        if (_stopping || shard.IsLeaving || shard.Recovery.IsElsewhere)
        {
            return null; // it stays open, and the next process or node runs it
        }

        var run = new StepRun(this, shard, ask);
        if (_running.TryAdd((ask.Run.Number, ask.Number), run))
        {
            if (_stopping || shard.IsLeaving || shard.Recovery.IsElsewhere)
            {
                run.Shutdown(); // the stop did not see it
            }

            return run;
        }

        if (ask.Stopping || ask.Settling)
        {
            Stop(ask.Run.Number, ask.Number, settle: !ask.Stopping, terminated: false);
        }

        return null;
    }

    /// <summary>Asks a step to stop: no other attempt is made, and unless it is only to settle its attempt's token is cancelled.</summary>
    /// <param name="run">Its run.</param>
    /// <param name="ask">Its ask.</param>
    /// <param name="settle">Whether the attempt that runs may go on to its end.</param>
    /// <param name="terminated">Whether nobody wants to know its outcome.</param>
    public void Stop(long run, int ask, bool settle, bool terminated)
    {
        if (_running.TryGetValue((run, ask), out StepRun? step))
        {
            step.Stop(settle, terminated);
        }
    }

    /// <summary>Asks all steps of a run that was terminated to stop.</summary>
    public void StopAll(long run)
    {
        foreach (KeyValuePair<(long Run, int Ask), StepRun> step in _running.Where(s => s.Key.Run == run).OrderBy(s => s.Key.Ask))
        {
            step.Value.Stop(settle: false, terminated: true);
        }
    }

    /// <summary>The dependency that a step waits for now; null if it does not.</summary>
    public string? WaitsFor(long run, int ask) => _running.GetValueOrDefault((run, ask))?.WaitsFor;

    /// <summary>Looks after calls that hold their threads.</summary>
    public void Look()
    {
        foreach (KeyValuePair<(long Run, int Ask), StepRun> step in _running)
        {
            step.Value.Look();
        }
    }

    /// <summary>A step's attempts have led to something, and its shard knows it.</summary>
    public void Ended(long run, int ask) => _running.TryRemove((run, ask), out _);

    /// <summary>A shard is about to move: waits until its attempts have ended, and cancels those that have not after the grace. No other begins.</summary>
    public async Task LeaveAsync(Shard shard, TimeSpan grace)
    {
        StepRun[] steps = Of(shard);
        Array.ForEach(steps, static s => s.Leave());
        Task all = Task.WhenAll(steps.Select(static s => s.Ended));
        await Task.WhenAny(all, seams.Delay(grace, CancellationToken.None));
        Array.ForEach(steps, static s => s.Shutdown());
        await Task.WhenAny(all, seams.Delay(grace, CancellationToken.None));
    }

    /// <summary>A shard lives elsewhere: its attempts get their token, and nobody here wants their outcomes.</summary>
    public void Abandon(Shard shard) => Array.ForEach(Of(shard), static s => s.Shutdown());

    private StepRun[] Of(Shard shard) => [.. _running.ToArray().Where(s => s.Value.Shard == shard).OrderBy(s => s.Key).Select(s => s.Value)];

    /// <summary>Cancels all attempts and waits until they have ended, or the grace is over. Outcomes that come in time are kept.</summary>
    public async Task StopAsync(TimeSpan grace)
    {
        _stopping = true;
        foreach ((_, StepRun step) in _running.ToArray().OrderBy(s => s.Key)) // a copy: sorting what others change meanwhile loses entries
        {
            step.Shutdown();
        }

        Task all = Task.WhenAll(_running.Values.Select(s => s.Ended));
        await Task.WhenAny(all, seams.Delay(grace, CancellationToken.None));
    }
}
