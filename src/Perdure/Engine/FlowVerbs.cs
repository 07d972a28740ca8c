using Perdure.Diagnostics;
using Perdure.Events;
using Perdure.Queues;
using Perdure.Storage;
using Perdure.Worker;

namespace Perdure.Engine;

/// <summary>What a flow's code can ask for: the other side of <see cref="FlowContext"/>.</summary>
internal sealed class FlowVerbs(FlowRun run)
{
    public Task<T> Step<T>(StepPlan<T> plan)
    {
        if (typeof(Task).IsAssignableFrom(typeof(T)))
        {
            throw new ArgumentException($"step {plan.Name} returns a task of a task: leave out the `async`, or await inside.", nameof(plan));
        }

        plan.Retry?.Check();
        return Refused<T>() ?? Ask(AskKind.Step, plan, run.Life.Scope, stepKey: null).Task;
    }

    /// <summary>Puts a step's undo on the list; it runs under the step's own key, so that a participant can refuse a late do, and waits for the same dependency.</summary>
    public void AddUndo(string name, Func<StepContext, Task> undo, string idempotencyKey, DependencyName? dependency)
        => run.Life.OnUndo(name, () => Ask(AskKind.Undo, new StepPlan<NoResult>(name, s => StepPlan.Void(undo(s))) { Dependency = dependency }, run.Life.Scope, idempotencyKey).Task);

    public void OnUndo(Func<Task> undo)
    {
        run.MustBeOnTurn();
        run.Life.OnUndo("OnUndo", undo);
    }

    public Task Undo()
    {
        run.MustBeOnTurn();
        return run.Life.PivotPassed
            ? throw new InvalidOperationException("The pivot is passed: there is no way back, only retries.")
            : run.Life.UndoAsync();
    }

    public void Pivot()
    {
        MustBeAllowed();

        if (!run.Life.PivotPassed)
        {
            run.Life.PassPivot(run.Life.Scope);
        }
    }

    public Task<Maybe<T>> Signal<T>(string name, TimeSpan limit)
    {
        StepName.Check(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        if (Refused<Maybe<T>>() is { } refused)
        {
            return refused;
        }

        var ask = new SignalAsk<T>(run.Asks.NextNumber(), name, run.Life.Scope, run) { Due = After(limit) };
        run.Open(ask);
        if (run.Asks.Signals.TakeEarly(name) is not { } early)
        {
            run.Asks.Signals.Wait(ask);
            return ask.Task;
        }

        run.Asks.Close(ask);
        run.Turn.Line(AskText.Taken(ask.Number));
        ask.Answer(early, live: null);
        return ask.Task;
    }

    /// <summary>Takes signals that came and that nobody took; history shows each as a wait that got it.</summary>
    public int DropSignals(string name)
    {
        StepName.Check(name);
        MustBeAllowed();

        int dropped = 0;
        for (; run.Asks.Signals.TakeEarly(name) is not null; dropped++)
        {
            var ask = new SignalAsk<NoResult>(run.Asks.NextNumber(), name, run.Life.Scope, run);
            run.Open(ask);
            run.Asks.Close(ask);
            run.Turn.Line(AskText.Taken(ask.Number));
        }

        return dropped;
    }

    public Task<bool> Until(Func<bool> condition, TimeSpan limit, string name)
    {
        StepName.Check(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        if (Refused<bool>() is { } refused)
        {
            return refused;
        }

        if (condition())
        {
            return Task.FromResult(true); // the code's own doing, so there is nothing to write down
        }

        var ask = new ConditionAsk(run.Asks.NextNumber(), name, run.Life.Scope, condition) { Due = After(limit) };
        run.Open(ask);
        return ask.Task;
    }

    public Task Delay(TimeSpan delay, string name) => DelayUntil(After(delay), name);

    public Task DelayUntil(DateTimeOffset time, string name)
    {
        StepName.Check(name);
        if (Refused<NoResult>() is { } refused)
        {
            return refused;
        }

        var ask = new TimerAsk(run.Asks.NextNumber(), name, run.Life.Scope) { Due = new DateTimeOffset(time.UtcTicks, TimeSpan.Zero) };
        run.Open(ask);
        return ask.Task;
    }

    public async Task<T> Within<T>(TimeSpan limit, Func<Task<T>> body, string name)
    {
        StepName.Check(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        if (Refused<T>() is { } refused)
        {
            return await refused;
        }

        var region = new Scope(run, run.Life.Scope);
        var ask = new RegionAsk(run.Asks.NextNumber(), name, run.Life.Scope, region) { Due = After(limit) };
        region.Limit = ask;
        region.LimitBy(() => new LimitReachedException($"region {name}", limit));
        run.Open(ask);
        try
        {
            return await InAsync(region, body);
        }
        finally
        {
            if (ask.Open && run.IsOnTurn)
            {
                run.Withdraw(ask, reason: null);
            }
        }
    }

    public async Task<T> Within<T>(Func<Task<T>> body, CancellationToken end)
    {
        if (Refused<T>() is { } refused)
        {
            return await refused;
        }

        end.ThrowIfCancellationRequested();
        var region = new Scope(run, run.Life.Scope);
        region.LimitBy(() => new OperationCanceledException("The region was cancelled.", end));
        using CancellationTokenRegistration registration = end.UnsafeRegister(_ =>
        {
            run.MustBeOnTurn(); // what cancels is flow code, or it would not do so again
            region.LimitIsUp();
        }, null);
        return await InAsync(region, body);
    }

    /// <summary>Runs branches until so many have ended, or one has failed; the others are withdrawn.</summary>
    public async Task<T[]> First<T>(int count, IReadOnlyList<Func<CancellationToken, Task<T>>> branches)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        ArgumentOutOfRangeException.ThrowIfLessThan(branches.Count, count, nameof(branches));
        if (Refused<T[]>() is { } refused)
        {
            return await refused;
        }

        var race = new Race<T>(count);
        foreach (Func<CancellationToken, Task<T>> branch in branches)
        {
            if (race.IsDecided())
            {
                break; // the branches after it do not begin, so they take no signal that came early
            }

            var scope = new Scope(run, run.Life.Scope);
            race.Add(scope, InAsync(scope, () => branch(scope.Token)));
        }

        while (!race.IsDecided())
        {
            await Task.WhenAny(race.Open);
        }

        run.MustBeOnTurn();
        while (race.WithdrawOthers() is { Count: > 0 } undecided)
        {
            await Task.WhenAny(undecided);
            run.MustBeOnTurn();
        }

        return await race.ResultsAsync();
    }

    public Task<TOut> RunChild<TIn, TOut>(string type, TIn input, string? id)
        => Refused<TOut>() ?? Child<TIn, TOut>(AskKind.Child, type, input, id).Task;

    public string StartChild<TIn, TOut>(string type, TIn input, string? id, bool detached)
    {
        MustBeAllowed();

        ChildAsk ask = Child<TIn, TOut>(detached ? AskKind.DetachedChild : AskKind.Child, type, input, id);
        if (detached)
        {
            run.Asks.Close(ask); // nobody waits for it; its kind says so in history
        }

        return ask.Child.Id;
    }

    private ChildAsk<TOut> Child<TIn, TOut>(AskKind kind, string type, TIn input, string? id)
    {
        int number = run.Asks.NextNumber();
        var key = new FlowKey(type, FlowNames.CheckId(id ?? $"{run.Key.Type}-{run.Key.Id}.{number}"));
        byte[]? json = run.Turn.IsReplay ? null : run.Services.Json.Serialize(input, new Serialization.PayloadName("the input of child", key));
        var ask = new ChildAsk<TOut>(number, kind, key, run.Life.Scope, json, run);
        run.Open(ask);
        return ask;
    }

    public Task<T> CallJob<T>(IJob job, JobOptions? options) => Refused<T>() ?? Job<T>(AskKind.Job, job, options).Task;

    public void EnqueueJob(IJob job, JobOptions? options)
    {
        MustBeAllowed();

        run.Asks.Close(Job<NoResult>(AskKind.DetachedJob, job, options)); // nobody waits for it; its kind says so in history
    }

    public void PublishEvent(object @event, string? key)
    {
        MustBeAllowed();

        ArgumentNullException.ThrowIfNull(@event);
        int number = run.Asks.NextNumber();
        var ask = new PublishAsk(number, FlowNames.Of(@event.GetType()), run.Life.Scope, run.Turn.IsReplay ? null : FlowEventOf(@event, key, number));
        run.Open(ask);
        run.Asks.Close(ask); // nobody waits for it; its kind says so in history
    }

    public Task<Maybe<T>> Event<T>(string key, TimeSpan limit)
    {
        FlowNames.CheckId(key);
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, TimeSpan.Zero);
        if (Refused<Maybe<T>>() is { } refused)
        {
            return refused;
        }

        string type = FlowNames.Of(typeof(T));
        if (!run.Turn.IsReplay && run.Services.Events.Find(typeof(T)) is not { Options.Hold: not null })
        {
            throw run.Stick(ErrorCodes.EventNotAwaitable, $"{run.Key} waits for event {type}, which is not kept for flows: give AddEvent<{typeof(T).Name}> a key and a Hold, then retry the flow.");
        }

        var ask = new EventAsk<T>(run.Asks.NextNumber(), type, key, run.Life.Scope, run) { Due = After(limit) };
        run.Open(ask);
        return ask.Task;
    }

    private FlowEvent FlowEventOf(object @event, string? key, int number)
    {
        try
        {
            EventType type = run.Services.Events.TypeOf(@event.GetType());
            return new FlowEvent
            {
                Type = type.Name,
                Id = $"{run.Number:x}.{number}",
                Key = key is null ? type.KeyOf(@event) : EventText.Check(key),
                Time = run.Now,
                Correlation = run.Correlation,
                Data = System.Text.Json.JsonSerializer.Deserialize(type.Serialize(@event, run.Services.Json), EventJson.Default.JsonElement),
            };
        }
        catch (PerdureException e)
        {
            throw run.Stick(e.Code, $"{run.Key} cannot publish event {FlowNames.Of(@event.GetType())}: {e.MessageWithoutCode}");
        }
    }

    private JobAsk<T> Job<T>(AskKind kind, IJob job, JobOptions? options)
    {
        ArgumentNullException.ThrowIfNull(job);
        FlowJob? wanted = run.Turn.IsReplay ? null : FlowJob.Of(run, job, options, mustFit: kind == AskKind.DetachedJob);
        var ask = new JobAsk<T>(run.Asks.NextNumber(), kind, FlowNames.Of(job.GetType()), run.Life.Scope, wanted, run);
        if (wanted is not null)
        {
            wanted.Cause = CurrentCause.OfFlow(run.Key, ask.Number);
        }

        run.Open(ask);
        return ask;
    }

    private StepAsk<T> Ask<T>(AskKind kind, StepPlan<T> plan, Scope scope, string? stepKey)
    {
        int number = run.Asks.NextNumber();
        var ask = new StepAsk<T>(number, kind, plan, scope, run, stepKey);
        run.Open(ask);
        return ask;
    }

    /// <summary>Throws where the current scope allows no more asks; for those that nobody awaits.</summary>
    private void MustBeAllowed()
    {
        run.MustBeOnTurn();
        if (run.Life.Scope.Refusal() is { } refusal)
        {
            throw refusal;
        }
    }

    /// <summary>The task of an ask that the current scope no longer allows; null if it does.</summary>
    private Task<T>? Refused<T>()
    {
        run.MustBeOnTurn();
        return run.Life.Scope.Refusal() is { } refusal ? Task.FromException<T>(refusal) : null;
    }

    private DateTimeOffset After(TimeSpan limit) => DateTimeOffset.MaxValue - run.Now > limit ? run.Now + limit : DateTimeOffset.MaxValue;

    private static async Task<T> InAsync<T>(Scope scope, Func<Task<T>> body)
    {
        Scope.Current = scope; // holds in this method and what it calls
        return await body();
    }
}
