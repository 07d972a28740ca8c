using System.Globalization;
using System.Text.Json;
using Perdure.Storage;

namespace Perdure.Simulation.Checks;

/// <summary>A signal is recorded once per sender's id, is given to one wait, in the order of arrival; none that was taken is lost on the way to the result.</summary>
internal sealed class SignalChecker() : Checker("signals")
{
    protected override void Check()
    {
        foreach (RunStory run in Story.Runs.Values)
        {
            CheckSenders(run);
            CheckOrder(run);
        }
    }

    private void CheckSenders(RunStory run)
    {
        foreach (IGrouping<string, Input> sent in run.Inputs.Where(i => i.Row.SenderId is not null).GroupBy(i => i.Row.SenderId!).Where(g => g.Count() > 1))
        {
            Wrong($"{run.Key}: the signal of sender {sent.Key} was recorded {sent.Count()} times");
        }

        foreach (IGrouping<string, Input> sent in run.Inputs.Where(i => i.Row.Kind == InputKind.SignalReceived).GroupBy(i => Value(i.Row)).Where(g => g.Count() > 1))
        {
            Wrong($"{run.Key}: the signal {sent.Key} was recorded {sent.Count()} times");
        }
    }

    private void CheckOrder(RunStory run)
    {
        List<AskStory> asks = run.Asks();
        Dictionary<string, Queue<string>> early = [];
        List<string> given = [];
        HashSet<int> open = [];
        int asked = 0;
        foreach (Input input in run.Inputs)
        {
            open.Remove(input.Row.Ask);
            if (input.Row.Kind == InputKind.SignalReceived)
            {
                if (input.Row.Ask >= 0)
                {
                    MustHold(asks[input.Row.Ask].Kind == 'W' && asks[input.Row.Ask].Name == input.Row.Name, $"{run.Key}: signal {input.Row.Name} went to {asks[input.Row.Ask].Name}");
                    given.Add(Value(input.Row));
                }
                else
                {
                    QueueOf(early, input.Row.Name!).Enqueue(Value(input.Row));
                    MustHold(input.WasUndecided || !open.Any(w => asks[w].Name == input.Row.Name), $"{run.Key} was not given signal {input.Row.Name}, for which it waits");
                }
            }

            string[] lines = [.. input.Lines];
            for (int i = 0; i < lines.Length; i++)
            {
                string line = lines[i];
                asked += CheckAsk(run, early, open, asked, line, next: lines.ElementAtOrDefault(i + 1));
                if (line[0] is '+' or '-')
                {
                    open.Remove(int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture));
                }

                if (line[0] != '+')
                {
                    continue;
                }

                string name = asks[int.Parse(line.AsSpan(1), CultureInfo.InvariantCulture)].Name;
                bool isThere = QueueOf(early, name).TryDequeue(out string? value);
                MustHold(isThere, $"{run.Key}: a wait for {name} took a signal that was not there");
                given.Add(value ?? "");
            }
        }

        if (run.State.Status == FlowStatus.Completed && run.End?.Result is { } result)
        {
            CheckResult(run, given, JsonSerializer.Deserialize<string>(result)!);
        }
    }

    /// <summary>A wait takes a signal that is there already at once.</summary>
    /// <returns>How many asks the line makes.</returns>
    private int CheckAsk(RunStory run, Dictionary<string, Queue<string>> early, HashSet<int> open, int number, string line, string? next)
    {
        if (line.StartsWith("W ", StringComparison.Ordinal))
        {
            open.Add(number);
            bool isThere = QueueOf(early, line[2..]).Count > 0;
            MustHold(!isThere || next == string.Create(CultureInfo.InvariantCulture, $"+{number}"), $"{run.Key} waits for signal {line[2..]}, which has come already");
        }

        return line.Length > 2 && line[1] == ' ' ? 1 : 0;
    }

    private void CheckResult(RunStory run, List<string> given, string result)
    {
        List<string> seen = [.. result[(result.IndexOf('|', StringComparison.Ordinal) + 1)..].Split(',').Where(s => s.Contains(':', StringComparison.Ordinal))];
        MustHold(seen.Distinct().Count() == seen.Count, $"{run.Key} got a signal twice: {result}");
        MustHold(seen.TrueForAll(given.Contains), $"{run.Key} got a signal that history does not give to it: {result}");
    }

    private static Queue<string> QueueOf(Dictionary<string, Queue<string>> early, string name)
        => early.TryGetValue(name, out Queue<string>? queue) ? queue : early[name] = new Queue<string>();

    private static string Value(HistoryRow row) => JsonSerializer.Deserialize<string>(row.Payload!)!;
}
