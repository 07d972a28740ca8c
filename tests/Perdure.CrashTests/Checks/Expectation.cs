using Perdure.CrashTests.Victim.Effects;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests.Checks;

/// <summary>What a part of a plan may come to when nobody cancels it: any of these results, or any of these exceptions.</summary>
internal sealed record Expectation(IReadOnlyList<string> Results, IReadOnlyList<string> Errors)
{
    public static Expectation Of(Op op, Func<string, FlowPlan> planOf) => op switch
    {
        RunStep { Step.Kind: StepKind.Rejected } => Throws(nameof(RejectedException)),
        RunStep { Step.Kind: StepKind.Broken } => Throws(nameof(StepFailedException), nameof(OutcomeUnknownException)), // unknown after a crash
        RunStep { Step.Kind: StepKind.LostForGood } => Throws(nameof(OutcomeUnknownException)),
        RunStep step => Returns(World.ResultOf(step.Step)),
        Together together => All(together.Branches.Select(b => Of(b, planOf))),
        Pause => Returns("waited"),
        Receive receive => Returns(receive.Value),
        Miss { Throws: true } => Throws(nameof(LimitReachedException)),
        Miss => Returns("none"),
        RunChild { Bond: ChildBond.Awaited } child => Child(Of(planOf(child.Plan), planOf)),
        RunChild => Returns("started"),
        Limited { Limit: null } limited => Of(limited.Body, planOf),
        Limited limited => Of(limited.Body, planOf).Or(Throws(nameof(LimitReachedException))),
        Race race => race.Rival is null ? Returns("waited") : Of(race.Rival, planOf).Or(Returns("waited")),
        Guarded guarded => Guard(Of(guarded.Body, planOf)),
        UndoNow => Returns("undone"),
        PassPivot => Returns("pivot"),
        _ => Throws(nameof(InvalidDataException)),
    };

    /// <summary>What a whole flow may come to.</summary>
    public static Expectation Of(FlowPlan plan, Func<string, FlowPlan> planOf)
    {
        Expectation all = Returns();
        foreach (Op op in plan.Ops)
        {
            Expectation next = Of(op, planOf);
            List<string> results = all.Results.SelectMany(r => next.Results.Select(n => r.Length == 0 ? n : $"{r};{n}")).ToList();
            all = new Expectation(results, [.. all.Errors, .. next.Errors]);
            if (results.Count == 0)
            {
                break; // nothing after it is reached
            }
        }

        return all;
    }

    private static Expectation Returns(string result = "") => new([result], []);

    private static Expectation Throws(params string[] errors) => new([], errors);

    private Expectation Or(Expectation other) => new([.. Results.Union(other.Results)], [.. Errors.Union(other.Errors)]);

    private static Expectation All(IEnumerable<Expectation> branches)
        => branches.Aggregate(Returns(), (all, next) => new Expectation(
            [.. all.Results.SelectMany(r => next.Results.Select(n => r.Length == 0 ? n : $"{r},{n}"))],
            [.. all.Errors, .. next.Errors]));

    private static Expectation Child(Expectation child)
        => new([.. child.Results.Select(r => $"({r})")], child.Errors.Count > 0 ? [nameof(ChildFailedException)] : []);

    private static Expectation Guard(Expectation body) => Returns().WithResults([.. body.Results.Union(body.Errors)]);

    private Expectation WithResults(IReadOnlyList<string> results) => this with { Results = results };
}
