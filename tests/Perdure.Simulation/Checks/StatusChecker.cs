using Perdure.Diagnostics;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks;

/// <summary>A run's row says what its history says; it is cancelled, terminated or stuck only where there is a reason for it.</summary>
internal sealed class StatusChecker() : Checker("states have reasons")
{
    /// <summary>One process is refused a value with others, and alone, and then makes the run stuck. It may lose the shard meanwhile, and get it again.</summary>
    private const int RefusedMax = 5;

    protected override void Check()
    {
        foreach (RunStory run in Story.Runs.Values)
        {
            CheckStates(run);
            CheckEnd(run);
            CheckCancel(run);
            int refused = Observed.Refused.Where(r => r.Key.Run == run.Row.Run).Select(r => r.Value).DefaultIfEmpty().Max();
            MustHold(refused < RefusedMax || run.States.Exists(s => s.State.StuckCode == ErrorCodes.StoreRefused), $"{run.Key}: the store refused a value of it {refused} times to one process, and it was not made stuck");
        }
    }

    private void CheckStates(RunStory run)
    {
        bool ended = false;
        foreach ((long order, FlowState state) in run.States)
        {
            MustHold(!ended, $"{run.Key} goes on after its end, as {state.Status}");
            bool isEnd = state.Status >= FlowStatus.Completed;
            MustHold(!isEnd || (run.End?.DecidedOrder <= order), $"{run.Key} is {state.Status}, and its history has no end");
            MustHold(isEnd || state.Status == FlowStatus.Stuck || state.WakeAt is not null, $"{run.Key} is open, and nobody will look at it");
            MustHold(state.Status != FlowStatus.Stuck || MayBeStuck(run, state.StuckCode!), $"{run.Key} is stuck without a reason: {state.StuckReason}");
            ended = isEnd;
        }
    }

    /// <summary>Whether anything was done to a run that may make it stuck in this way.</summary>
    private bool MayBeStuck(RunStory run, string code) => code switch
    {
        ErrorCodes.HistoryMismatch => run.Key.Type == PlanTypes.Edited,
        ErrorCodes.StoreRefused => Observed.Refused.Keys.Any(r => r.Run == run.Row.Run),
        ErrorCodes.CrashSuspect => Observed.Takes.GroupBy(t => t.Shard).Any(t => t.Count() >= 3),
        ErrorCodes.UndoRejected => Observed.Effects.Exists(e => e.Flow == run.Key && e.Kind == EffectKind.Undo && e.End == EffectEnd.Rejected),
        ErrorCodes.FailedAfterPivot => run.PassedPivot || run.Inputs.Exists(i => i.WasUndecided),
        _ => false,
    };

    private void CheckEnd(RunStory run)
    {
        string? end = run.End?.Lines.First(l => l[0] == '=')[1..];
        MustHold(end is null || run.State.Status.ToString().Equals(end, StringComparison.OrdinalIgnoreCase), $"{run.Key} ended ({end}), and its row says {run.State.Status}");
        MustHold(end != "cancelled" || run.Inputs.Exists(i => i.Row.Kind == InputKind.CancelRequested), $"{run.Key} was cancelled, and nobody asked for it");
        MustHold(end != "terminated" || run.Inputs.Exists(i => i.Row.Kind == InputKind.Terminated), $"{run.Key} was terminated, and nobody asked for it");
    }

    /// <summary>A cancel that was accepted, of a run that was well, is its end.</summary>
    private void CheckCancel(RunStory run)
    {
        bool wasAccepted = Observed.Calls.Exists(c => c.Verb == ClientVerb.Cancel && c.Flow == run.Key && c.Answer == nameof(CancelAnswer.Accepted));
        bool wasWell = !run.WasStuck && !run.Inputs.Exists(i => i.WasUndecided);
        MustHold(!wasAccepted || !wasWell || run.End is null || run.State.Status is FlowStatus.Cancelled or FlowStatus.Terminated,
            $"{run.Key}: a cancel was accepted, and it ended as {run.State.Status}");
    }
}
