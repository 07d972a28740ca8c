using Microsoft.Extensions.DependencyInjection;
using Perdure.Diagnostics;
using Perdure.Engine;

namespace Perdure.Worker;

/// <summary>One call of a step's action (or reconcile): its own token, time-out, service scope and span.</summary>
/// <param name="Value">What it returned; null when it threw.</param>
/// <param name="Error">What it threw.</param>
/// <param name="TimedOut">Whether its time was up.</param>
/// <param name="WasCancelled">Whether it was cancelled, and ended by that.</param>
internal readonly record struct Attempt(StepValue? Value, Exception? Error, bool TimedOut, bool WasCancelled)
{
    /// <summary>Stands for a reconcile's "it did not happen".</summary>
    public static readonly StepValue No = new([], null);

    /// <summary>How long an attempt may ignore its token before it is left behind.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    public static async ValueTask<Attempt> RunAsync(StepRunner runner, StepRun run, int number, TimeSpan timeout, bool reconcile)
    {
        StepAsk ask = run.Ask;
        using var source = new CancellationTokenSource();
        using var span = PerdureSource.StartStep(ask, number);
        var services = new AttemptServices(runner.Scopes);
        long started = runner.Seams.Time.GetTimestamp();
        run.Begin(source, timeout, despiteStop: reconcile);
        try
        {
            var context = new StepContext(ask, number, services, source.Token);
            ValueTask<StepValue> call = runner.Filter is { } filter ? filter.RunAsync(ask, context, reconcile) : CallAsync(ask, context, reconcile);
            run.Returned();
            if (call.IsCompleted)
            {
                return new Attempt(await call, null, false, false);
            }

            // Only what is still going on needs a timer; an action that has not even returned is looked after by the runner.
            TimeSpan left = timeout - runner.Seams.Time.GetElapsedTime(started);
            await using ITimer timeUp = runner.Seams.Time.CreateTimer(
                TimeUp.Cancel, source, left > TimeSpan.Zero ? left : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            return new Attempt(await OrLeaveAsync(runner, ask, call.AsTask(), source.Token), null, false, false);
        }
        catch (Exception e)
        {
            span?.SetStatus(System.Diagnostics.ActivityStatusCode.Error, e.Message);
            bool wasCancelled = source.IsCancellationRequested && e is OperationCanceledException;
            return new Attempt(null, e, wasCancelled && runner.Seams.Time.GetElapsedTime(started) >= timeout, wasCancelled);
        }
        finally
        {
            run.End();
            if (PerdureMeter.CountsAttempts)
            {
                PerdureMeter.Attempted(ask.Name, runner.Seams.Time.GetElapsedTime(started));
            }

            await services.DisposeAsync();
        }
    }

    /// <summary>Calls a step's action, or its reconcile.</summary>
    public static ValueTask<StepValue> CallAsync(StepAsk ask, StepContext context, bool reconcile) => reconcile ? AskAsync(ask, context) : ask.AttemptAsync(context);

    private static async ValueTask<StepValue> AskAsync(StepAsk ask, StepContext context) => await ask.ReconcileAsync(context) ?? No;

    /// <summary>Awaits the action; one that ignores its token is left behind after a grace.</summary>
    private static async Task<StepValue> OrLeaveAsync(StepRunner runner, StepAsk ask, Task<StepValue> task, CancellationToken token)
    {
        var cancelled = new TaskCompletionSource(runner.Seams.Continuations);
        await using (token.UnsafeRegister(static s => ((TaskCompletionSource)s!).TrySetResult(), cancelled))
        {
            await Task.WhenAny(task, cancelled.Task);
        }

        if (!task.IsCompleted)
        {
            await Task.WhenAny(task, runner.Seams.Delay(Grace, CancellationToken.None));
        }

        if (!task.IsCompleted)
        {
            runner.Log.AttemptLeft(ask.Run.Key, ask.Name, Grace);
            _ = task.ContinueWith(static t => t.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
            throw new OperationCanceledException("it ignored its token, and was left behind", token);
        }

        return await task;
    }
}

/// <summary>The services of one attempt: a scope that is made when one is first asked for.</summary>
internal sealed class AttemptServices(IServiceScopeFactory scopes) : IServiceProvider, IAsyncDisposable
{
    private AsyncServiceScope? _scope;

    public object? GetService(Type serviceType) => (_scope ??= scopes.CreateAsyncScope()).ServiceProvider.GetService(serviceType);

    public ValueTask DisposeAsync() => _scope?.DisposeAsync() ?? default;
}
