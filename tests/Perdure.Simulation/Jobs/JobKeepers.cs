using Perdure.Engine;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Jobs;

/// <summary>Those who look after queues: they change policies while queues run, redrive or discard dead letters, and pause, trigger and backfill schedules, until faults have stopped.</summary>
internal sealed class JobKeepers(JobCaller caller, JobPlan plan, ReplayRandom chance)
{
    /// <summary>Ids of jobs that were edited begin here.</summary>
    private const int FirstId = 50_000_000;

    private int _ids = FirstId;

    public async Task WorkAsync()
    {
        if (chance.Next(2) == 0)
        {
            return; // where nobody changes anything, more can be checked
        }

        while (!caller.IsCalm)
        {
            await caller.PauseAsync(15_000);
            await DoOneAsync(plan.AnyQueueName(chance));
        }
    }

    private Task DoOneAsync(string queue) => chance.Next(plan.Schedules.Count > 0 ? 10 : 6) switch
    {
        0 or 1 => ChangeAsync(queue),
        2 => AskAsync(JobVerb.Reset, queue, client => client.Queue(queue).ResetAsync()),
        3 => RedriveAsync(queue),
        4 => RedriveOneAsync(queue),
        5 => chance.Next(3) == 0 ? AskAsync(JobVerb.Discard, queue, client => client.Queue(queue).DiscardAsync(new JobFilter())) : RedriveAsync(queue),
        6 or 7 => StopScheduleAsync(AnySchedule()),
        8 => TriggerAsync(AnySchedule()),
        _ => BackfillAsync(AnySchedule()),
    };

    private Task ChangeAsync(string queue)
    {
        Action<QueueOptions> change = JobPolicies.AnyChange(chance);
        return AskAsync(JobVerb.Change, queue, client => client.Queue(queue).ChangeAsync(change));
    }

    private Task RedriveAsync(string queue)
    {
        Rate? atMost = chance.Next(3) == 0 ? new Rate(1, TimeSpan.FromSeconds(chance.Next(1, 5))) : null;
        return caller.CallAsync(new JobCall(0, "", JobVerb.Redrive, queue), (process, _) => process.Client.Queue(queue).RedriveAsync(new JobFilter(), atMost), count => $"{count}");
    }

    private async Task RedriveOneAsync(string queue)
    {
        IJob? edited = chance.Next(2) == 0 ? queue == JobPlan.Batches ? new Load(++_ids) : queue == JobPlan.Flows ? new Errand(++_ids) : new Work(++_ids) : null;
        await caller.CallAsync(new JobCall(0, "", JobVerb.Redrive, queue) { Ids = edited is INumbered { Id: var id } ? [id] : [] }, async (process, call) =>
        {
            await foreach (JobInfo dead in process.Client.Queue(queue).DeadLettersAsync())
            {
                JobHandle job = edited is null ? await process.Client.Queue(queue).RedriveAsync(dead.Id) : await process.Client.Queue(queue).RedriveAsync(dead.Id, edited);
                call.Receipts = [new Told(job.Number, job.Enqueued, null)];
                return 1;
            }

            return 0;
        }, count => $"{count}");
    }

    private async Task StopScheduleAsync(string schedule)
    {
        await AskAsync(JobVerb.PauseSchedule, schedule, client => client.Schedule(schedule).PauseAsync());
        await caller.PauseAsync(20_000);
        if (!caller.IsCalm)
        {
            await AskAsync(JobVerb.ResumeSchedule, schedule, client => client.Schedule(schedule).ResumeAsync());
        }
    }

    private Task TriggerAsync(string schedule)
        => caller.CallAsync(new JobCall(0, "", JobVerb.Trigger, schedule), (process, _) => process.Client.Schedule(schedule).TriggerAsync(), job => job.Id);

    private Task BackfillAsync(string schedule)
    {
        DateTimeOffset from = caller.Now.AddSeconds(-chance.Next(1, 120));
        DateTimeOffset to = from.AddSeconds(chance.Next(1, 120));
        return caller.CallAsync(new JobCall(0, "", JobVerb.Backfill, schedule), (process, _) => process.Client.Schedule(schedule).BackfillAsync(from, to), count => $"{count}");
    }

    private Task AskAsync(JobVerb verb, string about, Func<PerdureClient, Task> ask) => caller.CallAsync(new JobCall(0, "", verb, about), (process, _) => ask(process.Client));

    private string AnySchedule() => plan.Schedules.Keys.ElementAt(chance.Next(plan.Schedules.Count));
}
