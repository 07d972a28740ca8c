#pragma warning disable RS0030 // this file owns the clock, chance and the scheduler
using Perdure.Engine;

namespace Perdure.Hosting;

/// <summary>The machine's own time, chance and threads.</summary>
internal sealed class SystemSeams(TimeProvider time) : Seams
{
    public override TimeProvider Time => time;

    public override TimeProvider MachineTime => TimeProvider.System;

    public override double Chance() => Random.Shared.NextDouble();

    public override Guid NewGuid() => Guid.CreateVersion7();

    public override void Run(IThreadPoolWorkItem work) => ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);

    public override ILoopThread StartLoop(string name, Action pump) => new LoopThread(name, pump);

    public override Task Delay(TimeSpan delay, CancellationToken cancellationToken) => Task.Delay(delay, time, cancellationToken);

    /// <summary>
    /// A thread of its own, not the pool's: steps that block the pool must not stop the engine, and a thread that flow code
    /// holds can be interrupted, or abandoned for another.
    /// </summary>
    [System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "Late wake-ups may come after the end; without a wait handle the semaphore holds nothing.")]
    private sealed class LoopThread : ILoopThread
    {
        private readonly string _name;
        private readonly Action _pump;
        private readonly SemaphoreSlim _wake = new(0);
        private volatile Thread _thread;
        private int _pending;
        private volatile bool _stopped;

        public LoopThread(string name, Action pump)
        {
            _name = name;
            _pump = pump;
            Start();
        }

        public bool IsBlocked => (_thread.ThreadState & ThreadState.WaitSleepJoin) != ThreadState.Running;

        public void Wake()
        {
            if (Interlocked.Exchange(ref _pending, 1) == 0)
            {
                _wake.Release();
            }
        }

        public void Interrupt() => _thread.Interrupt();

        public bool AbsorbInterrupt()
        {
            try
            {
                Thread.Sleep(1); // a pending interrupt is delivered by the next wait
                return false;
            }
            catch (ThreadInterruptedException)
            {
                return true;
            }
        }

        public void Abandon()
        {
            Start();
            Wake();
        }

        public void Stop()
        {
            _stopped = true;
            Wake();
        }

        [System.Diagnostics.CodeAnalysis.MemberNotNull(nameof(_thread))]
        private void Start()
        {
            _thread = new Thread(Run) { IsBackground = true, Name = _name };
            _thread.UnsafeStart();
        }

        private void Run()
        {
            while (!_stopped && Thread.CurrentThread == _thread)
            {
                _wake.Wait();
                if (Thread.CurrentThread != _thread)
                {
                    _wake.Release(); // the wake-up was the successor's
                    return;
                }

                Volatile.Write(ref _pending, 0);
                _pump();
            }
        }
    }
}
