using Perdure.Engine;

namespace Perdure.Testing.Virtual;

/// <summary>In which order a world runs what is ready.</summary>
internal enum WorkOrder
{
    /// <summary>First come, first served.</summary>
    InTurn,

    /// <summary>By chance, from the world's seed.</summary>
    ByChance,
}

/// <summary>
/// A small world for engines to run in: one thread, one clock that moves when nothing is left to do, and chance from one seed. The same seed
/// gives the same course of events, which <see cref="Trace"/> sums up.
/// </summary>
/// <remarks>
/// Whoever calls <see cref="Run(Func{bool})"/> lends it the thread; between such calls nothing happens. Work and timers belong to a <see cref="Place"/>.
/// Work may come from other threads too (a step that does real I/O); then the course of events is no longer the seed's alone.
/// </remarks>
internal sealed class World
{
    private readonly object _gate = new();
    private readonly RunQueue _ready;
    private readonly TimerQueue _timers = new();
    private readonly ExecutionContext? _blank = ExecutionContext.Capture();
    private readonly DateTimeOffset _start;
    private readonly List<Place> _places = [];
    private Thread? _thread;
    private long _ticks;
    private int _foreignWork;

    public World(ulong seed, WorkOrder order = WorkOrder.InTurn, DateTimeOffset? start = null)
    {
        Seed = seed;
        Chance = new ReplayRandom(seed);
        _ready = new RunQueue(order == WorkOrder.ByChance ? new ReplayRandom(ReplayRandom.Mix(~seed)) : null);
        _start = start ?? new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
        Outside = NewPlace("outside");
    }

    public ulong Seed { get; }

    /// <summary>Chance for whatever happens in the world.</summary>
    public ReplayRandom Chance { get; }

    /// <summary>Where clients, stores and the test itself are.</summary>
    public Place Outside { get; }

    public Trace Trace { get; } = new();

    /// <summary>Says from when on somebody must look for what no timer stands for yet (a minute before a wake-up in a store); null for nothing.</summary>
    /// <remarks>
    /// With it, what happens at intervals does not make time move before then, and happens once after a time that was skipped. So a wait of a
    /// month costs no more than one of a minute, and a world in which nothing but intervals is left stands still.
    /// </remarks>
    public Func<DateTimeOffset?>? DueElsewhere { get; set; }

    /// <summary>How much work came from other threads while the world ran.</summary>
    public long ForeignPosts { get; private set; }

    /// <summary>How many pieces of work have run.</summary>
    public long Steps { get; private set; }

    /// <summary>The true time, by which places' wall clocks may be off.</summary>
    public DateTimeOffset Now => _start + TimeSpan.FromTicks(Ticks);

    /// <summary>The time since the world began, in ticks.</summary>
    public long Ticks => Interlocked.Read(ref _ticks);

    /// <summary>When the next timer fires that does not fire at intervals; null if none is set.</summary>
    public DateTimeOffset? NextTimer => Locked(() => _timers.NextOnce) is { } due ? _start + TimeSpan.FromTicks(due) : null;

    /// <summary>How much is going on outside the world that will post something: time does not move meanwhile.</summary>
    public int ForeignWork => Volatile.Read(ref _foreignWork);

    /// <summary>The thread that runs the world now; null between two calls.</summary>
    public Thread? Thread => Volatile.Read(ref _thread);

    public Place NewPlace(string name)
    {
        var place = new Place(this, _places.Count, name);
        _places.Add(place);
        return place;
    }

    /// <summary>Says that something goes on outside the world, until it is disposed.</summary>
    public IDisposable BeginForeignWork()
    {
        Interlocked.Increment(ref _foreignWork);
        return new ForeignWorkEnd(this);
    }

    /// <summary>Runs until something holds, moving time whenever nothing else can be done.</summary>
    /// <returns>Whether it holds; false when the world stands still.</returns>
    public bool Run(Func<bool> isDone) => Run(isDone, long.MaxValue);

    /// <summary>Runs an async method outside the engines, and what it sets going, until it ends.</summary>
    /// <exception cref="InvalidOperationException">The world stands still before it has ended.</exception>
    public T Run<T>(Func<Task<T>> method)
    {
        Task<T> task = Outside.Start(method);
        return Run(() => task.IsCompleted)
            ? task.GetAwaiter().GetResult()
            : throw new InvalidOperationException($"The world stands still at {Now:O}: nothing is left to run, no timer is set, and what was asked for has not ended.");
    }

    public void Run(Func<Task> method) => Run(async () =>
    {
        await method();
        return true;
    });

    /// <summary>Runs what is ready, and what that sets going; time stands still.</summary>
    /// <param name="isEnough">Asked before each piece of work, whether to stop.</param>
    public void RunReady(Func<bool>? isEnough = null) => Run(isEnough ?? (static () => false), Ticks);

    /// <summary>Lets some time pass, with all that happens in it.</summary>
    public void Advance(TimeSpan by)
    {
        long until = Ticks + by.Ticks;
        Run(() => false, until);
        MoveTo(until);
    }

    /// <summary>Moves time to the next timer, if one fires by then, and fires it; what that sets going is not run.</summary>
    public bool FireNext(DateTimeOffset until) => FireNext((until - _start).Ticks);

    /// <summary>Waits in real time for work from another thread, between two calls.</summary>
    /// <returns>Whether there is some.</returns>
    public bool AwaitWork(TimeSpan limit)
    {
        lock (_gate)
        {
            while (_ready.IsEmpty)
            {
                if (!Monitor.Wait(_gate, limit))
                {
                    return !_ready.IsEmpty;
                }
            }
        }

        return true;
    }

    internal void Post(Place place, SynchronizationContext context, SendOrPostCallback callback, object? state)
    {
        lock (_gate)
        {
            if (System.Threading.Thread.CurrentThread != _thread)
            {
                ForeignPosts += _thread is null ? 0 : 1;
                Monitor.PulseAll(_gate);
            }

            _ready.Add(new Work(place, context, callback, state));
        }
    }

    internal void Set(VirtualTimer timer, long? due) => Locked(() => _timers.Set(timer, due));

    private bool Run(Func<bool> isDone, long until)
    {
        Thread? before = Thread;
        SynchronizationContext? context = SynchronizationContext.Current;
        ExecutionContext? own = ExecutionContext.Capture();
        Volatile.Write(ref _thread, System.Threading.Thread.CurrentThread);
        try
        {
            while (!isDone())
            {
                if (!RunOne() && !AwaitForeign() && !FireNext(until))
                {
                    return false;
                }
            }

            return true;
        }
        finally
        {
            Volatile.Write(ref _thread, before);
            SynchronizationContext.SetSynchronizationContext(context);
            Restore(own);
        }
    }

    private bool RunOne()
    {
        Work work;
        lock (_gate)
        {
            if (!_ready.TryTake(out work))
            {
                return false;
            }
        }

        if (work.Place.Keeps(work))
        {
            return true;
        }

        Steps++;
        Trace.Ran(work);
        Restore(_blank);
        SynchronizationContext.SetSynchronizationContext(work.Context);
        work.Callback(work.State);
        return true;
    }

    /// <summary>Waits for work from another thread, if there will be some.</summary>
    private bool AwaitForeign()
    {
        if (ForeignWork == 0)
        {
            return false;
        }

        lock (_gate)
        {
            while (_ready.IsEmpty && ForeignWork > 0)
            {
                Monitor.Wait(_gate);
            }
        }

        return true;
    }

    /// <summary>Moves time to the next timer, and fires it.</summary>
    /// <returns>Whether there was one to fire by that time.</returns>
    private bool FireNext(long until)
    {
        long? elsewhere = DueElsewhere?.Invoke() is { } at ? (at - _start).Ticks : null;
        lock (_gate)
        {
            if (_timers.TakeNext(Ticks, until, skips: DueElsewhere is not null, elsewhere) is not { } next)
            {
                return false;
            }

            MoveTo(next.Due);
            Trace.Fired(next.Timer, next.Due);
            next.Timer.Fire();
            return true;
        }
    }

    private void MoveTo(long ticks) => Interlocked.Exchange(ref _ticks, Math.Max(ticks, Ticks));

    private static void Restore(ExecutionContext? context)
    {
        if (context is not null)
        {
            ExecutionContext.Restore(context);
        }
    }

    private T Locked<T>(Func<T> read)
    {
        lock (_gate)
        {
            return read();
        }
    }

    private void Locked(Action change)
    {
        lock (_gate)
        {
            change();
        }
    }

    private sealed class ForeignWorkEnd(World world) : IDisposable
    {
        private World? _world = world;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _world, null) is { } ended)
            {
                lock (ended._gate)
                {
                    ended._foreignWork--;
                    Monitor.PulseAll(ended._gate);
                }
            }
        }
    }
}
