namespace Perdure.Bench.Runner;

/// <summary>One thing to measure.</summary>
/// <param name="Name">What the command line calls it.</param>
/// <param name="What">What it is, in a sentence for --help.</param>
/// <param name="DefaultN">How many, unless --n says otherwise.</param>
/// <param name="RunAsync">Runs it.</param>
internal sealed record Workload(string Name, string What, int DefaultN, Func<BenchOptions, CancellationToken, Task<Report>> RunAsync)
{
    /// <summary>The options that only some workloads have, and this one too.</summary>
    public IReadOnlyList<string> Options { get; init; } = [];

    /// <summary>The stores it runs on; the first is the default.</summary>
    public IReadOnlyList<string> Stores { get; init; } = ["sqlite", "memory", "postgres"];
}
