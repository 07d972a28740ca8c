using Microsoft.Extensions.Logging;
using Perdure.Engine;

namespace Perdure;

/// <summary>What a flow's code may ask for. Everything that it awaits comes from here; verbs that a flow awaits carry no <c>Async</c>.</summary>
/// <remarks>
/// Use it on the flow's own turn only: awaiting anything else (a task of your own, <c>Task.Delay</c>, <c>Task.Run</c>) makes the flow
/// stuck with PRD3002. Steps are <see cref="FlowSteps"/>.
/// </remarks>
public sealed class FlowContext
{
    internal FlowContext(FlowRun run) => Core = run;

    /// <summary>The run's id.</summary>
    public string Id => Core.Key.Id;

    /// <summary>The time of the input that the flow now answers: the same when the code runs again. In whole microseconds.</summary>
    public DateTimeOffset Now => Core.Now;

    /// <summary>Random numbers that are the same when the code runs again. Not for secrets.</summary>
    public Random Random
    {
        get
        {
            Core.MustBeOnTurn();
            return Core.Chance;
        }
    }

    /// <summary>A logger that writes each line once: not when the code runs again, and only after the turn is committed.</summary>
    public ILogger Log => Core.Log;

    /// <summary>Is cancelled when the flow is cancelled.</summary>
    public CancellationToken CancellationToken => Core.Life.CancellationToken;

    internal FlowRun Core { get; }

    /// <summary>A GUID that is the same when the code runs again, and different for every call in every run.</summary>
    public Guid NewGuid()
    {
        Core.MustBeOnTurn();
        return Core.Chance.NextGuid();
    }

    /// <summary>From here there is no way back, only retries: what was done stays done, cancel is refused, steps are retried for ever by default, and an exception that leaves the flow makes it stuck.</summary>
    public void Pivot() => Core.Verbs.Pivot();

    /// <summary>Undoes what was done so far, the last first. Undo is retried for ever by default and is not cancelled.</summary>
    /// <exception cref="InvalidOperationException">The pivot is passed.</exception>
    public Task Undo() => Core.Verbs.Undo();

    /// <summary>Adds an undo that is flow code itself: it may run steps and children.</summary>
    /// <param name="undo">Runs when the flow undoes, in its place in the reverse order.</param>
    public void OnUndo(Func<Task> undo)
    {
        ArgumentNullException.ThrowIfNull(undo);
        Core.Verbs.OnUndo(undo);
    }

    /// <summary>Waits for a signal named after its type. A signal that came before the wait is taken at once; signals of one name are taken in the order in which they came.</summary>
    /// <param name="limit">How long to wait at most.</param>
    /// <exception cref="LimitReachedException">No signal came within the limit.</exception>
    public Task<T> Signal<T>(TimeSpan limit) => Signal<T>(FlowNames.Of(typeof(T)), limit);

    /// <summary>Waits for a signal of this name.</summary>
    /// <exception cref="LimitReachedException">No signal came within the limit.</exception>
    public async Task<T> Signal<T>(string name, TimeSpan limit)
    {
        Maybe<T> signal = await Core.Verbs.Signal<T>(name, limit);
        return signal.HasValue ? signal.Value : throw new LimitReachedException($"the wait for signal {name}", limit);
    }

    /// <summary>Waits for a signal named after its type; no value when the limit is reached.</summary>
    public Task<Maybe<T>> TrySignal<T>(TimeSpan limit) => TrySignal<T>(FlowNames.Of(typeof(T)), limit);

    /// <summary>Waits for a signal of this name; no value when the limit is reached.</summary>
    public Task<Maybe<T>> TrySignal<T>(string name, TimeSpan limit) => Core.Verbs.Signal<T>(name, limit);

    /// <summary>Waits durably: the process may end meanwhile.</summary>
    /// <param name="delay">From <see cref="Now"/> on; zero or less goes on at once, after a commit.</param>
    /// <param name="name">What the wait is for, as the history shows it.</param>
    public Task Delay(TimeSpan delay, string name = "delay") => Core.Verbs.Delay(delay, name);

    /// <summary>Waits durably until a time.</summary>
    public Task DelayUntil(DateTimeOffset time, string name = "delay") => Core.Verbs.DelayUntil(time, name);

    /// <summary>A limit on a region: at the limit its open waits throw, its open steps get their token, and what it asks for later throws.</summary>
    /// <param name="limit">How long the region may take.</param>
    /// <param name="body">The region.</param>
    /// <param name="name">What the region is, as the history shows it.</param>
    /// <remarks>A step whose attempt succeeds all the same has happened and is undone like any other. Passing the pivot lifts the limit.</remarks>
    /// <exception cref="LimitReachedException">Thrown inside the region, and from it unless it catches it.</exception>
    public Task<T> Within<T>(TimeSpan limit, Func<Task<T>> body, string name = "region")
    {
        ArgumentNullException.ThrowIfNull(body);
        return Core.Verbs.Within(limit, body, name);
    }

    /// <inheritdoc cref="Within{T}(TimeSpan, Func{Task{T}}, string)"/>
    public Task Within(TimeSpan limit, Func<Task> body, string name = "region")
    {
        ArgumentNullException.ThrowIfNull(body);
        return Core.Verbs.Within(limit, async () =>
        {
            await body();
            return default(NoResult);
        }, name);
    }

    /// <summary>Runs branches side by side; the first to end (with a result or an exception) decides, and the others are withdrawn: their waits throw, their steps get their token.</summary>
    public Task<T> First<T>(params IReadOnlyList<Func<CancellationToken, Task<T>>> branches)
    {
        ArgumentNullException.ThrowIfNull(branches);
        return Core.Verbs.First(branches);
    }

    /// <summary>Awaits two tasks of different types; of several exceptions the first task's is thrown.</summary>
    public async Task<(T1 First, T2 Second)> All<T1, T2>(Task<T1> first, Task<T2> second)
    {
        await Task.WhenAll(first, second);
        return (await first, await second);
    }

    /// <summary>Awaits three tasks of different types; of several exceptions the first task's is thrown.</summary>
    public async Task<(T1 First, T2 Second, T3 Third)> All<T1, T2, T3>(Task<T1> first, Task<T2> second, Task<T3> third)
    {
        await Task.WhenAll(first, second, third);
        return (await first, await second, await third);
    }

    /// <summary>Child flows of a class: <c>flow.Child&lt;Shipment&gt;().Run(parcel)</c>.</summary>
    public IChildFlow<TFlow> Child<TFlow>()
        where TFlow : class, IFlow
        => new ChildFlow<TFlow>(Core, Core.Services.Registry.OfClass<TFlow>().Name);

    /// <summary>Child flows that were registered as lambdas, by name.</summary>
    public IChildFlow<IFlow<TIn, TOut>> Child<TIn, TOut>(string name)
        => new ChildFlow<IFlow<TIn, TOut>>(Core, Core.Services.Registry.OfName<TIn, TOut>(name).Name);
}
