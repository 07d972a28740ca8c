using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks;

/// <summary>Two attempts of a step do not overlap in one process; a step whose outcome the owner has recorded is not run again; a step's retries are not used up by crashes; who succeeded did.</summary>
internal sealed class AttemptChecker() : Checker("attempts")
{
    protected override void Check()
    {
        foreach (IGrouping<(string, string, EffectKind), Effect> calls in Observed.Effects.GroupBy(e => (e.Process, e.Key, e.Kind)))
        {
            Effect? before = null;
            foreach (Effect call in calls)
            {
                MustHold(before is null || (before.EndOrder > 0 && before.EndOrder < call.Order), $"{call.Kind} of {call.Step} in {call.Flow} runs twice at once in {call.Process}");
                before = call;
            }
        }

        ILookup<(string, EffectKind), Effect> effects = Observed.Effects.ToLookup(e => (Step(e.Flow, e.Step), e.Kind));
        foreach (RunStory run in Story.Runs.Values)
        {
            List<AskStory> asks = run.Asks();
            foreach (Input input in run.Inputs.Where(i => i.Row.Ask >= 0 && i.Row.Kind is InputKind.Completed or InputKind.Failed))
            {
                if (asks.ElementAtOrDefault(input.Row.Ask) is { Kind: 'S' } ask && StepMarks.Read(ask.Name) is { } step)
                {
                    CheckOutcome(run, step, input, [.. effects[(Step(run.Key, ask.Name), EffectKind.Do)].Where(e => e.Order < input.Order)],
                        [.. effects[(Step(run.Key, ask.Name), EffectKind.Reconcile)].Where(e => e.Order < input.Order)]);
                }
            }
        }
    }

    private void CheckOutcome(RunStory run, StepMarks step, Input input, List<Effect> attempts, List<Effect> reconciles)
    {
        if (input.Row.Kind == InputKind.Completed)
        {
            MustHold(attempts.Concat(reconciles).Any(e => e.End == EffectEnd.Succeeded), $"{run.Key}: {step.Name} is recorded as done, but no attempt succeeded");
            return;
        }

        int failed = attempts.Count(e => e.End is not (EffectEnd.None or EffectEnd.Succeeded));
        bool mayBeShort = attempts.Exists(e => e.End == EffectEnd.Permanent) || step.Retry == RetryRule.Within;
        int least = step.Retry switch
        {
            RetryRule.Default => 12,
            RetryRule.Three => 3,
            _ => 1,
        };
        bool isUsedUp = input.Error().Kind is nameof(ErrorKind.Permanent) or nameof(ErrorKind.Unknown);
        MustHold(!isUsedUp || mayBeShort || failed >= least, $"{run.Key}: {step.Name} failed after {failed} attempts that ended, of {least}");
    }

    private static string Step(FlowKey flow, string step) => $"{flow} {step}";
}
