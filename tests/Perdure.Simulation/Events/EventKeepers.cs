using Perdure.Engine;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Orders;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Events;

/// <summary>Those who look after subscriptions: they rewind them, pause them, and redrive their dead letters. Once faults have stopped, nothing stays paused, and what nobody hears any more is removed.</summary>
internal sealed class EventKeepers(JobCaller caller, EventWork work, ReplayRandom chance)
{
    private readonly bool _rewindsOrders = chance.Next(3) == 0;

    public async Task WorkAsync()
    {
        while (!caller.IsCalm)
        {
            await caller.PauseAsync(30_000);
            await DoOneAsync(AnyQueue());
        }
    }

    public async Task KeepOpenAsync()
    {
        while (!caller.GaveUp)
        {
            await caller.WaitAsync(TimeSpan.FromSeconds(30));
            if (caller.IsCalm)
            {
                await OpenAsync();
            }
        }
    }

    private async Task OpenAsync()
    {
        foreach (string queue in work.Plan.Queues)
        {
            await AskAsync(JobVerb.Resume, queue, client => client.Queue(queue).ResumeAsync());
        }

        foreach (string service in OrderPlan.Services)
        {
            await AskAsync(JobVerb.Redrive, service, client => client.Queue(service).RedriveAsync(new JobFilter())); // what a crash loop was blamed on
        }

        foreach (string gone in work.Plan.Subscriptions.Values.Where(s => !s.IsKnownTo(Processes.Build.Good.Versions)).Select(s => s.Name))
        {
            await AskAsync(JobVerb.Remove, gone, client => client.Subscription(gone).RemoveAsync());
            await AskAsync(JobVerb.Cancel, gone, client => client.CancelJobsAsync(new JobFilter { Queue = gone }));
        }
    }

    private async Task DoOneAsync(string queue)
    {
        switch (chance.Next(6))
        {
            case 0 or 1 when queue != EventPlan.Chores && (_rewindsOrders || !OrderPlan.Services.Contains(queue)):
                await RewindAsync(queue);
                break;
            case 2:
                await AskAsync(JobVerb.Pause, queue, client => client.Queue(queue).PauseAsync());
                await caller.PauseAsync(10_000);
                await AskAsync(JobVerb.Resume, queue, client => client.Queue(queue).ResumeAsync());
                break;
            default:
                await AskAsync(JobVerb.Redrive, queue, client => client.Queue(queue).RedriveAsync(new JobFilter()));
                break;
        }
    }

    /// <summary>An order's services hear all again, and nothing else: what they leave out would be lost to the order.</summary>
    private Task RewindAsync(string subscription)
    {
        DateTimeOffset? from = OrderPlan.Services.Contains(subscription) ? DateTimeOffset.MinValue : EventPlan.AnyStart(chance, caller.Now);
        return caller.CallAsync(new JobCall(0, "", JobVerb.Rewind, subscription) { From = from }, (process, _) => process.Client.Subscription(subscription).RewindAsync(EventPlan.StartOf(from)));
    }

    private Task AskAsync(JobVerb verb, string about, Func<PerdureClient, Task> ask) => caller.CallAsync(new JobCall(0, "", verb, about), (process, _) => ask(process.Client));

    private string AnyQueue() => work.Plan.Queues.ElementAt(chance.Next(work.Plan.Queues.Count()));
}
