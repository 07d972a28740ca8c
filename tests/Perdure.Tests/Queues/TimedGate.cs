using Perdure.Queues;

namespace Perdure.Tests.Queues;

/// <summary>Lets so many through at once, in every other stretch of time.</summary>
internal sealed class TimedGate(TimeSpan stretch, int places) : IGate
{
    public int Inside { get; private set; }

    public bool MayEnter(DateTimeOffset now, bool isRetry = false) => Inside < places && now.UtcTicks / stretch.Ticks % 2 == 0;

    public bool TryEnter(DateTimeOffset now, bool isRetry = false)
    {
        bool enters = MayEnter(now, isRetry);
        Inside += enters ? 1 : 0;
        return enters;
    }

    public void Leave() => Inside--;

    public DateTimeOffset? NextChange(DateTimeOffset now, bool isRetry = false) => new DateTimeOffset(((now.UtcTicks / stretch.Ticks) + 1) * stretch.Ticks, TimeSpan.Zero);
}
