#pragma warning disable RS0030 // this file owns the clock, chance and the scheduler
using Perdure.Engine;

namespace Perdure.Hosting;

/// <summary>The machine's own time, chance and threads.</summary>
internal sealed class SystemSeams(TimeProvider time) : Seams
{
    public override TimeProvider Time => time;

    public override TimeProvider MachineTime => TimeProvider.System;

    public override double Chance() => Random.Shared.NextDouble();

    /// <summary>Ordered by time (version 7, RFC 9562), since keys in order make cheap inserts. Unique, not secret.</summary>
    public override Guid NewGuid()
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.Shared.NextBytes(bytes[6..]);
        long milliseconds = time.GetUtcNow().ToUnixTimeMilliseconds();
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes, (int)(milliseconds >> 16));
        System.Buffers.Binary.BinaryPrimitives.WriteInt16BigEndian(bytes[4..], (short)milliseconds);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x70);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    public override void Run(IThreadPoolWorkItem work) => ThreadPool.UnsafeQueueUserWorkItem(work, preferLocal: false);

    public override void RunAll(List<IThreadPoolWorkItem> work)
    {
        if (work.Count > 0)
        {
            Run(work.Count == 1 ? work[0] : new WorkList(work));
        }
    }

    public override ILoopThread StartLoop(string name, Action pump) => new LoopThread(name, pump);

    public override TaskCreationOptions Continuations => TaskCreationOptions.RunContinuationsAsynchronously;

    public override void Cancel(CancellationTokenSource source) => _ = source.CancelAsync();

    public override Task Pause(TimeSpan pause, CancellationToken cancellationToken) => Task.Delay(pause, MachineTime, cancellationToken);

    public override Task Delay(TimeSpan delay, CancellationToken cancellationToken) => Task.Delay(delay, time, cancellationToken);

    /// <summary>
    /// Many pieces of work as one of the pool's: a thread that has it takes one piece after another. Before each it sees to it that the pool
    /// has it once more, so that another thread goes on while a piece blocks or takes long.
    /// </summary>
    private sealed class WorkList(List<IThreadPoolWorkItem> work) : IThreadPoolWorkItem
    {
        private int _taken;
        private int _isQueued = 1;

        public void Execute()
        {
            Volatile.Write(ref _isQueued, 0);
            for (int next = Take(); next < work.Count; next = Take())
            {
                if (next + 1 < work.Count && Interlocked.Exchange(ref _isQueued, 1) == 0)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                }

                work[next].Execute();
            }
        }

        private int Take() => Interlocked.Increment(ref _taken) - 1;
    }

    /// <summary>
    /// A thread of its own, not the pool's: steps that block the pool must not stop the engine, and a thread that flow code
    /// holds can be interrupted, or abandoned for another.
    /// </summary>
    private sealed class LoopThread : ILoopThread
    {
        private readonly string _name;
        private readonly Action _pump;
        private readonly object _lock = new(); // a monitor: its wait does not spin, and a spinning loop takes the core from the steps
        private volatile Thread _thread;
        private bool _pending;
        private bool _stopped;

        public LoopThread(string name, Action pump)
        {
            _name = name;
            _pump = pump;
            Start();
        }

        public bool IsBlocked => (_thread.ThreadState & ThreadState.WaitSleepJoin) != ThreadState.Running;

        public void Wake()
        {
            lock (_lock)
            {
                if (!_pending)
                {
                    _pending = true;
                    Monitor.PulseAll(_lock);
                }
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
            lock (_lock)
            {
                _stopped = true;
                Monitor.PulseAll(_lock);
            }
        }

        [System.Diagnostics.CodeAnalysis.MemberNotNull(nameof(_thread))]
        private void Start()
        {
            _thread = new Thread(Run) { IsBackground = true, Name = _name };
            _thread.UnsafeStart();
        }

        private void Run()
        {
            while (Wait())
            {
                _pump();
            }
        }

        /// <summary>Waits for a wake-up.</summary>
        /// <returns>Whether there is one; false when this thread is to end.</returns>
        private bool Wait()
        {
            lock (_lock)
            {
                while (!_pending && !_stopped && Thread.CurrentThread == _thread)
                {
                    Monitor.Wait(_lock);
                }

                if (_stopped || Thread.CurrentThread != _thread)
                {
                    return false; // what is pending is the successor's
                }

                _pending = false;
                return true;
            }
        }
    }
}
