using Microsoft.Extensions.DependencyInjection;
using Perdure.Engine;
using Perdure.Storage;
using Perdure.Testing.Virtual;

namespace Perdure.Testing.Running;

/// <summary>A world with one application in it, over a store that outlives its processes. All but the making happens on the thread that runs the world.</summary>
internal sealed class TestWorld(Action<IServiceCollection> configure, FlowTestOptions options, bool findsLongTurns) : IAsyncDisposable
{
    /// <summary>The engine's own waits for more work to gather, and the grain of its timers: they pass even while time stands still.</summary>
    private static readonly TimeSpan Grain = TimeSpan.FromMilliseconds(1);

    /// <summary>A run of so many inputs that still goes on is taken for one that never ends; looked for after so much work.</summary>
    private const int InputsMax = 10_000;
    private const int LooksEvery = 100_000;

    /// <summary>What is due later than that is due never: the limit of a wait for ever.</summary>
    private const int YearsMax = 1_000;

    private readonly MemoryStore _store = new();
    private readonly List<TestProcess> _processes = [];
    private Action<IServiceCollection> _configure = configure;
    private int _shards;
    private long _looked;

    public World World { get; } = new(seed: 1, start: options.StartAt);

    public MemoryStore Store => _store;

    /// <summary>The process that runs now; null before the start.</summary>
    public TestProcess? Process { get; private set; }

    public bool IsAlive => Process is { Place.IsDead: false };

    /// <summary>Stands around attempts. Set before the start.</summary>
    public required AttemptGate Attempts { get; init; }

    /// <summary>Sees commits; null where nobody looks. Set before the start.</summary>
    public required ICommitWatch? Commits { get; init; }

    /// <summary>Starts a process, after the end of the last one, perhaps with other code.</summary>
    public async Task StartAsync(Action<IServiceCollection>? changed)
    {
        _configure = changed ?? _configure;
        Place place = World.NewPlace($"process {_processes.Count + 1}");
        TestProcess process = TestProcess.Compose(_configure, place, new TestStore(_store, () => place.IsDead, Commits), Attempts, findsLongTurns, options.Log);
        Process = process;
        _processes.Add(process);
        await place.Start(process.StartAsync);
        _shards = process.Node.Shards.Length;
        World.DueElsewhere = () => new[] { NextWake.Of(_store, _shards), NextWake.OfEnds(_store, _shards) }.Min();
        foreach (TestProcess earlier in _processes)
        {
            earlier.Holder.Current = process.Node; // handles that the test has go on with the process of now
        }
    }

    public void Die()
    {
        Process?.Die();
        Attempts.Forget();
    }

    /// <summary>Lets the process die, and tells the clients who waited for its answers.</summary>
    public void DieAndTellClients()
    {
        var reason = new PerdureException(Diagnostics.ErrorCodes.NotStarted, "the process died");
        List<Shard> shards = [.. Shards];
        Die();
        foreach (Shard shard in shards)
        {
            shard.Commits.Forget(reason);
            shard.Recovery.Stop(reason);
        }
    }

    /// <summary>Stops the process as a host is stopped.</summary>
    public async Task StopAsync()
    {
        if (Process is { Place.IsDead: false } process)
        {
            await process.Place.Start(process.StopAsync);
            process.Place.Die();
        }
    }

    /// <summary>Runs what can be run while time stands still. Attempts at work outside the world are waited for, in real time.</summary>
    public void RunReady()
    {
        do
        {
            World.RunReady(LooksForEndless);
        }
        while (World.FireNext(World.Now + Grain) || AwaitOutside());
    }

    /// <summary>Fails when a run goes on and on.</summary>
    /// <returns>False: what is ready goes on.</returns>
    /// <exception cref="ExpectationException">A run does not come to an end.</exception>
    public bool LooksForEndless()
    {
        if (World.Steps - _looked >= LooksEvery)
        {
            _looked = World.Steps;
            FlowDescription? endless = List(FlowStatus.Running).Select(row => Describe(row.Key)!).FirstOrDefault(run => run.Inputs.Count > InputsMax);
            Expect.That(endless is null, () => $"{endless!.Type}/{endless.Id} goes on and on: it has had {endless.Inputs.Count} inputs. Does its code ever end?\n{RunTable.Of(endless)}");
        }

        return false;
    }

    /// <summary>Whether steps are open that have not come to rest: they run, or wait for their next attempt.</summary>
    public bool HasStepsToDo => Shards.Any(s => s.Careful.IsOn || (s.Home?.HasWork ?? false) || s.Slots.Any(slot => slot.Flow?.Asks.All.Any(a => a is StepAsk) ?? false));

    /// <summary>Whether there were runs, and all have ended.</summary>
    public bool HaveAllEnded => List().Count > 0 && FirstOpen() is null && FirstStuck() is null;

    /// <summary>Whether a run is open that is not stuck.</summary>
    public bool HasOpenRuns => _store.CountAsync(new FlowFilter { Statuses = [FlowStatus.Running, FlowStatus.Undoing] }, CancellationToken.None).GetAwaiter().GetResult() > 0;

    /// <summary>When the next thing happens that only time brings about; null if there is none, or it is a limit that never comes.</summary>
    public DateTimeOffset? NextDue
    {
        get
        {
            DateTimeOffset? stored = NextWake.Of(_store, _shards) + Node.NearFuture;
            DateTimeOffset? inMemory = Shards.SelectMany(s => s.Slots).Min(slot => slot.Flow?.Asks.NextDue()?.Due);
            DateTimeOffset? ofJobs = Shards.Min(s => s.Home?.NextDue);
            DateTimeOffset? next = new[] { stored, inMemory, ofJobs }.Min();
            return next > World.Now.AddYears(YearsMax) ? null : next;
        }
    }

    /// <summary>Whether a client waits for something that takes time: an end, or the outcome of a pivot.</summary>
    public bool HasClientsWaiting => Shards.Any(s => !s.Waiters.IsEmpty || s.Home is { Clients.AreWaiting: true } || s.Slots.Any(slot => slot.PendingCancels is not null));

    /// <summary>Tells the clients who wait for an end that it will not come.</summary>
    /// <returns>Whether there were any.</returns>
    public bool GiveUp(Func<FlowKey, Exception> reason)
    {
        List<WaitForEnd> waiters = [.. Shards.SelectMany(s => s.Waiters.TakeAll())];
        waiters.ForEach(waiter => waiter.GiveUp(reason(waiter.Key)));
        bool any = waiters.Count > 0;
        foreach (Shard shard in Shards)
        {
            any |= shard.Home?.Clients.GiveUp(what => reason(new FlowKey(Shard.HomeKey.Type, what))) ?? false;
        }

        return any;
    }

    /// <summary>A run that is stuck; null if none is.</summary>
    public FlowDescription? FirstStuck() => First(FlowStatus.Stuck);

    /// <summary>A run that is open and not stuck; null if none is.</summary>
    public FlowDescription? FirstOpen() => First(FlowStatus.Running, FlowStatus.Undoing);

    /// <summary>Describes a run as the store has it; null if it has no such run.</summary>
    public FlowDescription? Describe(FlowKey key)
        => _store.ReadFlowsAsync([key], FlowParts.All, CancellationToken.None).GetAwaiter().GetResult()[0] is { } stored ? Client.Describing.Describe(stored) : null;

    /// <summary>Disposes the services of all processes, those that died, too.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (TestProcess process in _processes)
        {
            await process.DisposeAsync();
        }
    }

    private IEnumerable<Shard> Shards => IsAlive ? Process!.Holder.Current?.Shards ?? [] : [];

    private FlowDescription? First(params FlowStatus[] statuses) => List(statuses).FirstOrDefault() is { } row ? Describe(row.Key) : null;

    private List<FlowRow> List(params FlowStatus[] statuses)
        => _store.ListAsync(new FlowFilter { Statuses = statuses }, CancellationToken.None).ToBlockingEnumerable().ToList();

    private bool AwaitOutside()
    {
        if (!Attempts.IsWorkOutside)
        {
            return false;
        }

        if (World.AwaitWork(options.OutsideWorkMax))
        {
            return true;
        }

        Attempts.Leave();
        return false;
    }
}
