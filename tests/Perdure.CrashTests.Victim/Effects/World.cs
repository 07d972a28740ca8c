using System.Collections.Concurrent;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests.Victim.Effects;

/// <summary>What steps act on. It forgets nothing, whatever dies: it is what the ledgers say.</summary>
internal sealed class World
{
    private readonly Ledger _ledger;
    private readonly ConcurrentDictionary<(string Flow, string Step), bool> _done = new();
    private readonly ConcurrentDictionary<string, bool> _repaired = new();

    public World(Ledger ledger, IEnumerable<LedgerLine> past)
    {
        _ledger = ledger;
        foreach (LedgerLine line in past)
        {
            Remember(line);
        }
    }

    /// <summary>One attempt of a step.</summary>
    /// <param name="context">The attempt's.</param>
    /// <param name="flow">The flow's id.</param>
    /// <param name="step">The step.</param>
    /// <param name="detail">What the flow's code handed over: the same in every attempt.</param>
    public async Task<string> DoAsync(StepContext context, string flow, PlannedStep step, string detail)
    {
        _ledger.Write(LedgerVerb.Try, flow, step.Name, context.IdempotencyKey, context.Attempt, detail);
        switch (step.Kind)
        {
            case StepKind.Slow:
                await Task.Delay(step.Time, context.CancellationToken);
                break;
            case StepKind.Deaf:
                await Task.Delay(step.Time);
                break;
            case StepKind.Flaky or StepKind.FlakyForLong when context.Attempt <= step.Failures:
            case StepKind.Broken:
            case StepKind.Stubborn when !_repaired.ContainsKey(flow):
                throw new IOException("not now");
            case StepKind.Rejected:
                throw new RejectedException("no");
        }

        Remember(_ledger.Write(LedgerVerb.Do, flow, step.Name, context.IdempotencyKey, context.Attempt, detail));
        bool isLost = step.Kind == StepKind.LostForGood || (step.Kind == StepKind.Lost && context.Attempt <= step.Failures);
        return isLost ? throw new TimeoutException("no answer came") : ResultOf(step);
    }

    public async Task UndoAsync(StepContext context, string flow, PlannedStep step, string detail)
    {
        await Task.Yield();
        if (context.Attempt <= step.UndoFailures)
        {
            throw new IOException("not now");
        }

        _ledger.Write(LedgerVerb.Undo, flow, step.Name, context.IdempotencyKey, context.Attempt, detail);
    }

    public async Task UndoKnownAsync(StepContext context, string flow, PlannedStep step, string detail, string result)
    {
        if (result != ResultOf(step))
        {
            _ledger.Write(LedgerVerb.Wrong, flow, step.Name, context.IdempotencyKey, context.Attempt, $"the undo got the result {result}");
        }

        await UndoAsync(context, flow, step, detail);
    }

    /// <summary>Whether a step has had its effect.</summary>
    public bool HasHappened(string flow, PlannedStep step) => _done.ContainsKey((flow, step.Name));

    /// <summary>Takes away what keeps a flow's stubborn steps from succeeding.</summary>
    public void Repair(string flow) => Remember(_ledger.Write(LedgerVerb.Repaired, flow, ""));

    public static string ResultOf(PlannedStep step) => $"{step.Name}:done";

    private void Remember(LedgerLine line)
    {
        if (line.Verb == LedgerVerb.Do)
        {
            _done[(line.Flow, line.Name)] = true;
        }
        else if (line.Verb == LedgerVerb.Repaired)
        {
            _repaired[line.Flow] = true;
        }
    }
}
