namespace Perdure.Simulation.Checks;

/// <summary>Once faults stop, every run comes to its end, and everybody who waits is told.</summary>
internal sealed class ProgressChecker(string? unfinished) : Checker("progress once faults stop")
{
    protected override void Check()
    {
        foreach (RunStory run in Story.Runs.Values.Where(r => r.End is null))
        {
            Wrong($"{run.Key} has not ended: {run.State.Status}, {run.State.StuckReason}, wakes at {run.State.WakeAt:O}");
        }

        MustHold(unfinished is null, unfinished ?? "");
    }
}
