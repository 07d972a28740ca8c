using System.Text.Json;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests.Checks;

/// <summary>A flow ended as its plan says, with what its plan says, unless somebody cancelled or terminated it.</summary>
internal static class OutcomeChecks
{
    public static IEnumerable<string> Check(Story story, FlowPlan plan, Evidence evidence)
    {
        StoredRun run = story.Run;
        if (run.Status is not (StoredRun.Completed or StoredRun.Failed) || run.History[^1].Result is not { } json)
        {
            yield break; // a result that is missing is found elsewhere
        }

        var expected = Expectation.Of(plan, name => Planner.Plan(evidence.Seed, name));
        using JsonDocument result = JsonDocument.Parse(json);
        if (run.Status == StoredRun.Completed)
        {
            string seen = result.RootElement.GetString()!;
            if (!expected.Results.Contains(seen))
            {
                yield return $"it completed with {seen}, and its plan comes to {Text(expected)}";
            }
        }
        else if (!expected.Errors.Any(e => IsThat(e, result.RootElement)))
        {
            yield return $"it failed with {result.RootElement}, and its plan comes to {Text(expected)}";
        }
    }

    private static bool IsThat(string exception, JsonElement error) => exception switch
    {
        nameof(InvalidDataException) => error.GetProperty("type").GetString() == exception,
        _ => error.GetProperty("code").GetString() == exception switch
        {
            nameof(RejectedException) => "PRD2001",
            nameof(StepFailedException) => "PRD2002",
            nameof(OutcomeUnknownException) => "PRD2003",
            nameof(LimitReachedException) => "PRD2004",
            _ => "PRD2005",
        },
    };

    private static string Text(Expectation expected)
        => string.Join(" or ", expected.Results.Take(5).Concat(expected.Errors.Distinct()));
}
