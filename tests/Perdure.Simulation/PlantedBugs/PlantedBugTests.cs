#if !PLANTED
using Perdure.Shared;
using Xunit.Abstractions;

namespace Perdure.Simulation.PlantedBugs;

/// <summary>A checker that finds nothing proves nothing: each planted bug must be found by one.</summary>
public sealed class PlantedBugTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Every_planted_bug_is_found()
    {
        using var copy = new PlantedCopy(SourceTree.Root, BugList.Read());
        (int built, string build) = await copy.DotnetAsync("build", copy.Project, "-c", "Release", "-m:2", "--disable-build-servers",
            "-p:RunAnalyzers=false", "-p:TreatWarningsAsErrors=false", "-p:DefineConstants=PLANTED", "-v:q", "-nologo");
        built.ShouldBe(0, build);
        (int ran, string found) = await copy.DotnetAsync("test", copy.Project, "-c", "Release", "--no-build", "--filter", "PlantedRun", "--logger", "console;verbosity=detailed", "-nologo");
        output.WriteLine(string.Join('\n', found.Split('\n').Where(l => l.Contains(" | ", StringComparison.Ordinal))));
        ran.ShouldBe(0, found);
    }
}
#endif
