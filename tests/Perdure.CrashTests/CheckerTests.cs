using Perdure.CrashTests.Checks;
using Perdure.CrashTests.Victim.Effects;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests;

/// <summary>The checkers find what they are there to find: each of these faults is put into a run that has none.</summary>
public class CheckerTests
{
    private const string Done = "\"done\"";

    private static readonly FlowPlan Plan = new(
        "f0",
        [
            new RunStep(new PlannedStep("a", StepKind.Quick, UndoKind.Known)),
            new RunStep(new PlannedStep("b", StepKind.Quick, UndoKind.Always)),
            new GiveUp(),
        ],
        []);

    private static readonly List<StoredInput> History =
    [
        Input(0, StoredInput.Started, -1, "S a", "{}"),
        Input(1, StoredInput.Completed, 0, "S b", Done),
        Input(2, StoredInput.Completed, 1, "U b", Done),
        Input(3, StoredInput.Completed, 2, "U a", "{}"),
        Input(4, StoredInput.Completed, 3, "=failed", "{}") with { Result = """{"kind":"Permanent","code":"PRD1009","type":"InvalidDataException","message":""}""" },
    ];

    private static readonly List<LedgerLine> Ledger =
    [
        new(0, 0, LedgerVerb.Began, "", "", "", 0, "0"),
        Line(1, LedgerVerb.Try, "a"),
        Line(2, LedgerVerb.Do, "a"),
        Line(3, LedgerVerb.Try, "b"),
        Line(4, LedgerVerb.Do, "b"),
        Line(5, LedgerVerb.Undo, "b"),
        Line(6, LedgerVerb.Undo, "a"),
    ];

    [Fact]
    public void A_run_without_fault_is_left_alone() => Complaints().ShouldBeEmpty();

    [Fact]
    public void A_gap_in_the_history_is_found() => Complaints(h => h.RemoveAt(2)).ShouldContain(c => c.Contains("position"));

    [Fact]
    public void A_second_outcome_of_a_step_is_found()
        => Complaints(h => h.Insert(2, Input(2, StoredInput.Completed, 0, "", Done))).ShouldContain(c => c.Contains("closed 2 times"));

    [Fact]
    public void A_second_end_is_found() => Complaints(h => h.Add(Input(5, StoredInput.Completed, 3, "=failed", "{}"))).ShouldContain(c => c.Contains("history says"));

    [Fact]
    public void An_undecided_input_is_found() => Complaints(h => h[1] = h[1] with { Asks = null }).ShouldContain(c => c.Contains("never decided"));

    [Fact]
    public void Undos_in_the_order_of_the_steps_are_found()
        => Complaints(h => (h[2], h[3]) = (h[2] with { Asks = "U a" }, h[3] with { Asks = "U b" })).ShouldContain(c => c.Contains("what is to be undone next"));

    [Fact]
    public void Undos_at_the_same_time_are_found()
        => Complaints(h => (h[2], h[3]) = (h[2] with { Asks = "U b\nU a" }, h[3] with { Asks = "" })).ShouldContain(c => c.Contains("before b is undone"));

    [Fact]
    public void A_step_that_is_never_undone_is_found()
    {
        void Forget(List<StoredInput> history)
        {
            history[3] = history[3] with { Asks = "=failed", Result = history[4].Result };
            history.RemoveAt(4);
        }

        Complaints(Forget).ShouldContain(c => c.Contains("never undid a"));
    }

    [Fact]
    public void Another_end_than_planned_is_found()
        => Complaints(h => h[4] = h[4] with { Asks = "=completed", Result = Done }, status: StoredRun.Completed).ShouldContain(c => c.Contains("its plan comes to"));

    [Fact]
    public void A_step_that_completed_and_was_never_done_is_found() => Complaints(ledger: l => l.RemoveAt(2)).ShouldContain(c => c.Contains("never done"));

    [Fact]
    public void A_step_that_ran_and_was_never_asked_for_is_found()
        => Complaints(ledger: l => l.Add(Line(7, LedgerVerb.Try, "c"))).ShouldContain(c => c.Contains("never asked for it"));

    [Fact]
    public void A_step_that_ran_after_its_undo_is_found()
        => Complaints(ledger: l => l.Add(Line(7, LedgerVerb.Do, "a"))).ShouldContain(c => c.Contains("after its undo"));

    [Fact]
    public void A_step_with_two_keys_is_found() => Complaints(ledger: l => l[2] = l[2] with { Key = "b" }).ShouldContain(c => c.Contains("several keys"));

    [Fact]
    public void A_key_of_two_steps_is_found()
        => Complaints(ledger: l => l.AddRange(l.Skip(1).Where(s => s.Name == "a").Select(s => s with { Name = "b" }).ToList())).ShouldContain(c => c.Contains("used by several steps"));

    [Fact]
    public void An_attempt_that_was_handed_something_else_is_found() => Complaints(ledger: l => l[2] = l[2] with { Detail = "2" }).ShouldContain(c => c.Contains("not handed the same"));

    [Fact]
    public void An_attempt_too_many_is_found() => Complaints(h => h[1] = h[1] with { Attempts = 2 }).ShouldContain(c => c.Contains("planned were 1"));

    [Fact]
    public void A_step_that_ran_again_after_its_outcome_was_recorded_is_found()
    {
        void RunAgain(List<LedgerLine> ledger)
        {
            ledger.Add(new LedgerLine(1, 0, LedgerVerb.Began, "", "", "", 0, "1000"));
            ledger.Add(Line(1, LedgerVerb.Try, "a") with { Life = 1 });
        }

        Complaints(ledger: RunAgain).ShouldContain(c => c.Contains("before that process began"));
    }

    private static List<string> Complaints(Action<List<StoredInput>>? history = null, Action<List<LedgerLine>>? ledger = null, int status = StoredRun.Failed)
    {
        List<StoredInput> inputs = [.. History];
        history?.Invoke(inputs);
        List<LedgerLine> lines = [.. Ledger];
        ledger?.Invoke(lines);
        var run = new StoredRun(1, 0, "planned", "f0", null, status, 0, inputs[^1].At, null, null, inputs);
        var evidence = new Evidence(0, 1, [run], lines);
        var story = new Story(run);
        return
        [
            .. HistoryChecks.Check(story, Plan),
            .. UndoChecks.Check(story, Plan),
            .. EffectChecks.Check(story, Plan, evidence),
            .. EffectChecks.CheckKeys(evidence),
            .. OutcomeChecks.Check(story, Plan, evidence),
        ];
    }

    private static StoredInput Input(int position, int kind, int ask, string asks, string payload)
        => new(position, position, kind, ask, null, null, kind == StoredInput.Completed ? 1 : 0, payload, asks, null);

    private static LedgerLine Line(int sequence, LedgerVerb verb, string step) => new(0, sequence, verb, "f0", step, $"key-{step}", 1, "1");
}
