using Perdure.Worker;

namespace Perdure.Engine;

/// <summary>What a step is to do, as the flow's code said it. Lives in memory only: replay makes it anew.</summary>
internal abstract class StepPlan(string name)
{
    private static readonly Task<NoResult> Done = Task.FromResult(default(NoResult));

    public string Name { get; } = name;

    public string? Formerly { get; init; }

    public string? UndoName { get; init; }

    public Retry? Retry { get; init; }

    public TimeSpan? Timeout { get; init; }

    public bool IsPivot { get; init; }

    /// <summary>What its attempts, and those of its undo and reconcile, wait for; null for nothing.</summary>
    public DependencyName? Dependency { get; init; }

    public static Task<NoResult> Void(Task task)
    {
        return task.IsCompletedSuccessfully ? Done : Awaited(task);

        static async Task<NoResult> Awaited(Task task)
        {
            await task;
            return default;
        }
    }
}

internal sealed class StepPlan<T> : StepPlan
{
    private readonly Func<StepContext, Task<T>>? _action;
    private readonly Func<Task<T>>? _plain;

    public StepPlan(string name, Func<StepContext, Task<T>> action)
        : base(name) => _action = action;

    /// <summary>For an action that wants no context: most want none, and one that is wrapped costs two objects more.</summary>
    public StepPlan(string name, Func<Task<T>> action)
        : base(name) => _plain = action;

    /// <summary>Runs the action once.</summary>
    public Task<T> Run(StepContext context) => _plain is null ? _action!(context) : _plain();

    /// <summary>Runs only after a known success.</summary>
    public Func<StepContext, T, Task>? UndoKnown { get; init; }

    /// <summary>Runs also when the outcome is unknown or retries are used up.</summary>
    public Func<StepContext, Task>? UndoAlways { get; init; }

    public Func<StepContext, Task<Maybe<T>>>? Reconcile { get; init; }
}

/// <summary>The forms in which a step may say how it is undone, where that needs no context.</summary>
internal static class Undoing
{
    public static Func<StepContext, Task>? Always(Func<Task>? undo) => undo is null ? null : undo.Always;

    public static Func<StepContext, T, Task>? Known<T>(Func<T, Task>? undo) => undo is null ? null : undo.Known;

    private static Task Always(this Func<Task> undo, StepContext context) => undo();

    private static Task Known<T>(this Func<T, Task> undo, StepContext context, T result) => undo(result);
}

/// <summary>The forms in which a step may say how to find out whether it happened.</summary>
internal static class Reconciling
{
    public static Func<StepContext, Task<Maybe<T>>>? OfPlain<T>(Func<Task<T?>>? find)
    {
        return find is null ? null : Wrapped(find);

        static Func<StepContext, Task<Maybe<T>>> Wrapped(Func<Task<T?>> find) => Of<T>(_ => find());
    }

    public static Func<StepContext, Task<Maybe<NoResult>>> Of(Func<StepContext, Task<bool>> happened)
        => async s => await happened(s) ? new Maybe<NoResult>(default) : default;

    public static Func<StepContext, Task<Maybe<T>>> Of<T>(Func<StepContext, Task<T?>> find)
    {
        // A default number or struct could mean "no" as well as a result.
        if (typeof(T).IsValueType && Nullable.GetUnderlyingType(typeof(T)) is null)
        {
            throw new ArgumentException($"reconcile answers null for \"it did not happen\", and {typeof(T).Name} has no null: let the step return {typeof(T).Name}? or a class.", nameof(find));
        }

        return async s => await find(s) is { } value ? new Maybe<T>(value) : default;
    }
}
