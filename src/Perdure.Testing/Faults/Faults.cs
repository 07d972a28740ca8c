using Perdure.Engine;
using Perdure.Worker;

namespace Perdure.Testing;

/// <summary>What goes wrong with steps, undos and reconciles, attempt by attempt. It needs nothing of the services that they call.</summary>
public sealed class Faults
{
    private readonly Lock _lock = new();
    private readonly List<FaultPlan> _plans = [];

    /// <summary>Plans what happens to the next attempts of a step or undo.</summary>
    /// <param name="name">Its name, as history has it or as the method that it calls.</param>
    /// <param name="id">Only in the run with this id; in all runs by default, whose attempts then share the plan.</param>
    public FaultPlan Step(string name, string? id = null) => Add(new FaultPlan(name, id, reconcile: false));

    /// <summary>Plans what happens when a step's reconcile asks next.</summary>
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
            fault = _plans.Find(plan => plan.IsFor(ask, reconcile) && !plan.IsOver)?.Next();
        }

        return fault is null
            ? Attempt.CallAsync(ask, context, reconcile)
            : fault(() => Attempt.CallAsync(ask, context, reconcile), time, context.CancellationToken);
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
