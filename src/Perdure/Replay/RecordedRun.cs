using Perdure.Storage;

namespace Perdure.Replay;

/// <summary>All that it takes to replay a run: what the store holds of it, and the seed of its chance.</summary>
/// <param name="Stored">The run as it was read, whole.</param>
/// <param name="Seed">The seed.</param>
internal sealed record RecordedRun(StoredFlow Stored, ulong Seed)
{
    /// <summary>The file that it came from; null if it came from the store.</summary>
    public string? Source { get; init; }
}
