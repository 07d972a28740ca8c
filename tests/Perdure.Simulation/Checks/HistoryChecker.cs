using Perdure.Storage;

namespace Perdure.Simulation.Checks;

/// <summary>History only grows; each ask is answered at most once, after it was asked; a run ends once, and only when its open work has; its time never goes back.</summary>
internal sealed class HistoryChecker() : Checker("history only grows")
{
    protected override void Check()
    {
        foreach (string contradiction in Story.Contradictions)
        {
            Wrong(contradiction);
        }

        foreach (RunStory run in Story.Runs.Values)
        {
            CheckInputs(run);
        }
    }

    private void CheckInputs(RunStory run)
    {
        MustHold(run.Inputs.Count > 0 && run.Inputs[0].Row.Kind == InputKind.Started, $"{run.Key} does not begin with its start");
        List<char> kinds = [];
        HashSet<int> answered = [];
        bool ended = false;
        DateTimeOffset before = run.Row.CreatedAt;
        foreach (Input input in run.Inputs)
        {
            HistoryRow row = input.Row;
            MustHold(!ended || input.WasUndecided, $"{run.Key} was told {row.Kind} after its end");
            MustHold(row.At >= before, $"{run.Key}: time goes back at input {row.Position}");
            before = row.At;
            if (row.Ask >= 0)
            {
                MustHold(answered.Add(row.Ask) || run.CameLate(input), $"{run.Key}: ask {row.Ask} was answered twice");
                MustHold(row.Ask < kinds.Count, $"{run.Key}: input {row.Position} answers ask {row.Ask}, which was not asked");
            }

            foreach (string line in input.Lines)
            {
                if (line.Length > 2 && line[1] == ' ')
                {
                    kinds.Add(line[0]);
                }
                else if (line[0] is '-' or '+')
                {
                    int ask = int.Parse(line.AsSpan(1), System.Globalization.CultureInfo.InvariantCulture);
                    MustHold(answered.Add(ask), $"{run.Key}: ask {ask} was answered, and withdrawn or taken");
                }
                else if (line[0] == '=')
                {
                    MustHold(!ended, $"{run.Key} ended twice");
                    ended = true;
                    bool isWhole = line == "=terminated" || kinds.Select((k, i) => (k, i)).All(a => a.k is not ('S' or 'U' or 'C' or 'J') || answered.Contains(a.i));
                    MustHold(isWhole, $"{run.Key} ended ({line}) with open work");
                }
            }
        }
    }
}
