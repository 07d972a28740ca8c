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
            // A process knows its own attempts, and that there may have been others before its first.
            foreach (IGrouping<string, Effect> own in calls.GroupBy(c => c.Process))
            {
                Effect first = own.First();
                RunStory run = Story.Find(first.Flow)!;
                long taken = Observed.Takes.Last(t => t.Process == first.Process && t.Shard == run.Row.Shard && t.Order < first.Order).Order;
                bool isUnknown = calls.LastOrDefault(c => c.Kind == EffectKind.Do && c.Order < taken) is { } earlier && !WasWrittenDown(run, earlier, first.Order);
                foreach (Effect call in own)
                {
                    MustHold(!isUnknown || call.Kind == EffectKind.Reconcile, $"{call.Flow}: {call.Step} was done again in {call.Process} after an attempt of unknown outcome, without asking whether it happened");
                    isUnknown = call.Kind == EffectKind.Do && call.End == EffectEnd.Unknown;
                }
            }
        }
    }

    /// <summary>Whether a back-off says how an attempt ended.</summary>
    private bool WasWrittenDown(RunStory run, Effect attempt, long before)
        => attempt.EndOrder > 0 && Observed.Batches.Exists(b => b.Order > attempt.EndOrder && b.Order < before
            && b.Batch.Backoffs.Exists(o => o.Run == run.Row.Run && o.Ask == CommitFirstChecker.AskOf(attempt.Key)));
}
