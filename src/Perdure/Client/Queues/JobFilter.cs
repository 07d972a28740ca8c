namespace Perdure;

/// <summary>Which jobs to list, cancel or redrive. Properties that are null leave all through.</summary>
public sealed record JobFilter
{
    /// <summary>Jobs of this queue.</summary>
    public string? Queue { get; init; }

    /// <summary>Jobs of this contract, by its durable name.</summary>
    public string? Type { get; init; }

    /// <summary>Jobs with this key.</summary>
    public string? Key { get; init; }

    /// <summary>Jobs of this business transaction that something else began.</summary>
    public string? Correlation { get; init; }

    /// <summary>Jobs that stand so. For jobs that have not ended the store knows only <see cref="JobStatus.Waiting"/>.</summary>
    public JobStatus? Status { get; init; }

    /// <summary>Jobs that came at or after this time.</summary>
    public DateTimeOffset? CreatedFrom { get; init; }

    /// <summary>Jobs that came before this time.</summary>
    public DateTimeOffset? CreatedBefore { get; init; }

    /// <summary>At most so many, at least 1; 1,000 by default.</summary>
    public int Limit { get; init; } = 1_000;
}
