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

    /// <summary>The business transaction that the run belongs to. It goes along with all that the run starts, calls and publishes.</summary>
    public string CorrelationId => Core.Correlation;

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

    /// <summary>Drops the signals named after this type that came and that nobody took, so that the next wait takes only what comes from now on.</summary>
    /// <returns>How many there were; the history shows each.</returns>
    public int DropSignals<T>() => DropSignals(FlowNames.Of(typeof(T)));

    /// <summary>Drops the signals of this name that came and that nobody took, so that the next wait takes only what comes from now on.</summary>
    /// <returns>How many there were; the history shows each.</returns>
    public int DropSignals(string name) => Core.Verbs.DropSignals(name);

    /// <summary>Waits until a condition on the flow's own variables holds: that is how branches of one flow wait for one another.</summary>
    /// <param name="condition">Reads variables of the flow and does nothing else. It is asked at once, and then whenever the flow's code waits again.</param>
    /// <param name="limit">How long to wait at most.</param>
    /// <param name="name">What the wait is for, as the history shows it.</param>
    /// <remarks>Of several waits whose conditions hold the oldest goes on; then the others are asked again. A state that comes and goes while the code runs is not seen.</remarks>
    /// <exception cref="LimitReachedException">It did not hold within the limit.</exception>
    public async Task Until(Func<bool> condition, TimeSpan limit, string name = "condition")
    {
        if (!await TryUntil(condition, limit, name))
        {
            throw new LimitReachedException($"the wait for {name}", limit);
        }
    }

    /// <summary>As <see cref="Until"/>; false when the limit is reached.</summary>
    public Task<bool> TryUntil(Func<bool> condition, TimeSpan limit, string name = "condition")
    {
        ArgumentNullException.ThrowIfNull(condition);
        return Core.Verbs.Until(condition, limit, name);
    }

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
        return Core.Verbs.Within(limit, () => WithoutResult(body), name);
    }

    /// <summary>A region that flow code can end: when the token is cancelled, its open waits throw, its open steps get their token, and what it asks for later throws.</summary>
    /// <param name="end">A token of a <see cref="CancellationTokenSource"/> that this flow's own code cancels, with <see cref="CancellationTokenSource.Cancel()"/>: <c>CancelAsync</c> and <c>CancelAfter</c> leave the turn. Many regions may share it.</param>
    /// <param name="body">The region; it does not begin when the token is cancelled already.</param>
    /// <remarks>A step whose attempt succeeds all the same has happened and is undone like any other. While a step that may be the pivot is open, the end waits for its outcome.</remarks>
    /// <exception cref="OperationCanceledException">Thrown inside the region, and from it unless it catches it.</exception>
#pragma warning disable CA1068 // the body comes last, as in a region with a limit
    public Task<T> Within<T>(CancellationToken end, Func<Task<T>> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Core.Verbs.Within(body, end);
    }

    /// <inheritdoc cref="Within{T}(CancellationToken, Func{Task{T}})"/>
    public Task Within(CancellationToken end, Func<Task> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return Core.Verbs.Within(() => WithoutResult(body), end);
    }
#pragma warning restore CA1068

    /// <summary>Runs branches side by side; the first to end (with a result or an exception) decides, and the others are withdrawn: their waits throw, their steps get their token.</summary>
    /// <param name="branches">Begun in this order. When one ends at once, those after it do not begin.</param>
    /// <remarks>
    /// The branch that passes the pivot decides, even if another one ended before it: while a step that may be the pivot is open in a
    /// branch that would lose, its outcome is waited for, without another attempt.
    /// </remarks>
    public Task<T> First<T>(params IEnumerable<Func<Task<T>>> branches)
    {
        ArgumentNullException.ThrowIfNull(branches);
        return FirstOne<T>([.. branches.Select(Tokenless)]);
    }

    /// <inheritdoc cref="First{T}(IEnumerable{Func{Task{T}}})"/>
    public Task First(params IEnumerable<Func<Task>> branches)
    {
        ArgumentNullException.ThrowIfNull(branches);
        return FirstOne<NoResult>([.. branches.Select(branch => Tokenless(() => WithoutResult(branch)))]);
    }

    /// <summary>As <see cref="First{T}(IEnumerable{Func{Task{T}}})"/>; each branch gets a token that is cancelled when it is withdrawn, for <see cref="Task.WaitAsync(CancellationToken)"/> and the like.</summary>
    /// <param name="branches">Begun in this order. When one ends at once, those after it do not begin.</param>
    /// <remarks>
    /// The branch that passes the pivot decides, even if another one ended before it: while a step that may be the pivot is open in a
    /// branch that would lose, its outcome is waited for, without another attempt.
    /// </remarks>
    public Task<T> First<T>(params IEnumerable<Func<CancellationToken, Task<T>>> branches)
    {
        ArgumentNullException.ThrowIfNull(branches);
        return FirstOne<T>([.. branches]);
    }

    /// <summary>Runs branches side by side until so many have ended; the others are withdrawn. A branch that throws decides at once.</summary>
    /// <param name="count">How many decide: at least 1, at most all.</param>
    /// <param name="branches">Begun in this order. When enough end at once, those after them do not begin.</param>
    /// <returns>The results in the order in which the branches ended.</returns>
    /// <remarks>
    /// The branch that passes the pivot is among those that decide: it takes the place of the last one that ended before it. While a step
    /// that may be the pivot is open in a branch that would lose, its outcome is waited for, without another attempt.
    /// </remarks>
    public Task<T[]> First<T>(int count, params IEnumerable<Func<Task<T>>> branches)
    {
        ArgumentNullException.ThrowIfNull(branches);
        return Core.Verbs.First(count, [.. branches.Select(Tokenless)]);
    }

    /// <summary>Runs one branch for each item side by side until so many have ended; the others are withdrawn. A branch that throws decides at once.</summary>
    /// <param name="count">How many decide: at least 1, at most as many as there are items.</param>
    /// <param name="items">What the branches are about.</param>
    /// <param name="branch">Begun for the items in their order. When enough end at once, those after them do not begin.</param>
    /// <returns>The results in the order in which the branches ended.</returns>
    /// <remarks>
    /// The branch that passes the pivot is among those that decide: it takes the place of the last one that ended before it. While a step
    /// that may be the pivot is open in a branch that would lose, its outcome is waited for, without another attempt.
    /// </remarks>
    public Task<T[]> First<TItem, T>(int count, IEnumerable<TItem> items, Func<TItem, Task<T>> branch)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(branch);
        return Core.Verbs.First(count, [.. items.Select(item => Tokenless(() => branch(item)))]);
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

    private static Func<CancellationToken, Task<T>> Tokenless<T>(Func<Task<T>> branch) => _ => branch();

    private static async Task<NoResult> WithoutResult(Func<Task> body)
    {
        await body();
        return default;
    }

    private async Task<T> FirstOne<T>(IReadOnlyList<Func<CancellationToken, Task<T>>> branches) => (await Core.Verbs.First(1, branches))[0];
}
