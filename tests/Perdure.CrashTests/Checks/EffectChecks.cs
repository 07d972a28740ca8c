using System.Globalization;
using System.Text.Json;
using Perdure.CrashTests.Victim.Effects;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests.Checks;

/// <summary>What steps did fits what history says of them.</summary>
internal static class EffectChecks
{
    /// <summary>A key is one step's, and a step has one key, in all attempts of all processes.</summary>
    public static IEnumerable<string> CheckKeys(Evidence evidence)
    {
        List<LedgerLine> effects = evidence.Ledger.Where(l => l.Verb is LedgerVerb.Try or LedgerVerb.Do or LedgerVerb.Undo).ToList();
        foreach (var step in effects.GroupBy(l => (l.Flow, l.Name)).Where(g => g.DistinctBy(l => l.Key).Count() > 1))
        {
            yield return $"{step.Key} ran under several keys: {string.Join(", ", step.Select(l => l.Key).Distinct())}";
        }

        foreach (var key in effects.GroupBy(l => l.Key).Where(g => g.DistinctBy(l => (l.Flow, l.Name)).Count() > 1))
        {
            yield return $"key {key.Key} was used by several steps: {string.Join(", ", key.Select(l => (l.Flow, l.Name)).Distinct())}";
        }

        foreach (string flow in effects.Select(l => l.Flow).Distinct().Where(f => evidence.Runs.All(r => r.Id != f)))
        {
            yield return $"steps ran for {flow}, which the store does not know";
        }
    }

    public static IEnumerable<string> Check(Story story, FlowPlan plan, Evidence evidence)
    {
        Dictionary<string, PlannedStep> steps = plan.Steps.ToDictionary(s => s.Name);
        ILookup<string, LedgerLine> effects = evidence.EffectsOf(story.Run).ToLookup(l => l.Name);
        HashSet<string> asked = story.Steps.Select(s => s.Name).ToHashSet();
        List<string> complaints = effects.Where(e => !asked.Contains(e.Key)).Select(e => $"{e.Key} ran, and history never asked for it: {e.First()}").ToList();
        foreach (StoredAsk ask in story.Steps)
        {
            StoredAsk? undo = story.Asks.SingleOrDefault(a => a.Kind == StoredAsk.Undo && a.Name == ask.Name);
            var step = new StepEvidence(story.Run, ask, undo, steps[ask.Name], [.. effects[ask.Name]], evidence);
            complaints.AddRange(step.Check().Select(c => $"{ask}: {c}"));
        }

        return complaints;
    }

    private sealed record StepEvidence(StoredRun Run, StoredAsk Ask, StoredAsk? Undo, PlannedStep Step, List<LedgerLine> Lines, Evidence Evidence)
    {
        private int Done => Lines.Count(l => l.Verb == LedgerVerb.Do);

        /// <summary>Whether somebody put the flow back to work, so that attempts are counted anew.</summary>
        private bool WasStuck => Evidence.Ledger.Any(l => l.Flow == Run.Id && l.Verb is LedgerVerb.Repaired or LedgerVerb.Retried);

        public IEnumerable<string> Check() => [.. CheckOutcome(), .. CheckUndo(), .. CheckAttempts(), .. CheckProcesses()];

        private IEnumerable<string> CheckOutcome()
        {
            if (Lines.DistinctBy(l => l.Detail).Count() > 1)
            {
                yield return $"its attempts were not handed the same: {string.Join(", ", Lines.Select(l => l.Detail).Distinct())}";
            }

            if (Ask.IsCompleted && Done == 0)
            {
                yield return "it completed, and was never done";
            }

            if (Ask.Answer is { Kind: StoredInput.Failed } failed && Done > 0)
            {
                using JsonDocument error = JsonDocument.Parse(failed.Payload!);
                if (error.RootElement.TryGetProperty("happened", out JsonElement happened) && !happened.GetBoolean())
                {
                    yield return "history says that it did not happen, and it did";
                }
            }

            if (Step.Kind is StepKind.Rejected or StepKind.Broken && Ask.IsCompleted)
            {
                yield return "it completed, and never could";
            }

            int most = Step switch
            {
                { Reconciles: true } => 1, // whoever asks first whether it happened does it once
                { Kind: StepKind.Lost or StepKind.LostForGood } => int.MaxValue,
                _ => Evidence.EndedCleanly ? 1 : int.MaxValue,
            };
            if (Done > most)
            {
                yield return $"it was done {Done} times: {string.Join(" | ", Lines)}";
            }
        }

        private IEnumerable<string> CheckUndo()
        {
            int undone = Lines.FindIndex(l => l.Verb == LedgerVerb.Undo);
            if (undone >= 0 && Undo is null)
            {
                yield return $"it was undone, and history never asked for that: {Lines[undone]}";
            }

            if (Undo is { IsCompleted: true } && undone < 0)
            {
                yield return "its undo completed, and was never done";
            }

            if (undone >= 0 && Lines.Skip(undone).FirstOrDefault(l => l.Verb != LedgerVerb.Undo) is { } late)
            {
                yield return $"it ran after its undo: {late}";
            }
        }

        private IEnumerable<string> CheckAttempts()
        {
            if (Ask.Answer is not { } answer)
            {
                yield break;
            }

            int planned = Step.Kind switch
            {
                StepKind.Flaky or StepKind.FlakyForLong or StepKind.Lost => Step.Failures + 1,
                StepKind.Broken or StepKind.LostForGood => 2,
                StepKind.Stubborn when IsCancelled(answer) => 2,
                _ => 1,
            };

            // A step that was stopped, or found to have happened, may have had fewer.
            bool mayHaveFewer = Step.Reconciles || IsCancelled(answer);
            if (answer.Attempts > planned || (answer.Attempts < planned && !mayHaveFewer))
            {
                yield return $"it took {answer.Attempts} attempts, planned were {planned}: {string.Join(" | ", Lines)}";
            }
        }

        private IEnumerable<string> CheckProcesses()
        {
            foreach (IGrouping<int, LedgerLine> life in Lines.Where(l => l.Verb == LedgerVerb.Try).GroupBy(l => l.Life))
            {
                List<int> attempts = life.Select(l => l.Attempt).ToList();
                if (!WasStuck && !attempts.SequenceEqual(Enumerable.Range(attempts[0], attempts.Count)))
                {
                    yield return $"in process {life.Key} its attempts were {string.Join(", ", attempts)}";
                }

                // History's times are in microseconds since 1970.
                LedgerLine began = Evidence.Ledger.First(l => l.Life == life.Key);
                if (Ask.Answer is { } answer && answer.At < long.Parse(began.Detail, CultureInfo.InvariantCulture))
                {
                    yield return $"process {life.Key} ran it, and its outcome was recorded before that process began";
                }
            }
        }

        private static bool IsCancelled(StoredInput answer)
        {
            using JsonDocument payload = JsonDocument.Parse(answer.Payload!);
            return answer.Kind == StoredInput.Failed && payload.RootElement.GetProperty("kind").GetString() == nameof(ErrorKind.Cancelled);
        }
    }
}
