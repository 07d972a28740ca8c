using System.Diagnostics;
using System.Globalization;
using Perdure.Engine;
using Perdure.Simulation.Checks;
using Perdure.Simulation.Seen;
using Xunit.Abstractions;

namespace Perdure.Simulation.Runs;

/// <summary>
/// Runs seeds: a fixed set of them; with PERDURE_LONG=1 very many; with PERDURE_SEEDS=n so many, from PERDURE_SEED_FIRST on.
/// </summary>
public sealed class SeedTests(ITestOutputHelper output)
{
    private const ulong FixedSeeds = 5_000;
    private const ulong ManySeeds = 100_000;
    private const ulong FixedJobSeeds = 1_000;
    private const ulong ManyJobSeeds = 50_000;
    private const ulong FixedEventSeeds = 500;
    private const ulong ManyEventSeeds = 20_000;
    private const ulong ReportEvery = 5_000;
    private const int BadMax = 20;

    private static bool IsLong => Environment.GetEnvironmentVariable("PERDURE_LONG") == "1";

    [Fact]
    public void The_fixed_seeds_keep_every_promise_and_reach_every_situation()
        => Run(1, IsLong ? ManySeeds : FixedSeeds, FixedSeeds, Situations.OfFlows);

    [Fact]
    public void The_fixed_seeds_with_queues_keep_every_promise_and_reach_every_situation()
        => Run(Simulated.FlowSeedsMax + 1, IsLong ? ManyJobSeeds : FixedJobSeeds, FixedJobSeeds, Situations.OfJobs);

    [Fact]
    public void The_fixed_seeds_with_events_keep_every_promise_and_reach_every_situation()
        => Run(Simulated.JobSeedsMax + 1, IsLong ? ManyEventSeeds : FixedEventSeeds, FixedEventSeeds, Situations.OfEvents);

    private void Run(ulong from, ulong seeds, ulong enough, HashSet<string> situations)
    {
        ulong count = Number("PERDURE_SEEDS", seeds);
        ulong first = from - 1 + Number("PERDURE_SEED_FIRST", 1);
        var watch = Stopwatch.StartNew();
        HashSet<string> marks = [];
        List<ulong> bad = [];
        long commits = 0;
        ulong course = 0;
        TimeSpan lived = TimeSpan.Zero;
        for (ulong seed = first; seed < first + count && bad.Count < BadMax; seed++)
        {
            SimulatedRun run = Simulated.Of(seed);
            marks.UnionWith(run.Marks);
            commits += run.Commits;
            lived += run.Took;
            course = ReplayRandom.Mix(course ^ run.TraceHash);
            if (run.Violations.Count > 0 || run.ForeignPosts > 0)
            {
                bad.Add(seed);
                Report(run);
            }

            ulong done = seed - first + 1;
            if (done % ReportEvery == 0)
            {
                output.WriteLine($"{done} seeds, {bad.Count} bad, {done / watch.Elapsed.TotalSeconds:N0} per second");
            }
        }

        output.WriteLine($"{count} seeds from {first} on, {bad.Count} bad, {count / watch.Elapsed.TotalSeconds:N0} per second; {commits} commits, {lived.TotalDays:N1} days of virtual time; course {course:x16}");
        bad.ShouldBeEmpty("look at one with PERDURE_SEED=n");
        if (count >= enough)
        {
            situations.Except(marks).ShouldBeEmpty("these situations were never reached");
        }
    }

    private static ulong Number(string variable, ulong otherwise)
        => Environment.GetEnvironmentVariable(variable) is { } text ? ulong.Parse(text, CultureInfo.InvariantCulture) : otherwise;

    private void Report(SimulatedRun run)
    {
        output.WriteLine($"seed {run.Seed}{(run.ForeignPosts > 0 ? " (something escaped to another thread)" : "")}:");
        foreach (Violation violation in run.Violations.Take(4))
        {
            output.WriteLine($"   {violation.Checker}: {violation.What}");
        }
    }
}
