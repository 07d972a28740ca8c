using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks;

/// <summary>Finds, in what was committed, rare situations that the fixed seeds must reach.</summary>
internal static class Marking
{
    public static void Of(Story story, Observed observed)
    {
        foreach (RunStory run in story.Runs.Values)
        {
            bool isUndoing = false;
            foreach (Input input in run.Inputs)
            {
                Mark(observed, input.Row.Kind == InputKind.CancelRequested && isUndoing, "a cancel came during undo");
                Mark(observed, input.Row.Kind == InputKind.SignalReceived && input.Lines.Any(l => l[0] == '+'), "an early signal was decided late");
                Mark(observed, input.Row.Kind != InputKind.SignalReceived && input.Lines.Any(l => l[0] == '+'), "a signal came before its wait");
                Mark(observed, input.WasUndecided && input.Asks is not null, "an input was recorded undecided, and decided later");
                Mark(observed, input.Row.Kind == InputKind.TimerFired && input.Lines.Any(l => l[0] == '-'), "a limit withdrew waits");
                Mark(observed, input.Row.Kind == InputKind.UndoSettled, "an undo was settled by hand");
                isUndoing |= input.Lines.Any(l => l.StartsWith("U ", StringComparison.Ordinal));
            }

            Mark(observed, run.PassedPivot, "a pivot was passed");
            Mark(observed, run.Row.Parent is not null && run.Inputs.Exists(i => i.Row.Kind == InputKind.CancelRequested), "a child was cancelled by its parent");
            Mark(observed, run.State.Status == FlowStatus.Cancelled, "a run was cancelled");
            Mark(observed, run.State.Status == FlowStatus.Failed, "a run failed");
            Mark(observed, run.State.Status == FlowStatus.Terminated, "a run was terminated");
        }

        foreach (CommittedBatch committed in observed.Batches)
        {
            Mark(observed, committed.Batch.Suspect is not null, "a shard was in careful mode");
            Mark(observed, committed.Batch.Recovered, "a shard recovered from unclean ends");
            Mark(observed, committed.Batch.Backoffs.Count > 0, "a back-off was written down");
        }

        Mark(observed, observed.Calls.Exists(c => c.Error == Diagnostics.ErrorCodes.StartConflict), "a start was in conflict with another one");
        Mark(observed, observed.Effects.Exists(e => e.Kind == EffectKind.Reconcile), "a step was reconciled");
    }

    private static void Mark(Observed observed, bool holds, string situation)
    {
        if (holds)
        {
            observed.Mark(situation);
        }
    }
}
