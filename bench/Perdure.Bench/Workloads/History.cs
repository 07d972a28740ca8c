using System.Globalization;
using Perdure.Bench.Runner;

namespace Perdure.Bench.Workloads;

/// <summary>Flows of many steps: what a step costs, and how fast a host that knows nothing of them replays them.</summary>
internal static class History
{
    private const int StepsPerLength = 10_000;
    private static readonly int[] SweepLengths = [10, 100, 1_000, 10_000];

    public static Workload Workload { get; } = new("history", "one flow of n steps, then its replay from cold, both in steps/s", 10_000, MeasureAsync)
    {
        Options = ["--sweep"],
        Stores = ["sqlite"],
    };

    private static async Task<Report> MeasureAsync(BenchOptions options, CancellationToken cancellationToken)
    {
        using TempDir dir = TempDir.Make(options.Dir);
        var runs = new HistoryRuns(options with { Clients = 1 }, dir);
        if (options.WarmUp > 0)
        {
            await runs.RunAsync(StepsPerLength, flows: 1, cancellationToken);
        }

        if (!options.Sweep)
        {
            return Describe(await runs.RunAsync(options.N, flows: 1, cancellationToken));
        }

        List<HistoryRuns.Outcome> outcomes = [];
        foreach (int length in SweepLengths)
        {
            outcomes.Add(await runs.RunAsync(length, StepsPerLength / length, cancellationToken));
        }

        Report report = Describe(outcomes[^1]);
        foreach (HistoryRuns.Outcome outcome in outcomes)
        {
            string length = outcome.Length.ToString(CultureInfo.InvariantCulture);
            report.With($"step_us_{length}", outcome.Live.TotalMicroseconds / outcome.Steps.Count, 1)
                .With($"replay_per_second_{length}", outcome.Length * outcome.Flows / outcome.Replay.TotalSeconds, 0);
        }

        return report;
    }

    private static Report Describe(HistoryRuns.Outcome outcome)
        => outcome.Report
            .With("seconds", outcome.Live.TotalSeconds, 3)
            .With("per_second", outcome.Steps.Count / outcome.Live.TotalSeconds, 1)
            .With("replay_seconds", outcome.Replay.TotalSeconds, 4)
            .With("replay_per_second", outcome.Length * outcome.Flows / outcome.Replay.TotalSeconds, 0);
}
