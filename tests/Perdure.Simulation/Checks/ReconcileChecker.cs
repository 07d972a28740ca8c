using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Checks;

/// <summary>A step that can be asked whether it happened is asked, before it is done again after an attempt of unknown outcome (a time-out, a death).</summary>
internal sealed class ReconcileChecker() : Checker("unknown outcomes are reconciled")
{
    protected override void Check()
    {
        foreach (IGrouping<string, Effect> calls in Observed.Effects.Where(e => e.Kind != EffectKind.Undo && StepMarks.Read(e.Step) is { CanReconcile: true }).GroupBy(e => e.Key))
        {
            Effect? attempt = null;
            bool wasAsked = false;
            foreach (Effect call in calls)
            {
                if (call.Kind == EffectKind.Reconcile)
                {
                    wasAsked = true;
                    continue;
                }

                bool isUnknown = attempt is not null && (attempt.Process != call.Process || attempt.End is EffectEnd.Unknown);
                MustHold(!isUnknown || wasAsked, $"{call.Flow}: {call.Step} was done again in {call.Process} after an attempt of unknown outcome in {attempt?.Process}, without asking whether it happened");
                attempt = call;
                wasAsked = false;
            }
        }
    }
}
