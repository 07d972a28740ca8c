namespace Perdure.Engine;

/// <summary>Where time, chance and threads come from, so that a simulator can run the whole engine on one thread.</summary>
internal abstract class Seams
{
    public abstract TimeProvider Time { get; }

    /// <summary>The machine's own time, by which turns that hold their thread are found, even when <see cref="Time"/> is a test's.</summary>
    public abstract TimeProvider MachineTime { get; }

    /// <summary>A random number from 0 up to 1.</summary>
    public abstract double Chance();

    /// <summary>A new random id.</summary>
    public abstract Guid NewGuid();

    /// <summary>Runs work on some thread, soon.</summary>
    public abstract void Run(IThreadPoolWorkItem work);

    /// <summary>Runs many pieces of work, soon. None waits for another that blocks.</summary>
    public virtual void RunAll(List<IThreadPoolWorkItem> work) => work.ForEach(Run);

    /// <summary>Makes what runs a loop whenever it is woken.</summary>
    public abstract ILoopThread StartLoop(string name, Action pump);

    /// <summary>
    /// How tasks are made on which others wait inside the engine: whoever completes one must not run what waits for it.
    /// </summary>
    public abstract TaskCreationOptions Continuations { get; }

    /// <summary>Cancels, and runs the callbacks on the token elsewhere: they are foreign code.</summary>
    public abstract void Cancel(CancellationTokenSource source);

    /// <summary>Waits for a moment, by the machine's clock.</summary>
    public abstract Task Pause(TimeSpan pause, CancellationToken cancellationToken);

    /// <summary>Waits by the seam's clock.</summary>
    public abstract Task Delay(TimeSpan delay, CancellationToken cancellationToken);
}

/// <summary>What runs a loop: one call of its pump at a time, and one more after each wake-up.</summary>
internal interface ILoopThread
{
    /// <summary>Makes the pump run again. From any thread; wake-ups that come while one is pending are one.</summary>
    void Wake();

    /// <summary>Whether the pump's thread blocks now.</summary>
    bool IsBlocked { get; }

    /// <summary>Makes a blocked wait of the pump's thread throw where it is.</summary>
    void Interrupt();

    /// <summary>Swallows an interrupt that was sent but not delivered. On the pump's own thread only.</summary>
    /// <returns>Whether there was one.</returns>
    bool AbsorbInterrupt();

    /// <summary>Gives up the thread that the pump runs on, and goes on with another one. The old one must leave the pump when it can.</summary>
    void Abandon();

    /// <summary>Ends the loop's thread after the current pump.</summary>
    void Stop();
}
