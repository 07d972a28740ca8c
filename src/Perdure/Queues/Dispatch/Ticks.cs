namespace Perdure.Queues;

/// <summary>Times as UTC ticks, which compare and add cheaply.</summary>
internal static class Ticks
{
    public const long Never = long.MaxValue;

    public static DateTimeOffset At(long ticks) => new(Math.Clamp(ticks, 0, DateTime.MaxValue.Ticks), TimeSpan.Zero);

    public static long OrNever(DateTimeOffset? at) => at?.UtcTicks ?? Never;

    public static DateTimeOffset? OrNull(long ticks) => ticks == Never ? null : At(ticks);
}
