using Perdure.Engine;
using Perdure.Simulation.Checks;
using Perdure.Simulation.Clients;
using Perdure.Simulation.Events;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Orders;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Simulation.Services;
using Perdure.Simulation.Stores;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Runs;

/// <summary>What came of one seed.</summary>
/// <param name="Seed">The seed.</param>
/// <param name="TraceHash">Sums up the course of events.</param>
/// <param name="Violations">What the checkers found.</param>
/// <param name="Marks">Rare situations that came about.</param>
/// <param name="Took">How much virtual time it took.</param>
/// <param name="Commits">How many batches were committed.</param>
/// <param name="ForeignPosts">How much escaped to another thread.</param>
internal sealed record SimulatedRun(ulong Seed, ulong TraceHash, IReadOnlyList<Violation> Violations, IReadOnlySet<string> Marks, TimeSpan Took, int Commits, long ForeignPosts);

/// <summary>Runs one seed: processes, clients, an operator and chaos, then calm until all flows have ended, then the checks.</summary>
/// <remarks>Seeds over <see cref="JobSeedsMax"/> have events, those over <see cref="FlowSeedsMax"/> queues, both with few flows; the others have flows alone.</remarks>
internal sealed class Simulated
{
    public const ulong FlowSeedsMax = 1_000_000;
    public const ulong JobSeedsMax = 2_000_000;

    private const long StepsMax = 3_000_000;
    private static readonly TimeSpan CalmMax = TimeSpan.FromHours(2);

    private readonly World _world;
    private readonly Observed _observed = new();
    private readonly ModelStore _store;
    private readonly Service _service;
    private readonly NodeProcesses _cluster;
    private readonly Chaos _chaos;
    private readonly Clients.Clients _clients;
    private readonly Operator _operator;
    private readonly ReplayRandom _chance;
    private readonly JobWork? _jobs;
    private readonly JobCrowd? _crowd;
    private readonly EventWork? _events;
    private readonly EventCrowd? _publishers;
    private string? _unfinished;

    private Simulated(ulong seed, Action<string>? trace)
    {
        _world = new World(seed, WorkOrder.ByChance);
        if (trace is not null)
        {
            _world.Trace.ReadBy(_world, trace);
        }

        _chance = new ReplayRandom(ReplayRandom.Mix(seed ^ 0x51_3));
        _store = new ModelStore(_world, _observed, shards: _chance.Next(1, 5), hasHome: seed > FlowSeedsMax);
        _service = new Service(_world, _observed);
        _jobs = seed is > FlowSeedsMax and <= JobSeedsMax ? new JobWork(new JobPlan(_chance, _world.Now), new JobService(_world, _observed)) : null;
        _events = seed > JobSeedsMax ? new EventWork(new EventPlan(_chance, _world.Now), new EventService(_world, _observed), new OrderTown(_world), new OrderTown(_world)) : null;
        _cluster = new NodeProcesses(_world, _store, _service, _jobs, _events, _observed, _chance);
        _chaos = new Chaos(_world, _store, _cluster, _observed, _chance);
        _clients = new Clients.Clients(_world, _cluster, _observed, _chance, special: _events is not null ? PlanTypes.Listening : _jobs is not null ? PlanTypes.Calling : null);
        _crowd = _jobs is null ? null : new JobCrowd(_world, _cluster, _jobs.Plan, _observed, _chance);
        _publishers = _events is null ? null : new EventCrowd(_world, _cluster, _events, _observed, _chance);
        _operator = new Operator(_world, _clients, _cluster, _observed, _chance);
    }

    public static SimulatedRun Of(ulong seed, Action<string>? trace = null) => new Simulated(seed, trace).Run();

    private SimulatedRun Run()
    {
        DateTimeOffset start = _world.Now;
        try
        {
            Task<bool> main = _world.Outside.Start(MainAsync);
            bool isOver = false;
            bool ended = _world.Run(() => main.IsCompleted || (isOver = _world.Steps > StepsMax));
            _unfinished ??= isOver ? $"no end after {StepsMax} pieces of work" : ended ? main.Exception?.ToString() : "the world stands still";
        }
        catch (Exception e)
        {
            _unfinished = $"the engine threw, where nobody catches it: {e}";
        }

        Story story = Story.Read(_observed);
        List<Violation> violations = Checkers.Run(story, _observed, _unfinished, _jobs?.Plan, _events);
        return new SimulatedRun(_world.Seed, _world.Trace.Hash, violations, _observed.Marks, _world.Now - start, _observed.Batches.Count, _world.ForeignPosts);
    }

    private async Task<bool> MainAsync()
    {
        _world.DueElsewhere = () => _store.HolderOf(0) is null ? null : NextWake.Of(_store.Memory, _store.Shards);
        var chaos = TimeSpan.FromSeconds(_chance.Next(20, 120));
        while (await _cluster.StartAsync(FirstBuild()) is null)
        {
            await Task.Delay(TimeSpan.FromSeconds(1), _world.Outside.Time);
        }

        Task[] clients =
        [
            .. Enumerable.Range(1, _jobs is null ? _chance.Next(2, 7) : _chance.Next(4)).Select(i => _clients.FollowAsync(i, chaos / 2)),
            .. _crowd?.Work(chaos / 2) ?? [], .. _publishers?.Work(chaos / 2) ?? [],
        ];
        Task open = _crowd?.KeepOpenAsync() ?? _publishers?.KeepOpenAsync() ?? Task.CompletedTask;
        Task looksAfter = _operator.WorkAsync();
        await _chaos.RunAsync(chaos);

        Process survivor = await _chaos.CalmAsync();
        _world.Trace.Note($"calm, {survivor.Name} survives");
        _service.IsCalm = _operator.IsCalm = _clients.IsCalm = true;
        if (_jobs is not null)
        {
            _jobs.Service.IsCalm = _crowd!.Caller.IsCalm = true;
        }

        _publishers?.Calm();
        Task polls = PollAsync(survivor);
        Task all = Task.WhenAll(clients);
        await Task.WhenAny(AllEndAsync(all, survivor), Task.Delay(CalmMax, _world.Outside.Time));
        if (!all.IsCompletedSuccessfully)
        {
            _unfinished = all.IsFaulted ? all.Exception.ToString() : "clients wait in vain";
        }

        _clients.GaveUp = _operator.HasGone = true;
        foreach (JobCaller caller in new[] { _crowd?.Caller, _publishers?.Caller }.OfType<JobCaller>())
        {
            caller.GaveUp = true;
        }

        await Task.WhenAll(looksAfter, polls, open);
        await (_publishers?.ListDeadLettersAsync(survivor) ?? Task.CompletedTask);
        await survivor.StopAsync();
        return true;
    }

    /// <summary>Waits until all runs have ended and all clients know it.</summary>
    private async Task AllEndAsync(Task clients, Process survivor)
    {
        await Task.WhenAny(clients, Task.Delay(CalmMax, _world.Outside.Time));
        while (!await HasEndedAsync(survivor))
        {
            await Task.Delay(TimeSpan.FromSeconds(10), _world.Outside.Time);
        }
    }

    /// <summary>Whether nothing is open. What clients asked of a shard that was recovering comes into the store only when it is back, though they have given up.</summary>
    private async Task<bool> HasEndedAsync(Process survivor)
    {
        if (!survivor.Node.IsReady)
        {
            return false;
        }

        await survivor.Place.Start(() => Task.WhenAll(survivor.Node.Shards.Select(s => s.DrainAsync())));
        var open = new FlowFilter { Statuses = [FlowStatus.Running, FlowStatus.Undoing, FlowStatus.Stuck] };
        return ModelStore.Now(_store.Memory.CountAsync(open, CancellationToken.None)) == 0 && !_store.HasMessages && !_store.HasSchedules && !_store.HasJobs
            && (_publishers is null || await _publishers.AllIsHeardAsync(survivor));
    }

    /// <summary>With events there is an old version of the code first, more often than not, and later one with another subscription.</summary>
    private Build FirstBuild() => _events is not null && _chance.Next(2) == 0 ? new Build(1, false) : _cluster.AnyBuild();

    /// <summary>Does what polling will do one day: it finds messages of other processes that nobody hands over.</summary>
    private async Task PollAsync(Process survivor)
    {
        while (!_clients.GaveUp)
        {
            await Task.Delay(TimeSpan.FromSeconds(10), _world.Outside.Time);
            foreach (int shard in _store.ForgottenMessages())
            {
                _store.TakeByStranger(shard);
                survivor.Steal(shard);
            }
        }
    }
}
