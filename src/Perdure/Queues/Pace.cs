namespace Perdure.Queues;

/// <summary>
/// The generic cell rate algorithm over ticks. What it remembers is one number, the theoretical arrival time (<c>tat</c>): when the next start would be due
/// if all were evenly spread; 0 when nothing is remembered. The spacing is rounded up to a tick (100 ns), so that never more start than allowed.
/// </summary>
internal sealed class Pace
{
    /// <summary>Three thousand years: keeps sums in range.</summary>
    private const long SlackMax = 1_000_000_000_000_000_000;

    private readonly long _spacing;
    private readonly long _slack;

    public Pace(Rate rate)
    {
        _spacing = ((rate.Per.Ticks - 1) / rate.Count) + 1;
        _slack = (long)Int128.Min(SlackMax, (Int128)(rate.Burst - 1) * _spacing);
    }

    /// <summary>From when on one may start.</summary>
    public long EarliestAt(long tat) => tat - _slack;

    /// <summary>What is remembered after a start.</summary>
    public long After(long tat, long now) => Math.Max(tat, now) + _spacing;

    /// <summary>The most that can be remembered when all of the burst was just used: a time beyond it comes from another rate or clock.</summary>
    public long Bound(long tat, long now) => Math.Min(tat, now + _slack + _spacing);
}
