namespace Perdure;

/// <summary>How a step is retried after an error that may pass. Delays grow by <see cref="Factor"/>, up to <see cref="Cap"/>, and are spread by <see cref="Jitter"/>.</summary>
/// <remarks>
/// An attempt that a crash or a shutdown ended is not counted. Back-offs of over a second are durable: they outlive the process. The
/// n-th delay is <c>min(Cap, First * Factor^(n-1))</c>, of which a random share of up to <see cref="Jitter"/> is taken off
/// (after M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015).
/// </remarks>
public sealed record Retry
{
    [System.Text.Json.Serialization.JsonConstructor]
    private Retry()
    {
    }

    /// <summary>How many attempts at most, the first one included; null for no end. At least 1.</summary>
    public int? Attempts { get; init; }

    /// <summary>The delay after the first attempt; 200 ms by default.</summary>
    public TimeSpan First { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest delay; one minute by default.</summary>
    public TimeSpan Cap { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>By what the delay grows from one attempt to the next; 2 by default, 1 for a fixed delay.</summary>
    public double Factor { get; init; } = 2;

    /// <summary>The largest share of a delay that chance may take off, from 0 to 1; 0.5 by default.</summary>
    public double Jitter { get; init; } = 0.5;

    /// <summary>The time for all attempts together, from the start of the first; null for no limit. No attempt starts after it.</summary>
    public TimeSpan? Within { get; init; }

    /// <summary>With no end of attempts: after so many the flow is stuck and waits for a person; 100 by default: 70 minutes on average with the other defaults, 92 at most.</summary>
    public int StuckAfter { get; init; } = 100;

    /// <summary>One attempt and no more.</summary>
    public static Retry None { get; } = new() { Attempts = 1 };

    /// <summary>What a step gets that says nothing: 12 attempts over some three minutes (167 s on average, 222 s at most).</summary>
    public static Retry Default { get; } = new() { Attempts = 12 };

    /// <summary>No end of attempts; what undo, and every step after the pivot, get that say nothing.</summary>
    public static Retry Forever { get; } = new();

    /// <summary>Growing delays.</summary>
    /// <param name="attempts">How many attempts at most; at least 1.</param>
    /// <param name="first">The first delay; 200 ms by default.</param>
    /// <param name="cap">The longest delay; one minute by default.</param>
    /// <param name="within">The time for all attempts together; no limit by default.</param>
    public static Retry Exponential(int attempts, TimeSpan? first = null, TimeSpan? cap = null, TimeSpan? within = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(attempts, 1);
        return new()
        {
            Attempts = attempts,
            First = NotNegative(first, nameof(first)) ?? Default.First,
            Cap = NotNegative(cap, nameof(cap)) ?? Default.Cap,
            Within = NotNegative(within, nameof(within)),
        };
    }

    /// <summary>The same delay each time, without jitter.</summary>
    public static Retry Fixed(int attempts, TimeSpan delay)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(attempts, 1);
        NotNegative(delay, nameof(delay));
        return new() { Attempts = attempts, First = delay, Cap = delay, Factor = 1, Jitter = 0 };
    }

    /// <summary>The delay after so many failed attempts. Chance is a number from 0 up to 1.</summary>
    internal TimeSpan DelayAfter(int attempts, double chance)
    {
        // The power overflows to infinity long before the cap would be missed, so compare as doubles.
        double ticks = Math.Min(Cap.Ticks, First.Ticks * Math.Pow(Factor, attempts - 1));
        return TimeSpan.FromTicks((long)(ticks * (1 - (Jitter * chance))));
    }

    /// <summary>Finds values out of their ranges that a <c>with</c> may have set.</summary>
    internal void Check()
    {
        if (Attempts < 1 || StuckAfter < 1 || First < TimeSpan.Zero || Cap < TimeSpan.Zero || Within < TimeSpan.Zero || Factor is not >= 1 || Jitter is not (>= 0 and <= 1))
        {
            throw new PerdureException(Diagnostics.ErrorCodes.BadOption, $"a Retry is out of its ranges: {this}.");
        }
    }

    private static TimeSpan? NotNegative(TimeSpan? value, string name)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value ?? TimeSpan.Zero, TimeSpan.Zero, name);
        return value;
    }
}
