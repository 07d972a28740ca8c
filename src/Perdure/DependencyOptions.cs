using Perdure.Diagnostics;

namespace Perdure;

/// <summary>Limits and the breaker of something that steps and jobs depend on: a service, a machine, an account with a quota. They hold on each node by itself.</summary>
/// <remarks>
/// What may not go now waits, in the order in which it came. A wait uses up no attempt and no time-out. The breaker counts attempts that
/// failed with a transient error, with an unknown outcome or by their time-out; a rejection is an answer like any other.
/// </remarks>
public sealed class DependencyOptions
{
    /// <summary>How many attempts run at once; 100 by default. Null for no limit.</summary>
    public int? Concurrency { get; set; } = 100;

    /// <summary>How many attempts start per time; null, the default, for no limit.</summary>
    public Rate? Rate { get; set; }

    /// <summary>The share of failures, of all attempts that ended within <see cref="Window"/>, at which the breaker opens; 0.5 by default, more than 0 to 1. Null for no breaker.</summary>
    public double? OpenAt { get; set; } = 0.5;

    /// <summary>How many attempts must have ended within <see cref="Window"/> before the breaker opens; 10 by default, at least 1.</summary>
    public int AtLeast { get; set; } = 10;

    /// <summary>The time over which attempts are counted, in tenths that pass one by one; 10 s by default, 10 ms to 1 hour.</summary>
    public TimeSpan Window { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long the breaker stays open before one attempt, the probe, may go; 5 s by default, 1 ms to 1 day. Chance makes it up to a fifth shorter.</summary>
    public TimeSpan OpenFor { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest time that the breaker stays open: each probe that fails doubles it up to there. 1 minute by default, from <see cref="OpenFor"/> to 1 day.</summary>
    public TimeSpan OpenForMax { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How many retries may go per first attempt, both counted over <see cref="Window"/>; 0.2 by default, zero or more. Null for no limit.</summary>
    public double? RetryBudget { get; set; } = 0.2;

    /// <summary>How many retries per second may go whatever <see cref="RetryBudget"/> says; 10 by default, at least 1.</summary>
    public int RetriesPerSecond { get; set; } = 10;

    internal void Check(string dependency)
    {
        Require(Concurrency is null or >= 1, nameof(Concurrency), "at least 1, or null");
        Require(OpenAt is null or (> 0 and <= 1), nameof(OpenAt), "more than 0, up to 1, or null");
        Require(AtLeast >= 1, nameof(AtLeast), "at least 1");
        Require(Window >= TimeSpan.FromMilliseconds(10) && Window <= TimeSpan.FromHours(1), nameof(Window), "10 ms to 1 hour");
        Require(OpenFor >= TimeSpan.FromMilliseconds(1) && OpenFor <= TimeSpan.FromDays(1), nameof(OpenFor), "1 ms to 1 day");
        Require(OpenForMax >= OpenFor && OpenForMax <= TimeSpan.FromDays(1), nameof(OpenForMax), "from OpenFor to 1 day");
        Require(RetryBudget is null or (>= 0 and < double.PositiveInfinity), nameof(RetryBudget), "zero or more, or null");
        Require(RetriesPerSecond >= 1, nameof(RetriesPerSecond), "at least 1");
        Rate?.Check($"dependency {dependency}");

        void Require(bool holds, string option, string range)
        {
            if (!holds)
            {
                throw new PerdureException(ErrorCodes.BadOption, $"dependency {dependency}: {option} must be {range}.");
            }
        }
    }
}
