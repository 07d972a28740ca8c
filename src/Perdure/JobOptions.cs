namespace Perdure;

/// <summary>How one job is done. What is null is as the contract (<c>AddJob</c>) or the queue says.</summary>
public sealed record JobOptions
{
    /// <summary>The queue; the contract's by default.</summary>
    public string? Queue { get; init; }

    /// <summary>The priority, -1,000,000 to 1,000,000: the lowest number goes first.</summary>
    public int? Priority { get; init; }

    /// <summary>The key by which the queue limits, orders or takes turns, 1 to 400 characters.</summary>
    public string? Key { get; init; }

    /// <summary>How long to wait before the first attempt. Not together with <see cref="RunAt"/>.</summary>
    public TimeSpan? Delay { get; init; }

    /// <summary>When to make the first attempt. Not together with <see cref="Delay"/>.</summary>
    public DateTimeOffset? RunAt { get; init; }

    /// <summary>What is the same for jobs that are one and the same, 1 to 400 characters; among the queue's jobs of this type.</summary>
    public string? DedupKey { get; init; }

    /// <summary>What to do when a job with the same <see cref="DedupKey"/> is there.</summary>
    public Dedup? Dedup { get; init; }

    /// <summary>How long this caller wants the job's result. Then it leaves, as with a cancel; the job goes on for others who joined it.</summary>
    public TimeSpan? Limit { get; init; }

    /// <summary>After how long the job is a dead letter if it is not done.</summary>
    public TimeSpan? ExpireAfter { get; init; }

    /// <summary>The time for one attempt.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How attempts that fail are repeated.</summary>
    public Retry? Retry { get; init; }

    /// <summary>How long the result is kept for who asks later. The end of a job without a result is kept only where this says so.</summary>
    public TimeSpan? KeepResult { get; init; }
}

/// <summary>What to do with a job when one with the same dedup key is there.</summary>
public sealed record Dedup
{
    private Dedup()
    {
    }

    /// <summary>The caller joins the job that is there, waiting or running, and gets the same answer. After its end a new one is made. The default.</summary>
    public static Dedup Join { get; } = new() { Mode = DedupMode.Join };

    /// <summary>As <see cref="Join"/>, but only a job that waits is joined; one that runs may have missed what this caller wants.</summary>
    public static Dedup JoinUntilStarted { get; } = new() { Mode = DedupMode.Join, UntilStarted = true };

    /// <summary>The new one is dropped while one is there, waiting or running.</summary>
    public static Dedup Ignore { get; } = new() { Mode = DedupMode.Ignore };

    /// <summary>The new one is dropped while one waits.</summary>
    public static Dedup IgnoreUntilStarted { get; } = new() { Mode = DedupMode.Ignore, UntilStarted = true };

    /// <summary>The new one takes the place of one that waits, and its delay begins anew (debounce); who waited for the old one gets the new one's answer. A job that runs is never touched.</summary>
    public static Dedup Replace { get; } = new() { Mode = DedupMode.Replace, UntilStarted = true };

    /// <summary>As <see cref="Replace"/>, but a job that runs is joined where <see cref="JobContract{TJob}.Merge"/> gives it back: the new one wants no more. Otherwise the new one comes after it.</summary>
    public static Dedup ReplaceOrJoin { get; } = new() { Mode = DedupMode.Replace };

    /// <summary>At most one per window, from the first on (throttle): the others are dropped.</summary>
    /// <param name="window">The window, more than zero.</param>
    public static Dedup OncePer(TimeSpan window)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(window, TimeSpan.Zero);
        return new() { Mode = DedupMode.Ignore, Window = window };
    }

    internal static Dedup Of(DedupMode mode, bool untilStarted, TimeSpan? window) => new() { Mode = mode, UntilStarted = untilStarted, Window = window };

    internal DedupMode Mode { get; private init; }

    internal bool UntilStarted { get; private init; }

    internal TimeSpan? Window { get; private init; }
}

/// <summary>The ways to treat a job that is there already.</summary>
internal enum DedupMode
{
    Join = 0,
    Ignore = 1,
    Replace = 2,
}
