using Perdure.CrashTests.Victim.Effects;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests.Checks;

/// <summary>What callers were told is so: no signal is lost, no answer taken back.</summary>
internal static class CallerChecks
{
    public static IEnumerable<string> Check(Evidence evidence)
    {
        foreach (LedgerLine line in evidence.Ledger.Where(l => l.Verb == LedgerVerb.Started && evidence.Runs.All(r => r.Id != l.Flow)))
        {
            yield return $"a start was acknowledged, and there is no such flow: {line}";
        }

        foreach (StoredRun run in evidence.Runs)
        {
            IEnumerable<string> found = [.. CheckSignals(run, evidence), .. CheckCancels(run, evidence), .. CheckTerminates(run, evidence)];
            foreach (string complaint in found)
            {
                yield return $"{run.Id}: {complaint}";
            }
        }
    }

    private static IEnumerable<string> CheckSignals(StoredRun run, Evidence evidence)
    {
        List<StoredInput> came = run.History.Where(h => h.Kind == StoredInput.SignalReceived).ToList();
        foreach (LedgerLine line in evidence.CallsTo(run, LedgerVerb.Signalled).Where(l => l.Detail == "taken" && came.TrueForAll(c => c.SenderId != l.Name)))
        {
            yield return $"a signal was acknowledged, and history has not got it: {line}";
        }

        FlowPlan plan = evidence.PlanOf(run);
        foreach (StoredInput input in came.Where(c => !plan.Signals.Any(s => s.Value == c.SenderId && s.Name == c.Name && $"\"{s.Value}\"" == c.Payload)))
        {
            yield return $"row {input.Position} has signal {input.SenderId} ({input.Name}: {input.Payload}), which nobody sent";
        }

        List<string?> order = plan.Signals.Select(s => (string?)s.Value).Where(v => came.Exists(c => c.SenderId == v)).ToList();
        if (!order.SequenceEqual(came.Select(c => c.SenderId).Distinct()))
        {
            yield return $"its signals were sent as {string.Join(", ", order)}, and recorded as {string.Join(", ", came.Select(c => c.SenderId))}";
        }
    }

    private static IEnumerable<string> CheckCancels(StoredRun run, Evidence evidence)
    {
        foreach (LedgerLine line in evidence.CallsTo(run, LedgerVerb.Cancelled))
        {
            bool isCancelled = run.Status == StoredRun.Cancelled;
            bool isSo = line.Detail switch
            {
                nameof(CancelAnswer.Accepted) => isCancelled || run.Status == StoredRun.Terminated,
                nameof(CancelAnswer.Refused) => !isCancelled,
                _ => run.HasEnded,
            };
            if (!isSo)
            {
                yield return $"a cancel was answered with {line.Detail}, and the flow ended with status {run.Status}";
            }
        }

        bool wasAsked = run.History.Any(h => h.Kind == StoredInput.CancelRequested);
        if (run.Status == StoredRun.Cancelled && !wasAsked)
        {
            yield return "it was cancelled, and nobody asked for that";
        }

        if (wasAsked && run.Parent is null && evidence.PlanOf(run).CancelAfter is null)
        {
            yield return "history has a cancel that nobody sent";
        }
    }

    private static IEnumerable<string> CheckTerminates(StoredRun run, Evidence evidence)
    {
        bool isTerminated = run.Status == StoredRun.Terminated;
        if (!isTerminated && evidence.CallsTo(run, LedgerVerb.Terminated).Any(l => l.Detail == "taken"))
        {
            yield return "a terminate was acknowledged, and the flow went on";
        }

        if (isTerminated && (run.Parent is not null || evidence.PlanOf(run).TerminateAfter is null))
        {
            yield return "it was terminated, and nobody asked for that";
        }
    }
}
