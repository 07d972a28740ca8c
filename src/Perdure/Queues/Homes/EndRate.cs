namespace Perdure.Queues;

/// <summary>How many jobs of a queue have ended per time lately: counts per stretch of five seconds, for a minute.</summary>
internal sealed class EndRate(DateTimeOffset began)
{
    private const int Stretches = 12;
    private static readonly TimeSpan Stretch = TimeSpan.FromSeconds(5);

    private readonly int[] _counts = new int[Stretches];
    private long _last = began.UtcTicks / Stretch.Ticks;

    public void Ended(DateTimeOffset now)
    {
        Advance(now);
        _counts[_last % Stretches]++;
    }

    /// <summary>How many end per second; null if none did in the last minute.</summary>
    public double? PerSecond(DateTimeOffset now)
    {
        Advance(now);
        int count = _counts.Sum();
        if (count == 0)
        {
            return null;
        }

        var from = new DateTimeOffset((_last - Stretches + 1) * Stretch.Ticks, TimeSpan.Zero);
        TimeSpan span = now - (from > began ? from : began);
        return count / Math.Max(1, span.TotalSeconds);
    }

    private void Advance(DateTimeOffset now)
    {
        long stretch = now.UtcTicks / Stretch.Ticks;
        for (long next = Math.Max(_last + 1, stretch - Stretches + 1); next <= stretch; next++)
        {
            _counts[next % Stretches] = 0;
        }

        _last = Math.Max(_last, stretch);
    }
}
