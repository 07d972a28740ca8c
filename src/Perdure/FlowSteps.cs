using System.Runtime.CompilerServices;
using Perdure.Engine;

namespace Perdure;

/// <summary>
/// The steps of a flow, in three families: <c>() =&gt;</c>, <c>(StepContext s) =&gt;</c> with key and token, and <c>(TService k) =&gt;</c> with a
/// service from a scope of the attempt's own. In each, an undo that takes the result runs only after a known success, and an undo
/// without it also when the outcome is unknown.
/// </summary>
public static class FlowSteps
{
    /// <summary>Runs a side effect at least once and records its outcome exactly once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="action">What to do; it may run more than once under the same key. It runs after the commit, off the flow's turn.</param>
    /// <param name="undo">Runs after a success, and also when the outcome is unknown or retries are used up; never after a rejection.</param>
    /// <param name="reconcile">Asks whether it happened. Throws while that is not known yet.</param>
    /// <param name="retry">How errors that may pass are retried; <see cref="Retry.Default"/>, after the pivot <see cref="Retry.Forever"/>.</param>
    /// <param name="timeout">The time for one attempt; five minutes by default. After it the outcome is unknown.</param>
    /// <param name="pivot">Whether its success is the pivot: cancel, limits and <c>First</c> then wait for its outcome.</param>
    /// <param name="name">The step's durable name; the method called in the action, without receiver and <c>Async</c>, by default. Needed for a block body.</param>
    /// <param name="formerly">The name that the step had in earlier versions of the code.</param>
    /// <param name="dependency">The dependency whose limits and breaker attempts wait for, its undo's and reconcile's, too; none by default.</param>
    /// <param name="actionText">Filled in by the compiler.</param>
    /// <param name="undoText">Filled in by the compiler.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="StepFailedException">Its retries are used up.</exception>
    /// <exception cref="OutcomeUnknownException">Its retries are used up, and nobody knows whether it happened.</exception>
    public static Task Step(this FlowContext flow, Func<Task> action, Func<Task>? undo = null, Func<Task<bool>>? reconcile = null,
        Retry? retry = null, TimeSpan? timeout = null,
        bool pivot = false, string? name = null, string? formerly = null, string? dependency = null,
        [CallerArgumentExpression(nameof(action))] string actionText = "", [CallerArgumentExpression(nameof(undo))] string undoText = "")
        => flow.Core.Verbs.Step(new StepPlan<NoResult>(StepName.Of(name, actionText), _ => StepPlan.Void(action()))
        {
            UndoAlways = undo is null ? null : _ => undo(),
            UndoName = StepName.OfUndo(undoText),
            Reconcile = reconcile is null ? null : Reconciling.Of(_ => reconcile()),
            Retry = retry,
            Timeout = timeout,
            IsPivot = pivot,
            Formerly = formerly,
            Dependency = flow.Core.DependencyOf(dependency),
        });

    /// <summary>Runs a side effect at least once and records its outcome exactly once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="action">What to do; it may run more than once under the same key. It runs after the commit, off the flow's turn.</param>
    /// <param name="undo">Takes the result; runs only after a known success.</param>
    /// <param name="reconcile">Asks whether it happened: its result, or null for no. Throws while that is not known yet.</param>
    /// <param name="retry">How errors that may pass are retried; <see cref="Retry.Default"/>, after the pivot <see cref="Retry.Forever"/>.</param>
    /// <param name="timeout">The time for one attempt; five minutes by default. After it the outcome is unknown.</param>
    /// <param name="pivot">Whether its success is the pivot: cancel, limits and <c>First</c> then wait for its outcome.</param>
    /// <param name="name">The step's durable name; the method called in the action, without receiver and <c>Async</c>, by default. Needed for a block body.</param>
    /// <param name="formerly">The name that the step had in earlier versions of the code.</param>
    /// <param name="dependency">The dependency whose limits and breaker attempts wait for, its undo's and reconcile's, too; none by default.</param>
    /// <param name="actionText">Filled in by the compiler.</param>
    /// <param name="undoText">Filled in by the compiler.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="StepFailedException">Its retries are used up.</exception>
    /// <exception cref="OutcomeUnknownException">Its retries are used up, and nobody knows whether it happened.</exception>
    public static Task<T> Step<T>(this FlowContext flow, Func<Task<T>> action, Func<T, Task>? undo = null, Func<Task<T?>>? reconcile = null,
        Retry? retry = null, TimeSpan? timeout = null,
        bool pivot = false, string? name = null, string? formerly = null, string? dependency = null,
        [CallerArgumentExpression(nameof(action))] string actionText = "", [CallerArgumentExpression(nameof(undo))] string undoText = "")
        => flow.Core.Verbs.Step(new StepPlan<T>(StepName.Of(name, actionText), action)
        {
            UndoKnown = Undoing.Known(undo),
            UndoName = StepName.OfUndo(undoText),
            Reconcile = Reconciling.OfPlain(reconcile),
            Retry = retry,
            Timeout = timeout,
            IsPivot = pivot,
            Formerly = formerly,
            Dependency = flow.Core.DependencyOf(dependency),
        });

    /// <summary>Runs a side effect at least once and records its outcome exactly once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="action">What to do; it may run more than once under the same key. It runs after the commit, off the flow's turn.</param>
    /// <param name="undo">Runs after a success, and also when the outcome is unknown or retries are used up; never after a rejection.</param>
    /// <param name="reconcile">Asks whether it happened: its result, or null for no. Throws while that is not known yet.</param>
    /// <param name="retry">How errors that may pass are retried; <see cref="Retry.Default"/>, after the pivot <see cref="Retry.Forever"/>.</param>
    /// <param name="timeout">The time for one attempt; five minutes by default. After it the outcome is unknown.</param>
    /// <param name="pivot">Whether its success is the pivot: cancel, limits and <c>First</c> then wait for its outcome.</param>
    /// <param name="name">The step's durable name; the method called in the action, without receiver and <c>Async</c>, by default. Needed for a block body.</param>
    /// <param name="formerly">The name that the step had in earlier versions of the code.</param>
    /// <param name="dependency">The dependency whose limits and breaker attempts wait for, its undo's and reconcile's, too; none by default.</param>
    /// <param name="actionText">Filled in by the compiler.</param>
    /// <param name="undoText">Filled in by the compiler.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="StepFailedException">Its retries are used up.</exception>
    /// <exception cref="OutcomeUnknownException">Its retries are used up, and nobody knows whether it happened.</exception>
    public static Task<T> Step<T>(this FlowContext flow, Func<Task<T>> action, Func<Task> undo, Func<Task<T?>>? reconcile = null,
        Retry? retry = null, TimeSpan? timeout = null,
        bool pivot = false, string? name = null, string? formerly = null, string? dependency = null,
        [CallerArgumentExpression(nameof(action))] string actionText = "", [CallerArgumentExpression(nameof(undo))] string undoText = "")
        => flow.Core.Verbs.Step(new StepPlan<T>(StepName.Of(name, actionText), action)
        {
            UndoAlways = Undoing.Always(undo),
            UndoName = StepName.OfUndo(undoText),
            Reconcile = Reconciling.OfPlain(reconcile),
            Retry = retry,
            Timeout = timeout,
            IsPivot = pivot,
            Formerly = formerly,
            Dependency = flow.Core.DependencyOf(dependency),
        });

    /// <summary>Runs a side effect at least once and records its outcome exactly once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="action">What to do, with the attempt's context: key, number, token, services.</param>
    /// <param name="undo">Runs after a success, and also when the outcome is unknown or retries are used up; never after a rejection.</param>
    /// <param name="reconcile">Asks whether it happened. Throws while that is not known yet.</param>
    /// <param name="retry">How errors that may pass are retried; <see cref="Retry.Default"/>, after the pivot <see cref="Retry.Forever"/>.</param>
    /// <param name="timeout">The time for one attempt; five minutes by default. After it the outcome is unknown.</param>
    /// <param name="pivot">Whether its success is the pivot: cancel, limits and <c>First</c> then wait for its outcome.</param>
    /// <param name="name">The step's durable name; the method called in the action, without receiver and <c>Async</c>, by default. Needed for a block body.</param>
    /// <param name="formerly">The name that the step had in earlier versions of the code.</param>
    /// <param name="dependency">The dependency whose limits and breaker attempts wait for, its undo's and reconcile's, too; none by default.</param>
    /// <param name="actionText">Filled in by the compiler.</param>
    /// <param name="undoText">Filled in by the compiler.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="StepFailedException">Its retries are used up.</exception>
    /// <exception cref="OutcomeUnknownException">Its retries are used up, and nobody knows whether it happened.</exception>
    public static Task Step(this FlowContext flow, Func<StepContext, Task> action, Func<Task>? undo = null, Func<Task<bool>>? reconcile = null,
        Retry? retry = null, TimeSpan? timeout = null,
        bool pivot = false, string? name = null, string? formerly = null, string? dependency = null,
        [CallerArgumentExpression(nameof(action))] string actionText = "", [CallerArgumentExpression(nameof(undo))] string undoText = "")
        => flow.Core.Verbs.Step(new StepPlan<NoResult>(StepName.Of(name, actionText), s => StepPlan.Void(action(s)))
        {
            UndoAlways = undo is null ? null : _ => undo(),
            UndoName = StepName.OfUndo(undoText),
            Reconcile = reconcile is null ? null : Reconciling.Of(_ => reconcile()),
            Retry = retry,
            Timeout = timeout,
            IsPivot = pivot,
            Formerly = formerly,
            Dependency = flow.Core.DependencyOf(dependency),
        });

    /// <summary>Runs a side effect at least once and records its outcome exactly once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="action">What to do, with the attempt's context: key, number, token, services.</param>
    /// <param name="undo">Runs after a success, and also when the outcome is unknown or retries are used up; never after a rejection.</param>
    /// <param name="reconcile">Asks whether it happened. Throws while that is not known yet.</param>
    /// <param name="retry">How errors that may pass are retried; <see cref="Retry.Default"/>, after the pivot <see cref="Retry.Forever"/>.</param>
    /// <param name="timeout">The time for one attempt; five minutes by default. After it the outcome is unknown.</param>
    /// <param name="pivot">Whether its success is the pivot: cancel, limits and <c>First</c> then wait for its outcome.</param>
    /// <param name="name">The step's durable name; the method called in the action, without receiver and <c>Async</c>, by default. Needed for a block body.</param>
    /// <param name="formerly">The name that the step had in earlier versions of the code.</param>
    /// <param name="dependency">The dependency whose limits and breaker attempts wait for, its undo's and reconcile's, too; none by default.</param>
    /// <param name="actionText">Filled in by the compiler.</param>
    /// <param name="undoText">Filled in by the compiler.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="StepFailedException">Its retries are used up.</exception>
    /// <exception cref="OutcomeUnknownException">Its retries are used up, and nobody knows whether it happened.</exception>
    public static Task Step(this FlowContext flow, Func<StepContext, Task> action, Func<StepContext, Task> undo, Func<StepContext, Task<bool>>? reconcile = null,
        Retry? retry = null, TimeSpan? timeout = null,
        bool pivot = false, string? name = null, string? formerly = null, string? dependency = null,
        [CallerArgumentExpression(nameof(action))] string actionText = "", [CallerArgumentExpression(nameof(undo))] string undoText = "")
        => flow.Core.Verbs.Step(new StepPlan<NoResult>(StepName.Of(name, actionText), s => StepPlan.Void(action(s)))
        {
            UndoAlways = undo,
            UndoName = StepName.OfUndo(undoText),
            Reconcile = reconcile is null ? null : Reconciling.Of(reconcile),
            Retry = retry,
            Timeout = timeout,
            IsPivot = pivot,
            Formerly = formerly,
            Dependency = flow.Core.DependencyOf(dependency),
        });

    /// <summary>Runs a side effect at least once and records its outcome exactly once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="action">What to do, with the attempt's context: key, number, token, services.</param>
    /// <param name="undo">Takes the result; runs only after a known success.</param>
    /// <param name="reconcile">Asks whether it happened: its result, or null for no. Throws while that is not known yet.</param>
    /// <param name="retry">How errors that may pass are retried; <see cref="Retry.Default"/>, after the pivot <see cref="Retry.Forever"/>.</param>
    /// <param name="timeout">The time for one attempt; five minutes by default. After it the outcome is unknown.</param>
    /// <param name="pivot">Whether its success is the pivot: cancel, limits and <c>First</c> then wait for its outcome.</param>
    /// <param name="name">The step's durable name; the method called in the action, without receiver and <c>Async</c>, by default. Needed for a block body.</param>
    /// <param name="formerly">The name that the step had in earlier versions of the code.</param>
    /// <param name="dependency">The dependency whose limits and breaker attempts wait for, its undo's and reconcile's, too; none by default.</param>
    /// <param name="actionText">Filled in by the compiler.</param>
    /// <param name="undoText">Filled in by the compiler.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="StepFailedException">Its retries are used up.</exception>
    /// <exception cref="OutcomeUnknownException">Its retries are used up, and nobody knows whether it happened.</exception>
    public static Task<T> Step<T>(this FlowContext flow, Func<StepContext, Task<T>> action, Func<StepContext, T, Task>? undo = null, Func<Task<T?>>? reconcile = null,
        Retry? retry = null, TimeSpan? timeout = null,
        bool pivot = false, string? name = null, string? formerly = null, string? dependency = null,
        [CallerArgumentExpression(nameof(action))] string actionText = "", [CallerArgumentExpression(nameof(undo))] string undoText = "")
        => flow.Core.Verbs.Step(new StepPlan<T>(StepName.Of(name, actionText), action)
        {
            UndoKnown = undo,
            UndoName = StepName.OfUndo(undoText),
            Reconcile = reconcile is null ? null : Reconciling.Of(_ => reconcile()),
            Retry = retry,
            Timeout = timeout,
            IsPivot = pivot,
            Formerly = formerly,
            Dependency = flow.Core.DependencyOf(dependency),
        });

    /// <summary>Runs a side effect at least once and records its outcome exactly once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="action">What to do, with the attempt's context: key, number, token, services.</param>
    /// <param name="undo">Runs after a success, and also when the outcome is unknown or retries are used up; never after a rejection.</param>
    /// <param name="reconcile">Asks whether it happened: its result, or null for no. Throws while that is not known yet.</param>
    /// <param name="retry">How errors that may pass are retried; <see cref="Retry.Default"/>, after the pivot <see cref="Retry.Forever"/>.</param>
    /// <param name="timeout">The time for one attempt; five minutes by default. After it the outcome is unknown.</param>
    /// <param name="pivot">Whether its success is the pivot: cancel, limits and <c>First</c> then wait for its outcome.</param>
    /// <param name="name">The step's durable name; the method called in the action, without receiver and <c>Async</c>, by default. Needed for a block body.</param>
    /// <param name="formerly">The name that the step had in earlier versions of the code.</param>
    /// <param name="dependency">The dependency whose limits and breaker attempts wait for, its undo's and reconcile's, too; none by default.</param>
    /// <param name="actionText">Filled in by the compiler.</param>
    /// <param name="undoText">Filled in by the compiler.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="StepFailedException">Its retries are used up.</exception>
    /// <exception cref="OutcomeUnknownException">Its retries are used up, and nobody knows whether it happened.</exception>
    public static Task<T> Step<T>(this FlowContext flow, Func<StepContext, Task<T>> action, Func<Task> undo, Func<Task<T?>>? reconcile = null,
        Retry? retry = null, TimeSpan? timeout = null,
        bool pivot = false, string? name = null, string? formerly = null, string? dependency = null,
        [CallerArgumentExpression(nameof(action))] string actionText = "", [CallerArgumentExpression(nameof(undo))] string undoText = "")
        => flow.Core.Verbs.Step(new StepPlan<T>(StepName.Of(name, actionText), action)
        {
            UndoAlways = _ => undo(),
            UndoName = StepName.OfUndo(undoText),
            Reconcile = reconcile is null ? null : Reconciling.Of(_ => reconcile()),
            Retry = retry,
            Timeout = timeout,
            IsPivot = pivot,
            Formerly = formerly,
            Dependency = flow.Core.DependencyOf(dependency),
        });

    /// <summary>Runs a side effect at least once and records its outcome exactly once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="action">What to do, with the attempt's context: key, number, token, services.</param>
    /// <param name="undo">Runs after a success, and also when the outcome is unknown or retries are used up; never after a rejection.</param>
    /// <param name="reconcile">Asks whether it happened: its result, or null for no. Throws while that is not known yet.</param>
    /// <param name="retry">How errors that may pass are retried; <see cref="Retry.Default"/>, after the pivot <see cref="Retry.Forever"/>.</param>
    /// <param name="timeout">The time for one attempt; five minutes by default. After it the outcome is unknown.</param>
    /// <param name="pivot">Whether its success is the pivot: cancel, limits and <c>First</c> then wait for its outcome.</param>
    /// <param name="name">The step's durable name; the method called in the action, without receiver and <c>Async</c>, by default. Needed for a block body.</param>
    /// <param name="formerly">The name that the step had in earlier versions of the code.</param>
    /// <param name="dependency">The dependency whose limits and breaker attempts wait for, its undo's and reconcile's, too; none by default.</param>
    /// <param name="actionText">Filled in by the compiler.</param>
    /// <param name="undoText">Filled in by the compiler.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="StepFailedException">Its retries are used up.</exception>
    /// <exception cref="OutcomeUnknownException">Its retries are used up, and nobody knows whether it happened.</exception>
    public static Task<T> Step<T>(this FlowContext flow, Func<StepContext, Task<T>> action, Func<StepContext, Task> undo, Func<StepContext, Task<T?>>? reconcile = null,
        Retry? retry = null, TimeSpan? timeout = null,
        bool pivot = false, string? name = null, string? formerly = null, string? dependency = null,
        [CallerArgumentExpression(nameof(action))] string actionText = "", [CallerArgumentExpression(nameof(undo))] string undoText = "")
        => flow.Core.Verbs.Step(new StepPlan<T>(StepName.Of(name, actionText), action)
        {
            UndoAlways = undo,
            UndoName = StepName.OfUndo(undoText),
            Reconcile = reconcile is null ? null : Reconciling.Of(reconcile),
            Retry = retry,
            Timeout = timeout,
            IsPivot = pivot,
            Formerly = formerly,
            Dependency = flow.Core.DependencyOf(dependency),
        });

    /// <summary>Runs a side effect at least once and records its outcome exactly once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="action">What to do, with a service from a scope of the attempt's own.</param>
    /// <param name="undo">Runs after a success, and also when the outcome is unknown or retries are used up; never after a rejection.</param>
    /// <param name="reconcile">Asks whether it happened. Throws while that is not known yet.</param>
    /// <param name="retry">How errors that may pass are retried; <see cref="Retry.Default"/>, after the pivot <see cref="Retry.Forever"/>.</param>
    /// <param name="timeout">The time for one attempt; five minutes by default. After it the outcome is unknown.</param>
    /// <param name="pivot">Whether its success is the pivot: cancel, limits and <c>First</c> then wait for its outcome.</param>
    /// <param name="name">The step's durable name; the method called in the action, without receiver and <c>Async</c>, by default. Needed for a block body.</param>
    /// <param name="formerly">The name that the step had in earlier versions of the code.</param>
    /// <param name="dependency">The dependency whose limits and breaker attempts wait for, its undo's and reconcile's, too; that of the service by default.</param>
    /// <param name="actionText">Filled in by the compiler.</param>
    /// <param name="undoText">Filled in by the compiler.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="StepFailedException">Its retries are used up.</exception>
    /// <exception cref="OutcomeUnknownException">Its retries are used up, and nobody knows whether it happened.</exception>
    public static Task Step<TService>(this FlowContext flow, Func<TService, Task> action, Func<TService, Task>? undo = null, Func<TService, Task<bool>>? reconcile = null,
        Retry? retry = null, TimeSpan? timeout = null,
        bool pivot = false, string? name = null, string? formerly = null, string? dependency = null,
        [CallerArgumentExpression(nameof(action))] string actionText = "", [CallerArgumentExpression(nameof(undo))] string undoText = "")
        where TService : notnull
        => flow.Core.Verbs.Step(new StepPlan<NoResult>(StepName.Of(name, actionText), s => StepPlan.Void(action(s.Get<TService>())))
        {
            UndoAlways = undo is null ? null : s => undo(s.Get<TService>()),
            UndoName = StepName.OfUndo(undoText),
            Reconcile = reconcile is null ? null : Reconciling.Of(s => reconcile(s.Get<TService>())),
            Retry = retry,
            Timeout = timeout,
            IsPivot = pivot,
            Formerly = formerly,
            Dependency = flow.Core.DependencyOf<TService>(dependency),
        });

    /// <summary>Runs a side effect at least once and records its outcome exactly once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="action">What to do, with a service from a scope of the attempt's own.</param>
    /// <param name="undo">Takes the result; runs only after a known success.</param>
    /// <param name="reconcile">Asks whether it happened: its result, or null for no. Throws while that is not known yet.</param>
    /// <param name="retry">How errors that may pass are retried; <see cref="Retry.Default"/>, after the pivot <see cref="Retry.Forever"/>.</param>
    /// <param name="timeout">The time for one attempt; five minutes by default. After it the outcome is unknown.</param>
    /// <param name="pivot">Whether its success is the pivot: cancel, limits and <c>First</c> then wait for its outcome.</param>
    /// <param name="name">The step's durable name; the method called in the action, without receiver and <c>Async</c>, by default. Needed for a block body.</param>
    /// <param name="formerly">The name that the step had in earlier versions of the code.</param>
    /// <param name="dependency">The dependency whose limits and breaker attempts wait for, its undo's and reconcile's, too; that of the service by default.</param>
    /// <param name="actionText">Filled in by the compiler.</param>
    /// <param name="undoText">Filled in by the compiler.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="StepFailedException">Its retries are used up.</exception>
    /// <exception cref="OutcomeUnknownException">Its retries are used up, and nobody knows whether it happened.</exception>
    public static Task<T> Step<TService, T>(this FlowContext flow, Func<TService, Task<T>> action, Func<TService, T, Task>? undo = null, Func<TService, Task<T?>>? reconcile = null,
        Retry? retry = null, TimeSpan? timeout = null,
        bool pivot = false, string? name = null, string? formerly = null, string? dependency = null,
        [CallerArgumentExpression(nameof(action))] string actionText = "", [CallerArgumentExpression(nameof(undo))] string undoText = "")
        where TService : notnull
        => flow.Core.Verbs.Step(new StepPlan<T>(StepName.Of(name, actionText), s => action(s.Get<TService>()))
        {
            UndoKnown = undo is null ? null : (s, result) => undo(s.Get<TService>(), result),
            UndoName = StepName.OfUndo(undoText),
            Reconcile = reconcile is null ? null : Reconciling.Of(s => reconcile(s.Get<TService>())),
            Retry = retry,
            Timeout = timeout,
            IsPivot = pivot,
            Formerly = formerly,
            Dependency = flow.Core.DependencyOf<TService>(dependency),
        });

    /// <summary>Runs a side effect at least once and records its outcome exactly once.</summary>
    /// <param name="flow">The flow.</param>
    /// <param name="action">What to do, with a service from a scope of the attempt's own.</param>
    /// <param name="undo">Runs after a success, and also when the outcome is unknown or retries are used up; never after a rejection.</param>
    /// <param name="reconcile">Asks whether it happened: its result, or null for no. Throws while that is not known yet.</param>
    /// <param name="retry">How errors that may pass are retried; <see cref="Retry.Default"/>, after the pivot <see cref="Retry.Forever"/>.</param>
    /// <param name="timeout">The time for one attempt; five minutes by default. After it the outcome is unknown.</param>
    /// <param name="pivot">Whether its success is the pivot: cancel, limits and <c>First</c> then wait for its outcome.</param>
    /// <param name="name">The step's durable name; the method called in the action, without receiver and <c>Async</c>, by default. Needed for a block body.</param>
    /// <param name="formerly">The name that the step had in earlier versions of the code.</param>
    /// <param name="dependency">The dependency whose limits and breaker attempts wait for, its undo's and reconcile's, too; that of the service by default.</param>
    /// <param name="actionText">Filled in by the compiler.</param>
    /// <param name="undoText">Filled in by the compiler.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="StepFailedException">Its retries are used up.</exception>
    /// <exception cref="OutcomeUnknownException">Its retries are used up, and nobody knows whether it happened.</exception>
    public static Task<T> Step<TService, T>(this FlowContext flow, Func<TService, Task<T>> action, Func<TService, Task> undo, Func<TService, Task<T?>>? reconcile = null,
        Retry? retry = null, TimeSpan? timeout = null,
        bool pivot = false, string? name = null, string? formerly = null, string? dependency = null,
        [CallerArgumentExpression(nameof(action))] string actionText = "", [CallerArgumentExpression(nameof(undo))] string undoText = "")
        where TService : notnull
        => flow.Core.Verbs.Step(new StepPlan<T>(StepName.Of(name, actionText), s => action(s.Get<TService>()))
        {
            UndoAlways = s => undo(s.Get<TService>()),
            UndoName = StepName.OfUndo(undoText),
            Reconcile = reconcile is null ? null : Reconciling.Of(s => reconcile(s.Get<TService>())),
            Retry = retry,
            Timeout = timeout,
            IsPivot = pivot,
            Formerly = formerly,
            Dependency = flow.Core.DependencyOf<TService>(dependency),
        });
}
