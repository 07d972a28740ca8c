using System.Text.Json;
using Perdure.CrashTests.Victim.Effects;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests.Checks;

/// <summary>All that is left when the last process has ended: the store, the ledgers, and the plans.</summary>
/// <param name="Seed">What the plans are made from.</param>
/// <param name="Flows">How many flows were started by the driver.</param>
/// <param name="Runs">The runs in the store.</param>
/// <param name="Ledger">The ledgers' lines, in their order.</param>
internal sealed record Evidence(long Seed, int Flows, IReadOnlyList<StoredRun> Runs, IReadOnlyList<LedgerLine> Ledger)
{
    /// <summary>Whether every process was given time to end.</summary>
    public bool EndedCleanly { get; init; }

    public FlowPlan PlanOf(StoredRun run)
    {
        using JsonDocument input = JsonDocument.Parse(run.History[0].Payload!);
        return Planner.Plan(Seed, input.RootElement.GetProperty("plan").GetString()!);
    }

    /// <summary>What one run's steps did.</summary>
    public IEnumerable<LedgerLine> EffectsOf(StoredRun run) => Ledger.Where(l => l.Flow == run.Id && l.Verb is LedgerVerb.Try or LedgerVerb.Do or LedgerVerb.Undo);

    public IEnumerable<LedgerLine> CallsTo(StoredRun run, LedgerVerb verb) => Ledger.Where(l => l.Flow == run.Id && l.Verb == verb);

    /// <summary>Everything that is wrong.</summary>
    public List<string> Complaints()
    {
        List<string> complaints = [.. Ledger.Where(l => l.Verb == LedgerVerb.Wrong).Select(l => l.ToString()), .. ChildChecks.Check(this), .. CallerChecks.Check(this), .. EffectChecks.CheckKeys(this)];
        foreach (StoredRun run in Runs)
        {
            var story = new Story(run);
            FlowPlan plan = PlanOf(run);
            IEnumerable<string> found =
            [
                .. HistoryChecks.Check(story, plan),
                .. UndoChecks.Check(story, plan),
                .. EffectChecks.Check(story, plan, this),
                .. OutcomeChecks.Check(story, plan, this),
            ];
            complaints.AddRange(found.Select(c => $"{run.Id}: {c}"));
        }

        return complaints;
    }
}
