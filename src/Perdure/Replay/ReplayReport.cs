using System.Globalization;
using System.Text;

namespace Perdure;

/// <summary>What a replay check found.</summary>
/// <param name="Runs">How many runs were checked.</param>
/// <param name="Problems">The runs that would get stuck, or would end otherwise than they did.</param>
public sealed record ReplayReport(int Runs, IReadOnlyList<ReplayProblem> Problems)
{
    private const int ShownMax = 20;

    /// <summary>Whether every run fits the code.</summary>
    public bool Passes => Problems.Count == 0;

    /// <summary>The report as text, with the first 20 problems.</summary>
    public override string ToString()
    {
        if (Passes)
        {
            return string.Create(CultureInfo.InvariantCulture, $"{Runs} runs replayed, and all fit the code.");
        }

        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{Problems.Count} of {Runs} runs do not fit the code:");
        foreach (ReplayProblem problem in Problems.Take(ShownMax))
        {
            text.Append("\n  ").Append(problem);
        }

        return text.Append(Problems.Count > ShownMax ? $"\n  and {Problems.Count - ShownMax} more" : "").ToString();
    }
}

/// <summary>A run that does not fit the code.</summary>
/// <param name="Type">The flow type's durable name.</param>
/// <param name="Id">The run's id.</param>
/// <param name="Version">The version that it runs on.</param>
/// <param name="Code">Why it would be stuck: PRD3001 where code and history differ, PRD3010 where no code is registered, or another of PRD3xxx.</param>
/// <param name="Reason">The reason in words, with both sides.</param>
public sealed record ReplayProblem(string Type, string Id, int Version, string Code, string Reason)
{
    /// <summary>The history row at which it would be stuck; null if its code is missing.</summary>
    public int? Position { get; init; }

    /// <summary>The step, timer, signal or child whose answer this row holds; null where it answers none.</summary>
    public string? After { get; init; }

    /// <summary>Where the history was read from; null for a run of the store.</summary>
    public string? Source { get; init; }

    /// <inheritdoc/>
    public override string ToString()
    {
        string at = Position is { } position ? string.Create(CultureInfo.InvariantCulture, $" at row {position}{(After is null ? "" : $", after {After}")}") : "";
        return $"{Type}/{Id}{(Source is null ? "" : $" ({Source})")}{at}: {Code}: {Reason}";
    }
}
