using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Events;
using Perdure.Queues;
using Perdure.Storage;
using Perdure.Worker;

namespace Perdure.Engine;

/// <summary>One process that runs shards: it puts the parts together, starts and stops them.</summary>
internal sealed class Node
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(100);

    private readonly List<ITimer> _timers = [];
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ShardLoop[] _loops = [];
    private int _flowShards;
    private int _shardsToCome;
    private int _pickedUp;

    public Node(IStore store, PerdureOptions options, FlowServices services, ErrorRules errors, Seams seams, ILogger log)
    {
        Store = store;
        Options = options;
        Services = services;
        Seams = seams;
        Log = new EngineLog(log, seams.Time);
        Clock = new NodeClock(seams.Time, log);
        Committer = new Committer(store, seams, Log.Outage, WakeLoops);
        Loader = new Loader(this);
        Dependencies = new Dependencies(services.Dependencies, seams, Clock, log);
        Worker = new StepRunner(seams, services.Provider.GetRequiredService<IServiceScopeFactory>(), errors, Clock, log, options.StepTimeout) { Filter = services.Provider.GetService<AttemptFilter>(), Dependencies = Dependencies };
        Jobs = new JobRunner(seams, store, services.Provider.GetRequiredService<IServiceScopeFactory>(), errors, services.Json, Log) { Filter = Worker.Filter };
    }

    /// <summary>How far ahead wake-ups are held in memory.</summary>
    public static TimeSpan NearFuture { get; } = TimeSpan.FromMinutes(1);

    private const int NearIdTriesMax = 1_000;

    /// <summary>Timers fire by whole milliseconds, and must not fire before the time.</summary>
    public static TimeSpan TimerGrain { get; } = TimeSpan.FromMilliseconds(1);

    /// <summary>Why nobody is answered any more once the node stops.</summary>
    public static PerdureException HasStopped => new(ErrorCodes.NotStarted, "the host has stopped");

    public IStore Store { get; }

    public PerdureOptions Options { get; }

    public FlowServices Services { get; }

    public Seams Seams { get; }

    public EngineLog Log { get; }

    public NodeClock Clock { get; }

    public Committer Committer { get; }

    public Loader Loader { get; }

    public CarefulGate CarefulGate { get; } = new();

    /// <summary>What steps and jobs depend on, with its limits and breakers.</summary>
    public Dependencies Dependencies { get; }

    public StepRunner Worker { get; }

    public ErrorRules Errors => Worker.Errors;

    public JobRunner Jobs { get; }

    /// <summary>The shard where the queues live.</summary>
    public Shard HomeShard => Shards.Length > _flowShards ? Shards[_flowShards] : throw new PerdureException(ErrorCodes.UnknownQueue, "there are no queues: add one with AddQueue.");

    /// <summary>The number of that shard, whether there are queues or not.</summary>
    public int HomeIndex => _flowShards;

    public Home Home => HomeShard.Home!;

    /// <summary>This node's place among those that share the store; null where none do.</summary>
    public Membership? Membership { get; private set; }

    public EventRegistry Events => Services.Events;

    public Shard[] Shards { get; private set; } = [];

    public ulong StoreSeed { get; private set; }

    public Guid StoreId { get; private set; }

    public bool IsStopping { get; private set; }

    /// <summary>Whether all shards are there.</summary>
    public bool IsReady => _ready.Task.IsCompletedSuccessfully && !IsStopping && Shards.All(s => !s.Recovery.IsRecovering || s.Recovery.IsElsewhere) && Membership is null or { IsMember: true };

    private void WakeLoops(bool all)
    {
        foreach (ShardLoop loop in _loops)
        {
            if (all || loop.HasWork)
            {
                loop.Wake();
            }
        }
    }

    /// <summary>Opens the store and takes its shards.</summary>
    /// <param name="reachable">Is called before the first attempt of what was open runs: it may be a client itself. Shards keep what comes until they have recovered.</param>
    /// <param name="cancellationToken">Breaks the start off.</param>
    public async Task StartAsync(Action? reachable = null, CancellationToken cancellationToken = default)
    {
        StoreInfo info = await Store.OpenAsync(Options.ShardCount, cancellationToken);
        StoreId = info.StoreId;
        StoreSeed = ReplayRandom.StoreSeed(info.StoreId);
        _loops = [.. Enumerable.Range(0, Math.Min(Options.Loops, info.ShardCount)).Select(i => new ShardLoop(this, i, Math.Max(1, Options.FlowsInMemoryMax / Math.Min(Options.Loops, info.ShardCount))))];
        Membership = Store is ISharedStore shared ? new Membership(this, shared, _loops[0]) : null;
        _flowShards = info.ShardCount;
        Shards = [.. Enumerable.Range(0, _flowShards).Select(i => new Shard(i, this, _loops[i % _loops.Length]))];
        if (Services.Queues is { } queues)
        {
            Shards = [.. Shards, Shard.OfQueues(_flowShards, this, _loops[0], queues)];
        }

        _shardsToCome = 1; // the start itself
        reachable?.Invoke();
        await (Membership?.StartAsync(cancellationToken) ?? TakeAllAsync(cancellationToken));
        ShardIsReady(0);
        Every(Seams.MachineTime, WatchInterval, Watch);
        Every(Seams.Time, NearFuture / 2, () => _ = WakeNearAsync());
        if (Services.Queues is not null)
        {
            Every(Seams.Time, NearFuture / 2, () => HomeShard.Post(new ForgetOldEnds()));
            Every(Seams.Time, NearFuture / 2, () => HomeShard.Post(new ForgetOldEvents()));
        }

        await _ready.Task;
        Log.IsReady(info.Durability, Shards.Length, _pickedUp);
        _ = ReportVersionsAsync();
    }

    /// <summary>Stops: attempts get their token and a grace, what was decided is committed, and the shards are given back.</summary>
    public async Task StopAsync()
    {
        Membership?.Inbox?.Post(new LeaveSoon());
        await Task.WhenAll(Worker.StopAsync(Options.ShutdownGrace), Jobs.StopAsync(Options.ShutdownGrace));
        Dependencies.Stop();
        IsStopping = true;
        _timers.ForEach(t => t.Dispose());
        Task drained = Task.WhenAll(Shards.Append(Membership?.Inbox).OfType<Shard>().Select(s => s.DrainAsync()));
        if (await Task.WhenAny(drained, Seams.Delay(Options.ShutdownGrace, CancellationToken.None)) == drained)
        {
            await (Membership?.StopAsync() ?? Task.CompletedTask);
            await ReleaseAsync();
        }

        Task left = Membership?.DisposeAsync().AsTask() ?? Task.CompletedTask;

        await Task.WhenAll(Shards.Select(s => s.StopAsync(HasStopped)));
        await left;
        foreach (ShardLoop loop in _loops)
        {
            loop.Stop();
        }

        Log.HasStopped();
    }

    public int ShardOf(FlowKey key)
    {
        if (key.Type.StartsWith(Shard.HomeKey.Type, StringComparison.Ordinal))
        {
            return _flowShards; // no flow type has a slash
        }

        // FNV-1a over the UTF-8 of type and id (G. Fowler, L. C. Noll, P. Vo), then mixed: the place must never change.
        ulong hash = Fnv(Fnv(14695981039346656037, key.Type) * 31, key.Id);
        return (int)(ReplayRandom.Mix(hash) % (ulong)_flowShards);
    }

    public Shard ShardFor(FlowKey key) => Shards[ShardOf(key)];

    /// <summary>A new id for a flow, of a shard that lives here, if any does: its start takes no way round.</summary>
    public string NewIdOf(string type)
    {
        string id = Seams.NewGuid().ToString("N");
        for (int tries = 0; Membership is not null && tries < NearIdTriesMax && ShardFor(new FlowKey(type, id)).Recovery.IsElsewhere; tries++)
        {
            id = Seams.NewGuid().ToString("N");
        }

        return id;
    }

    /// <summary>A shard that lives here; null for one that lives elsewhere.</summary>
    public Shard? Here(int shard)
    {
        if (shard >= NodeLease.FirstInbox)
        {
            return Membership?.Inbox is { } inbox && inbox.Index == shard ? inbox : null;
        }

        return shard < Shards.Length && !Shards[shard].Recovery.IsElsewhere ? Shards[shard] : null;
    }

    /// <summary>Takes a shard under a new epoch; null if it lives on another node.</summary>
    public async Task<ShardLease?> TakeAsync(int shard)
        => Membership is null
            ? (await Store.TakeShardsAsync([shard], Seams.NewGuid(), CancellationToken.None))[0]
            : await Membership.TakeAsync(shard);

    /// <summary>So many shards more are about to be read.</summary>
    public void Expect(int shards) => Interlocked.Add(ref _shardsToCome, shards);

    /// <summary>What attempts depend on, by its name; null for none.</summary>
    public Dependency? DependencyOf(string? name)
        => name is not null && Services.Dependencies.Find(name) is { } dependency ? Dependencies[dependency] : null;

    /// <summary>The seed of a run's chance: different in every store.</summary>
    public ulong SeedOf(long run) => ReplayRandom.SeedOf(StoreSeed, run);

    /// <summary>A shard has read what was going on. On its loop.</summary>
    public void ShardIsReady(int pickedUp)
    {
        Interlocked.Add(ref _pickedUp, pickedUp);
        if (Interlocked.Decrement(ref _shardsToCome) == 0)
        {
            _ready.TrySetResult();
        }
    }

    private static ulong Fnv(ulong hash, string text)
    {
        Span<byte> utf8 = stackalloc byte[256];
        ReadOnlySpan<char> rest = text;
        while (!rest.IsEmpty)
        {
            int chars = Math.Min(rest.Length, 64);
            int bytes = Encoding.UTF8.GetBytes(rest[..chars], utf8);
            foreach (byte b in utf8[..bytes])
            {
                hash = (hash ^ b) * 1099511628211;
            }

            rest = rest[chars..];
        }

        return hash;
    }

    private void Every(TimeProvider time, TimeSpan interval, Action action)
        => _timers.Add(time.CreateTimer(static s => ((Action)s!)(), action, interval, interval));

    private void Watch()
    {
        Clock.Check();
        Log.Outage.Look();
        Membership?.Check();
        Worker.Look();
        foreach (ShardLoop loop in _loops)
        {
            loop.Watch.Look();
        }
    }

    private async Task TakeAllAsync(CancellationToken cancellationToken)
    {
        Expect(Shards.Length);
        IReadOnlyList<ShardLease> leases = await Store.TakeShardsAsync([.. Shards.Select(s => s.Index)], Seams.NewGuid(), cancellationToken);
        Clock.AtLeast(leases.Max(l => l.Time));
        foreach (ShardLease lease in leases)
        {
            await Shards[lease.Shard].Recovery.ReadAsync(lease);
        }
    }

    private async Task WakeNearAsync()
    {
        try
        {
            foreach (Shard shard in Shards.Where(s => !s.Recovery.IsElsewhere))
            {
                // Later than busy: those are in memory.
                var after = new WakingFlow(FlowRow.Busy.AddTicks(TimeSpan.TicksPerMicrosecond), -1, default);
                IReadOnlyList<WakingFlow> waking = await Store.ReadWakingAsync(shard.Index, after, Clock.Now() + NearFuture, int.MaxValue, CancellationToken.None);
                shard.Post(new FlowsWaking(waking));
            }
        }
        catch (Exception) when (IsStopping)
        {
            // Nobody wants to know any more.
        }
        catch (Exception e)
        {
            Log.ReadFailed(e);
        }
    }

    private async Task ReportVersionsAsync()
    {
        try
        {
            foreach (OpenVersion open in await Store.ReadOpenVersionsAsync(CancellationToken.None))
            {
                if (Services.Registry.Find(open.Type, open.Version) is null)
                {
                    MissingVersions.Add(open);
                    Log.VersionMissing(open.Type, open.Version, open.Runs);
                }
            }
        }
        catch (Exception e)
        {
            Log.VersionsUnread(e);
        }
    }

    /// <summary>Versions that open runs need and no code serves, as found at the start.</summary>
    public System.Collections.Concurrent.ConcurrentBag<OpenVersion> MissingVersions { get; } = [];

    /// <summary>Jobs that wait and that this process does not know, as found when their home was read.</summary>
    public System.Collections.Concurrent.ConcurrentQueue<string> UnknownJobs { get; } = [];

    private async Task ReleaseAsync()
    {
        try
        {
            List<ShardLease> leases = [.. Shards.Where(s => !s.Recovery.IsRecovering).Select(s => s.Commits.Lease)];
            if (leases.Count > 0)
            {
                await Store.ReleaseShardsAsync(leases, CancellationToken.None);
            }
        }
        catch (StoreException e)
        {
            Log.ReleaseFailed(e);
        }
    }
}

/// <summary>The shard has lived for another while; flows whose time comes soon.</summary>
internal sealed class FlowsWaking(IReadOnlyList<WakingFlow> flows) : Message
{
    public override void Handle()
    {
        if (Shard.Recovery.IsRecovering)
        {
            return; // it will read them itself, and commits nothing meanwhile
        }

        foreach (WakingFlow flow in flows)
        {
            Shard.Loop.WakeAt(flow.WakeAt, Shard, flow.Key);
        }

        Shard.Careful.LivedOn();
        Shard.Home?.Starts.LivedOn();
    }
}
