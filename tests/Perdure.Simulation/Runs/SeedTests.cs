using System.Diagnostics;
using System.Globalization;
using Xunit.Abstractions;

namespace Perdure.Simulation.Runs;

/// <summary>Runs seeds: a fixed set of them, one again (PERDURE_SEED), or very many (PERDURE_SEEDS, or PERDURE_LONG=1).</summary>
public sealed class SeedTests(ITestOutputHelper output)
{
    [Fact]
    public void The_fixed_seeds_keep_every_promise()
    {
        int count = int.Parse(Environment.GetEnvironmentVariable("PERDURE_SEEDS") ?? "200", CultureInfo.InvariantCulture);
        ulong first = ulong.Parse(Environment.GetEnvironmentVariable("PERDURE_SEED_FIRST") ?? "1", CultureInfo.InvariantCulture);
        var watch = Stopwatch.StartNew();
        int bad = 0;
        HashSet<string> marks = [];
        long commits = 0;
        for (ulong seed = first; seed < first + (ulong)count; seed++)
        {
            SimulatedRun run = Simulated.Of(seed);
            marks.UnionWith(run.Marks);
            commits += run.Commits;
            if (run.Violations.Count > 0 || run.ForeignPosts > 0)
            {
                bad++;
                output.WriteLine($"seed {seed} ({run.ForeignPosts} foreign):");
                foreach (Checks.Violation violation in run.Violations.Take(4))
                {
                    output.WriteLine($"   {violation.Checker}: {violation.What}");
                }
            }
        }

        output.WriteLine($"{count} seeds, {bad} bad, {count / watch.Elapsed.TotalSeconds:N1} seeds per second, {commits} commits");
        output.WriteLine(string.Join('\n', marks.Order(StringComparer.Ordinal)));
        bad.ShouldBe(0);
    }
}
