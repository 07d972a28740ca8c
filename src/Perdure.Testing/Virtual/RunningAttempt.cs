namespace Perdure.Testing.Virtual;

/// <summary>An attempt of a step that has begun and not ended. What it waits for is a timer of the world, or something outside of it.</summary>
internal sealed class RunningAttempt
{
    private static readonly AsyncLocal<RunningAttempt?> Flowing = new();
    private int _timers;

    /// <summary>The attempt whose code runs now; null outside of attempts.</summary>
    public static RunningAttempt? Current
    {
        get => Flowing.Value;
        set => Flowing.Value = value;
    }

    /// <summary>Whether a timer of the world is set that its code made, so that time must move for it to go on.</summary>
    public bool AwaitsTime => Volatile.Read(ref _timers) > 0;

    /// <summary>Whether it was waited for in vain, in real time.</summary>
    public bool IsLeft { get; set; }

    public void TimerIs(bool isSet) => Interlocked.Add(ref _timers, isSet ? 1 : -1);
}
