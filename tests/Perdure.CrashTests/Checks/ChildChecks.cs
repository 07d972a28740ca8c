namespace Perdure.CrashTests.Checks;

/// <summary>Each child that was asked for ran once, and its end is what its parent was told.</summary>
internal static class ChildChecks
{
    public static IEnumerable<string> Check(Evidence evidence)
    {
        Dictionary<string, StoredRun> runs = evidence.Runs.ToDictionary(r => r.Key);
        Dictionary<string, StoredRun> parents = [];
        List<string> complaints = Enumerable.Range(0, evidence.Flows).Where(i => !runs.ContainsKey($"planned/f{i}")).Select(i => $"f{i} was never started").ToList();
        foreach (StoredRun run in evidence.Runs)
        {
            foreach (StoredAsk ask in new Story(run).Asks.Where(a => a.Kind is StoredAsk.Child or StoredAsk.DetachedChild))
            {
                if (!parents.TryAdd(ask.Name, run))
                {
                    complaints.Add($"child {ask.Name} was asked for twice");
                }

                complaints.AddRange(CheckChild(run, ask, runs.GetValueOrDefault(ask.Name)).Select(c => $"{run.Id}: {ask}: {c}"));
            }
        }

        complaints.AddRange(evidence.Runs.Where(r => !parents.ContainsKey(r.Key) && !IsRoot(r, evidence)).Select(r => $"{r.Id} was asked for by nobody"));
        return complaints;
    }

    private static bool IsRoot(StoredRun run, Evidence evidence)
        => run.Id[0] == 'f' && int.TryParse(run.Id.AsSpan(1), out int number) && number < evidence.Flows;

    private static IEnumerable<string> CheckChild(StoredRun parent, StoredAsk ask, StoredRun? child)
    {
        if (child is null)
        {
            yield return "the child was never started";
            yield break;
        }

        StoredParent? link = ask.Kind == StoredAsk.Child ? new StoredParent(parent.Type, parent.Id, ask.Number) : null;
        if (child.Parent != link)
        {
            yield return $"the child's parent is {child.Parent}";
        }

        if (ask.Answer is not { } answer)
        {
            yield break; // the parent was terminated
        }

        bool isSame = (answer.Kind == StoredInput.Completed) == (child.Status == StoredRun.Completed) && answer.Payload == child.History[^1].Result;
        if (!isSame || answer.At < child.EndedAt)
        {
            yield return $"the parent was told {answer.Payload} ({answer.Kind}) at {answer.At}, and the child ended with {child.History[^1].Result} ({child.Status}) at {child.EndedAt}";
        }
    }
}
