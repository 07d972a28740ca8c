namespace Perdure.Worker;

/// <summary>Keeps starts to a rate, by the generic cell rate algorithm. Not for several threads at once.</summary>
internal sealed class Pace(Rate rate)
{
    /// <summary>The time per start, rounded up: rather too slow than too fast.</summary>
    private readonly long _interval = (rate.Per.Ticks + rate.Count - 1) / rate.Count;

    /// <summary>When all of the burst is there again.</summary>
    private long _fullAt;

    /// <summary>When the next one may start.</summary>
    public DateTimeOffset NextAt => new((long)Int128.Max(0, _fullAt - ((rate.Burst - 1) * (Int128)_interval)), TimeSpan.Zero);

    public void Start(DateTimeOffset now) => _fullAt = Math.Max(_fullAt, now.UtcTicks) + _interval;
}
