using System.Globalization;
using Xunit.Abstractions;

namespace Perdure.Simulation.Runs;

/// <summary>A seed is all that a run hangs on.</summary>
public sealed class ReplayTests(ITestOutputHelper output)
{
    [Fact]
    public void A_seed_goes_the_same_way_each_time()
    {
        ulong count = Number("PERDURE_SEEDS", 100);
        ulong[] kinds = [0, Simulated.FlowSeedsMax, Simulated.JobSeedsMax];
        foreach (ulong seed in kinds.SelectMany(kind => Enumerable.Range(1, (int)count).Select(i => kind + (ulong)i)))
        {
            SimulatedRun first = Simulated.Of(seed);
            SimulatedRun second = Simulated.Of(seed, trace: static _ => { });
            second.TraceHash.ShouldBe(first.TraceHash, $"seed {seed}");
            second.Took.ShouldBe(first.Took);
            first.ForeignPosts.ShouldBe(0);
        }
    }

    /// <summary>With PERDURE_SEED=n the seed's whole course is printed.</summary>
    [Fact]
    public void A_seed_can_be_looked_at()
    {
        ulong seed = Number("PERDURE_SEED", 1);
        List<string> lines = [];
        SimulatedRun run = Simulated.Of(seed, lines.Add);
        if (Environment.GetEnvironmentVariable("PERDURE_SEED") is not null)
        {
            lines.ForEach(output.WriteLine);
        }

        output.WriteLine($"seed {seed}: {lines.Count} events, {run.Commits} commits, {run.Took:c} of virtual time, trace hash {run.TraceHash:x16}");
        foreach (Checks.Violation violation in run.Violations)
        {
            output.WriteLine($"{violation.Checker}: {violation.What}");
        }

        run.Violations.ShouldBeEmpty();
        run.ForeignPosts.ShouldBe(0);
    }

    private static ulong Number(string variable, ulong otherwise)
        => Environment.GetEnvironmentVariable(variable) is { } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
