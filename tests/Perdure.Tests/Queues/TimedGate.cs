using Perdure.Queues;

namespace Perdure.Tests.Queues;

/// <summary>Lets so many through at once, in every other stretch of time.</summary>
internal sealed class TimedGate(TimeSpan stretch, int places) : IGate
{
    public int Inside { get; private set; }

    public bool MayEnter(DateTimeOffset now) => Inside < places && now.UtcTicks / stretch.Ticks % 2 == 0;

    public bool TryEnter(DateTimeOffset now)
    {
        bool enters = MayEnter(now);
        Inside += enters ? 1 : 0;
        return enters;
    }

    public void Leave() => Inside--;

    public DateTimeOffset? NextChange(DateTimeOffset now) => new DateTimeOffset(((now.UtcTicks / stretch.Ticks) + 1) * stretch.Ticks, TimeSpan.Zero);
}
