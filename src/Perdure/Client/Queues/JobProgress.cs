namespace Perdure;

/// <summary>How far a job has come.</summary>
/// <param name="Status">Where it stands; one that has ended comes no further.</param>
/// <param name="Done">The share that is done, 0 to 1, as its worker reported it last; null if it did not.</param>
/// <param name="Text">How far it has come in words, as its worker reported it last.</param>
public sealed record JobProgress(JobStatus Status, double? Done, string? Text)
{
    /// <summary>Which attempt it is at, from 1.</summary>
    public int Attempt { get; init; } = 1;
}
