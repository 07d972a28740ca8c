using Perdure.Engine;
using Perdure.Worker;

namespace Perdure.Testing;

/// <summary>What goes wrong with steps, undos and reconciles, attempt by attempt. It needs nothing of the services that they call.</summary>
public sealed class Faults
{
    private readonly Lock _lock = new();
    private readonly List<FaultPlan> _plans = [];
    private readonly HashSet<(string Name, string Id, bool Reconcile)> _met = [];

    /// <summary>
    /// Plans what happens to the next attempts of a step or undo. A plan that no attempt met, such as one with a wrong name, fails the test at its
    /// end, if all runs have ended.
    /// </summary>
    /// <param name="name">Its name, as history has it or as the method that it calls.</param>
    /// <param name="id">Only in the run with this id; in all runs by default, whose attempts then share the plan.</param>
    public FaultPlan Step(string name, string? id = null) => Add(new FaultPlan(name, id, reconcile: false));

    /// <summary>Plans what happens when a step's reconcile asks next. A plan that nothing met fails the test, as with <see cref="Step"/>.</summary>
    /// <inheritdoc cref="Step"/>
    public FaultPlan Reconcile(string name, string? id = null) => Add(new FaultPlan(name, id, reconcile: true));

    /// <summary>Forgets all plans: from now on all goes well.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _plans.Clear();
        }
    }

    internal ValueTask<StepValue> RunAsync(StepAsk ask, StepContext context, bool reconcile, TimeProvider time)
    {
        Func<Func<ValueTask<StepValue>>, TimeProvider, CancellationToken, ValueTask<StepValue>>? fault = null;
        lock (_lock)
        {
            _met.Add((ask.Name, ask.Run.Key.Id, reconcile));
            fault = _plans.Find(plan => plan.IsFor(ask, reconcile) && !plan.IsOver)?.Next();
        }

        return fault is null
            ? Attempt.CallAsync(ask, context, reconcile)
            : fault(() => Attempt.CallAsync(ask, context, reconcile), time, context.CancellationToken);
    }

    /// <summary>Fails when nothing ever came of a plan: it names no step, or none that was tried.</summary>
    /// <exception cref="ExpectationException">There is such a plan.</exception>
    internal void MustHaveMet()
    {
        if (_plans.Find(static plan => plan.Attempts == 0 && !plan.IsOver) is { } missed)
        {
            string[] tried = [.. _met.Where(met => met.Reconcile == missed.Reconcile).Select(met => missed.Id is null ? met.Name : $"{met.Name} in run {met.Id}").Distinct().Order(StringComparer.Ordinal)];
            throw new ExpectationException(
                $"No attempt met the plan of Faults.{missed}, and all runs have ended. What was tried: {(tried.Length == 0 ? "nothing" : string.Join(", ", tried))}. "
                + "If the plan need not come about, call Faults.Clear() before the end of the test.");
        }
    }

    private FaultPlan Add(FaultPlan plan)
    {
        lock (_lock)
        {
            _plans.Add(plan);
        }

        return plan;
    }
}
