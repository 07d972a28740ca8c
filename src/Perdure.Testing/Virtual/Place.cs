namespace Perdure.Testing.Virtual;

/// <summary>One process of a world, or what is outside of them: its work, its timers and its clock. It can be paused, and it can die.</summary>
internal sealed class Place
{
    private readonly List<Work> _kept = [];
    private readonly World _world;

    internal Place(World world, int number, string name)
    {
        _world = world;
        Number = number;
        Name = name;
        Time = new VirtualTime(world, this);
        Context = new PlaceContext(this);
    }

    public World World => _world;

    public int Number { get; }

    public string Name { get; }

    public VirtualTime Time { get; }

    /// <summary>Is current while the place's work runs; what awaits under it goes on in the world.</summary>
    public SynchronizationContext Context { get; }

    public bool IsDead { get; private set; }

    public bool IsPaused { get; private set; }

    /// <summary>Queues work.</summary>
    public void Post(Action work) => _world.Post(this, Context, static s => ((Action)s!)(), work);

    /// <summary>
    /// Queues work in which nothing goes on inline that was awaited (a loop's round, the cancelling of a token), as in a real engine, whose
    /// waiting code goes on elsewhere.
    /// </summary>
    public void PostAtEdge(Action work) => _world.Post(this, new EdgeContext(this), static s => ((Action)s!)(), work);

    /// <summary>Queues the start of an async method.</summary>
    /// <returns>Its outcome. Await it in the world, or run the world until it has completed.</returns>
    public Task<T> Start<T>(Func<Task<T>> method)
    {
        var outcome = new TaskCompletionSource<T>();
        Post(() => _ = RunAsync(method, outcome));
        return outcome.Task;
    }

    /// <summary>Queues the start of an async method without a result.</summary>
    public Task Start(Func<Task> method) => Start(async () =>
    {
        await method();
        return true;
    });

    /// <summary>From now on nothing that belongs here runs, and nothing answers.</summary>
    public void Die()
    {
        IsDead = true;
        _kept.Clear();
        _world.Trace.Note("died", Number);
    }

    /// <summary>Stops all that belongs here until <see cref="Resume"/>; the clock goes on.</summary>
    public void Pause()
    {
        IsPaused = true;
        _world.Trace.Note("paused", Number);
    }

    public void Resume()
    {
        IsPaused = false;
        _world.Trace.Note("resumed", Number);
        _kept.ForEach(w => _world.Post(w.Place, w.Context, w.Callback, w.State));
        _kept.Clear();
    }

    /// <summary>Whether work does not run now: it is kept for later, or is lost for good.</summary>
    internal bool Keeps(Work work)
    {
        if (IsPaused && !IsDead)
        {
            _kept.Add(work);
        }

        return IsDead || IsPaused;
    }

    private static async Task RunAsync<T>(Func<Task<T>> method, TaskCompletionSource<T> outcome)
    {
        try
        {
            outcome.SetResult(await method());
        }
        catch (Exception e)
        {
            outcome.SetException(e);
        }
    }

    private sealed class PlaceContext(Place place) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => place.World.Post(place, this, d, state);

        public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("A world has one thread: nothing can wait for its own work.");

        public override SynchronizationContext CreateCopy() => this;
    }

    /// <summary>Is current in one piece of work only, so that no continuation finds itself at home in it; what awaits under it goes on as the place's work.</summary>
    private sealed class EdgeContext(Place place) : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => place.World.Post(place, place.Context, d, state);

        public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("A world has one thread: nothing can wait for its own work.");

        public override SynchronizationContext CreateCopy() => this;
    }
}
