using Perdure.Engine;

namespace Perdure.Testing.Virtual;

/// <summary>The engine's seams over a world: its loops, steps and waits are work of one place.</summary>
/// <param name="place">The process that the engine is in.</param>
/// <param name="machineTime">By which turns that hold their thread are found; the machine's own clock lets a world's thread be interrupted.</param>
internal sealed class VirtualSeams(Place place, TimeProvider machineTime) : Seams
{
    public override TimeProvider Time => place.Time;

    public override TimeProvider MachineTime => machineTime;

    public override TaskCreationOptions Continuations => TaskCreationOptions.None;

    public override double Chance() => place.World.Chance.NextDouble();

    public override Guid NewGuid() => place.World.Chance.NextGuid();

    public override void Run(IThreadPoolWorkItem work) => place.Post(work.Execute);

    public override ILoopThread StartLoop(string name, Action pump) => new Loop(place, pump);

    public override Task Pause(TimeSpan pause, CancellationToken cancellationToken) => Delay(pause, cancellationToken);

    public override Task Delay(TimeSpan delay, CancellationToken cancellationToken) => Task.Delay(delay, place.Time, cancellationToken);

    public override void Cancel(CancellationTokenSource source) => place.PostAtEdge(() =>
    {
        try
        {
            source.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // What it was to stop has ended meanwhile.
        }
    });

    /// <summary>A loop whose pump is work of the place. Its thread is whichever runs the world.</summary>
    private sealed class Loop(Place place, Action pump) : ILoopThread
    {
        private int _pending;
        private volatile bool _stopped;

        public bool IsBlocked => place.World.Thread is { } thread && (thread.ThreadState & ThreadState.WaitSleepJoin) != ThreadState.Running;

        public void Wake()
        {
            if (Interlocked.Exchange(ref _pending, 1) == 0)
            {
                place.PostAtEdge(Pump);
            }
        }

        public void Interrupt() => place.World.Thread?.Interrupt();

        public bool AbsorbInterrupt()
        {
            try
            {
                Thread.CurrentThread.Join(TimeSpan.FromMilliseconds(1)); // a pending interrupt is delivered by the next wait
                return false;
            }
            catch (ThreadInterruptedException)
            {
                return true;
            }
        }

        /// <summary>There is no other thread: the loop goes on when the one that was given up comes back.</summary>
        public void Abandon() => Wake();

        public void Stop() => _stopped = true;

        private void Pump()
        {
            Interlocked.Exchange(ref _pending, 0);
            if (!_stopped)
            {
                pump();
            }
        }
    }
}
