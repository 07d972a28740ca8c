using Perdure.Engine;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Orders;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Events;

/// <summary>All who have to do with events from outside of the processes.</summary>
internal sealed class EventCrowd
{
    private readonly EventWork _work;
    private readonly EventClients _clients;
    private readonly EventKeepers _keepers;
    private readonly Observed _observed;
    private readonly ReplayRandom _chance;

    public EventCrowd(World world, NodeProcesses cluster, EventWork work, Observed observed, ReplayRandom chance)
    {
        (_work, _observed, _chance) = (work, observed, chance);
        Caller = new JobCaller(world, cluster, observed, chance);
        _clients = new EventClients(Caller, work, chance);
        _keepers = new EventKeepers(Caller, work, chance);
    }

    public JobCaller Caller { get; }

    /// <summary>What has an end.</summary>
    public IEnumerable<Task> Work(TimeSpan within) => [.. Enumerable.Range(0, _chance.Next(1, 4)).Select(_ => _clients.WorkAsync(within)), _keepers.WorkAsync()];

    public Task KeepOpenAsync() => _keepers.KeepOpenAsync();

    public void Calm() => _work.Service.IsCalm = _work.Town.IsCalm = _work.LedTown.IsCalm = Caller.IsCalm = true;

    /// <summary>Whether every subscription has been through its topics, and no order waits for somebody to redrive what a crash loop was blamed on.</summary>
    public async Task<bool> AllIsHeardAsync(Process process)
    {
        foreach (PlannedSubscription subscription in _work.Plan.Subscriptions.Values.Where(s => s.IsKnownTo(process.Build.Versions)))
        {
            if ((await process.Place.Start(() => process.Client.Subscription(subscription.Name).DescribeAsync())).Lag > 0)
            {
                return false;
            }
        }

        foreach (string service in OrderPlan.Services)
        {
            await foreach (JobInfo _ in process.Client.Queue(service).DeadLettersAsync())
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Notes the dead letters that people are shown.</summary>
    public async Task ListDeadLettersAsync(Process process)
    {
        foreach (string subscription in _work.Plan.Subscriptions.Keys)
        {
            await foreach (JobInfo dead in process.Client.ListAsync(new JobFilter { Queue = subscription, Status = JobStatus.Failed, Limit = int.MaxValue }))
            {
                _observed.Events.DeadLetters.Add(dead.Id);
            }
        }
    }
}
