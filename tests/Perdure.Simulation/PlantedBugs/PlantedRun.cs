#if PLANTED
using Perdure.Simulation.Checks;
using Perdure.Simulation.Runs;
using Xunit.Abstractions;

namespace Perdure.Simulation.PlantedBugs;

/// <summary>Runs seeds with each planted bug on until a checker finds it. Built in the copy only.</summary>
public sealed class PlantedRun(ITestOutputHelper output)
{
    private const ulong SeedsMax = 50_000;
    private const ulong SeedsWithQueuesMax = 2_000;

    [Fact]
    public void Each_bug_is_found_by_a_checker()
    {
        List<string> missed = [];
        foreach (PlantedBugText bug in BugList.Read())
        {
            PlantedBug.On = bug.Name;
            (ulong seed, Violation? violation) = Search(bug.From, bug.From > Simulated.FlowSeedsMax ? SeedsWithQueuesMax : SeedsMax);
            output.WriteLine($"{bug.Rule,-9} | {bug.Name,-24} | seed {seed,4} | {violation?.Checker ?? "NOT FOUND"}: {violation?.What}");
            if (violation is null)
            {
                missed.Add(bug.Name);
            }
        }

        PlantedBug.On = null;
        Search(1, 20).Found.ShouldBeNull("with no bug on, none is found");
        Search(Simulated.FlowSeedsMax + 1, 20).Found.ShouldBeNull("with no bug on, none is found");
        Search(Simulated.JobSeedsMax + 1, 20).Found.ShouldBeNull("with no bug on, none is found");
        missed.ShouldBeEmpty();
    }

    private static (ulong Seed, Violation? Found) Search(ulong first, ulong seeds)
    {
        for (ulong seed = first; seed < first + seeds; seed++)
        {
            if (Simulated.Of(seed).Violations is [var violation, ..])
            {
                return (seed, violation);
            }
        }

        return (first + seeds - 1, null);
    }
}
#endif
