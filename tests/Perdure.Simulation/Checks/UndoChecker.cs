using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks;

/// <summary>What was done is undone in reverse order of completion, all of it, one after the other, under the step's key; nothing after the pivot.</summary>
internal sealed class UndoChecker() : Checker("undo in reverse")
{
    protected override void Check()
    {
        foreach (RunStory run in Story.Runs.Values.Where(r => r.Key.Type != PlanTypes.Leading)) // the services themselves say what was undone there
        {
            CheckOrder(run);
        }

        foreach (Effect undo in Observed.Effects.Where(e => e.Kind == EffectKind.Undo))
        {
            bool hasStep = StepMarks.Read(undo.Step)?.Undo == UndoRule.Always // perhaps nothing was done: nobody knows
                || Observed.Effects.Exists(e => e.Kind != EffectKind.Undo && e.Key == undo.Key && e.Step == undo.Step && e.Order < undo.Order);
            MustHold(hasStep, $"{undo.Flow} undoes {undo.Step} under the key {undo.Key}, under which nothing was done");
        }
    }

    private void CheckOrder(RunStory run)
    {
        Stack<string> toUndo = [];
        List<AskStory> asks = run.Asks();
        bool pivot = false;
        int undosOpen = 0;
        foreach (Input input in run.Inputs)
        {
            if (input.Asks is null)
            {
                break; // not decided yet
            }

            AskStory? answered = input.Row.Ask >= 0 ? asks.ElementAtOrDefault(input.Row.Ask) : null;
            undosOpen -= answered?.Kind == 'U' ? 1 : 0;
            if (answered?.Kind == 'S' && StepMarks.Read(answered.Name) is { } step)
            {
                bool isPassed = step.IsPivot && input.Row.Kind == InputKind.Completed;
                if (!pivot && !isPassed && MustBeUndone(step, input))
                {
                    toUndo.Push(step.Name);
                }
            }

            foreach (string line in input.Lines)
            {
                if (line == "P")
                {
                    pivot = true;
                    toUndo.Clear();
                }
                else if (line.StartsWith("U ", StringComparison.Ordinal))
                {
                    string name = line[2..];
                    MustHold(++undosOpen == 1, $"{run.Key} undoes two things at once at input {input.Row.Position}");
                    MustHold(toUndo.TryPop(out string? last) && last == name, $"{run.Key} undoes {name} where {last ?? "nothing"} is to be undone next");
                }
                else if (line is "=failed" or "=cancelled")
                {
                    MustHold(toUndo.Count == 0, $"{run.Key} ended ({line}) and did not undo {string.Join(", ", toUndo)}");
                    MustHold(!pivot, $"{run.Key} ended ({line}) after its pivot");
                }
            }
        }
    }

    private static bool MustBeUndone(StepMarks step, Input input) => step.Undo switch
    {
        UndoRule.None => false,
        _ when input.Row.Kind == InputKind.Completed => true,
        UndoRule.Always => input.Row.Kind == InputKind.Failed && input.Error() is var error && error.Kind != nameof(ErrorKind.Rejected) && error.Happened != false,
        _ => false,
    };
}
