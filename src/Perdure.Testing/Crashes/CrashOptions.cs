namespace Perdure.Testing;

/// <summary>How a scenario is tried under all its schedules.</summary>
public sealed record CrashOptions
{
    /// <summary>How much virtual time a scenario may take; 1,000 days by default.</summary>
    public TimeSpan TimeMax { get; init; } = TimeSpan.FromDays(1_000);

    /// <summary>What time it is when a schedule starts; noon (UTC) on 2026-01-01 by default.</summary>
    public DateTimeOffset? StartAt { get; init; }

    /// <summary>How long a step that is at work outside is waited for, in real time, before virtual time moves on; 1 s by default.</summary>
    public TimeSpan OutsideWorkMax { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long before the end of a run's patience a late signal comes; 1 s by default.</summary>
    public TimeSpan LastMoment { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether each crash is also tried with a second one, soon after the next process has started. Not by default: it doubles the time.</summary>
    public bool CrashesAgain { get; init; }

    /// <summary>Whether a run may be stuck at the end; it fails the schedule by default.</summary>
    public bool AllowsStuck { get; init; }
}
