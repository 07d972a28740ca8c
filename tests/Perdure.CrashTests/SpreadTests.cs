using Perdure.CrashTests.Checks;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests;

/// <summary>The plans have enough of everything; what never occurs is never tested.</summary>
public class SpreadTests
{
    private static readonly int[] Seeds = [.. Enumerable.Range(0, 20)];
    private static readonly List<FlowPlan> Plans = [.. Seeds.SelectMany(seed => Roots(seed).SelectMany(root => WithChildren(seed, root)))];

    [Fact]
    public void Plans_have_every_kind_of_op()
    {
        ILookup<Type, Op> ops = Plans.SelectMany(p => p.AllOps).ToLookup(o => o.GetType());
        foreach (Type type in typeof(Op).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(Op))))
        {
            ops[type].Count().ShouldBeGreaterThan(20, type.Name);
        }

        foreach (ChildBond bond in Enum.GetValues<ChildBond>())
        {
            ops[typeof(RunChild)].Cast<RunChild>().Count(c => c.Bond == bond).ShouldBeGreaterThan(40, bond.ToString());
        }
    }

    [Fact]
    public void Plans_have_every_kind_of_step()
    {
        List<PlannedStep> steps = Plans.SelectMany(p => p.Steps).ToList();
        foreach (StepKind kind in Enum.GetValues<StepKind>())
        {
            foreach (UndoKind undo in Enum.GetValues<UndoKind>())
            {
                steps.Count(s => s.Kind == kind && s.Undo == undo).ShouldBeGreaterThan(5, $"{kind} {undo}");
            }
        }

        steps.Count(s => s.Reconciles).ShouldBeGreaterThan(100);
        steps.Count(s => s.OnUndo is not null).ShouldBeGreaterThan(40);
        steps.Count(s => s.IsPivot).ShouldBeGreaterThan(20);
        steps.Count(s => s.UndoFailures > 0).ShouldBeGreaterThan(100);
    }

    [Fact]
    public void Plans_complete_and_fail_and_are_cancelled_and_terminated()
    {
        List<bool> completes = [.. Seeds.SelectMany(seed => Roots(seed).Select(root => Expectation.Of(root, name => Planner.Plan(seed, name)).Results.Count > 0))];
        completes.Average(c => c ? 1 : 0).ShouldBeInRange(0.4, 0.8);
        Plans.Count(p => p.CancelAfter is not null).ShouldBeGreaterThan(40);
        Plans.Count(p => p.TerminateAfter is not null).ShouldBeGreaterThan(10);
        Plans.Count(p => p.Signals.Count > 1).ShouldBeGreaterThan(40);
    }

    [Fact]
    public void A_seed_plans_the_same_each_time()
        => Planner.Plan(7, "f3").Ops.Select(o => o.ToString()).ShouldBe(Planner.Plan(7, "f3").Ops.Select(o => o.ToString()));

    private static IEnumerable<FlowPlan> Roots(long seed) => Enumerable.Range(0, 30).Select(i => Planner.Plan(seed, $"f{i}"));

    private static IEnumerable<FlowPlan> WithChildren(long seed, FlowPlan plan)
        => plan.AllOps.OfType<RunChild>().SelectMany(c => WithChildren(seed, Planner.Plan(seed, c.Plan))).Prepend(plan);
}
