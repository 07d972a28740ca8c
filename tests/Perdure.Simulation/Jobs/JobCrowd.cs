using Perdure.Engine;
using Perdure.Simulation.Seen;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Jobs;

/// <summary>All who have to do with jobs from outside of the processes.</summary>
internal sealed class JobCrowd
{
    private readonly JobClients _clients;
    private readonly JobKeepers _keepers;
    private readonly Workers? _workers;
    private readonly ReplayRandom _chance;

    public JobCrowd(World world, NodeProcesses cluster, JobPlan plan, Observed observed, ReplayRandom chance)
    {
        _chance = chance;
        Caller = new JobCaller(world, cluster, observed, chance);
        _clients = new JobClients(Caller, plan, chance);
        _keepers = new JobKeepers(Caller, plan, chance);
        _workers = plan.HasWorkersOutside ? new Workers(Caller, plan, observed, chance) : null;
    }

    public JobCaller Caller { get; }

    /// <summary>What has an end: clients who want jobs, and those who look after queues.</summary>
    public IEnumerable<Task> Work(TimeSpan within) => [.. Enumerable.Range(0, _chance.Next(1, 5)).Select(_ => _clients.WorkAsync(within)), _keepers.WorkAsync()];

    /// <summary>What goes on until all has ended: queues are opened again, and workers outside do what there is.</summary>
    public Task KeepOpenAsync() => Task.WhenAll([_clients.KeepOpenAsync(), .. _workers is null ? [] : Enumerable.Range(0, _chance.Next(1, 4)).Select(_ => _workers.WorkAsync())]);
}
