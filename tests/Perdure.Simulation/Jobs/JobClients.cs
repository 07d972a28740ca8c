using Perdure.Engine;
using Perdure.Simulation.Seen;

namespace Perdure.Simulation.Jobs;

/// <summary>Those who want jobs, leave them, cancel them, and pause queues. Each call goes to any process; whoever waits for an end asks again until somebody tells it.</summary>
internal sealed class JobClients(JobCaller caller, JobPlan plan, ReplayRandom chance)
{
    private int _ids;

    /// <summary>What one client does within some time, until it knows what became of all of it.</summary>
    public async Task WorkAsync(TimeSpan within)
    {
        await caller.PauseAsync(5_000);
        List<Task> all = [];
        int count = chance.Next(3, 16);
        for (int i = 0; i < count; i++)
        {
            all.Add(DoOneAsync());
            await caller.PauseAsync(chance.Next(3) == 0 ? 10 : 2 * (int)within.TotalMilliseconds / count);
        }

        await Task.WhenAll(all);
    }

    /// <summary>Once faults have stopped no queue stays paused: a pause whose answer was lost may still arrive. Schedules make no more jobs, so that there is an end.</summary>
    public async Task KeepOpenAsync()
    {
        while (!caller.GaveUp)
        {
            await caller.WaitAsync(TimeSpan.FromSeconds(10));
            foreach (string queue in caller.IsCalm ? plan.Queues.Keys : [])
            {
                await caller.CallAsync(new JobCall(0, "", JobVerb.Resume, queue), (process, _) => process.Client.Queue(queue).ResumeAsync());
            }

            foreach (string schedule in caller.IsCalm ? plan.Schedules.Keys : [])
            {
                await caller.CallAsync(new JobCall(0, "", JobVerb.PauseSchedule, schedule), (process, _) => process.Client.Schedule(schedule).PauseAsync());
            }
        }
    }

    private Task DoOneAsync() => chance.Next(20) switch
    {
        0 or 1 or 2 => EnqueueAsync(count: chance.Next(2, 5)),
        3 or 4 or 5 => TryNowAsync(),
        6 when chance.Next(2) == 0 => StopAsync(JobVerb.Pause),
        7 when chance.Next(3) == 0 => StopAsync(JobVerb.Drain),
        _ => EnqueueAsync(count: 1),
    };

    private async Task EnqueueAsync(int count)
    {
        JobOptions options = plan.AnyOptions(chance);
        List<IJob> wanted = [.. Enumerable.Range(0, count).Select(_ => Any(options.Queue!))];
        JobHandle<string>? own = null;
        JobCall call = await caller.CallAsync(Wants(JobVerb.Enqueue, options, wanted), async (process, asked) =>
        {
            if (count == 1 && wanted[0] is IJob<string> one)
            {
                own = await process.Client.EnqueueAsync(one, options);
            }

            IReadOnlyList<JobHandle> handles = own is not null ? [own] : count == 1 ? [await process.Client.EnqueueAsync(wanted[0], options)] : await process.Client.EnqueueManyAsync(wanted, options);
            asked.Receipts = [.. handles.Select(h => new Told(h.Number, h.Enqueued, h.Subscriber))];
            return handles;
        }, handles => string.Join(' ', handles.Select(h => $"{h.Id} {h.Enqueued}")));
        if (call.IsDone)
        {
            await Task.WhenAll(call.Receipts.Select(r => FollowAsync(call, r, own)));
        }
    }

    private async Task TryNowAsync()
    {
        JobOptions options = plan.AnyOptions(chance) with { Delay = null };
        if (Any(options.Queue!) is not IJob<string> job)
        {
            return; // only what has a result is tried now
        }

        JobCall call = await caller.CallAsync(Wants(JobVerb.TryNow, options, [job]), async (process, asked) =>
        {
            NowOrLater<string> now = await process.Client.TryNowAsync(job, TimeSpan.FromMilliseconds(chance.Next(50, 8_000)), options);
            asked.Receipts = [new Told(now.Job!.Number, now.Job.Enqueued, now.Job.Subscriber)];
            return now;
        }, now => now.IsDone ? now.Result : now.IsRejected ? "rejected" : "later");
        if (call.IsDone)
        {
            await FollowAsync(call, call.Receipts[0], null);
        }
    }

    /// <summary>Follows a job to its end; some callers leave it, or cancel it for all.</summary>
    private async Task FollowAsync(JobCall call, Told told, JobHandle<string>? own)
    {
        if (told.Number == 0)
        {
            return; // dropped, with the one that it undid
        }

        List<Task> all = [ResultAsync(call, told.Number, told.Subscriber, own)];
        if (chance.Next(8) == 0)
        {
            all.Add(CancelAsync(call.Queue, told.Number, chance.Next(2) == 0 || told.Subscriber < 0 ? null : told.Subscriber));
        }

        await Task.WhenAll(all);
    }

    private async Task ResultAsync(JobCall enqueued, long number, int? subscriber, JobHandle<string>? own)
    {
        JobCall call;
        do
        {
            call = await caller.CallAsync(new JobCall(0, "", JobVerb.Result, enqueued.Queue) { Number = number, Subscriber = subscriber, Options = enqueued.Options, Ids = enqueued.Ids }, (process, _) =>
            {
                if (enqueued.Queue == JobPlan.Batches)
                {
                    return DoneAsync(new JobHandle<string>(process.Jobs, enqueued.Queue, number, subscriber));
                }

                JobHandle<string> handle = own is not null && process.Name == enqueued.Process ? own : new JobHandle<string>(process.Jobs, enqueued.Queue, number, subscriber);
                return handle.ResultAsync();
            }, result => result);
        }
        while (JobCaller.IsUnanswered(call) && await caller.AgainAsync());
    }

    private async Task CancelAsync(string queue, long number, int? subscriber)
    {
        await caller.PauseAsync(chance.Next(2) == 0 ? 10 : 8_000);
        for (int i = 0; i < 3; i++)
        {
            JobCall call = await caller.CallAsync(new JobCall(0, "", JobVerb.Cancel, queue) { Number = number, Subscriber = subscriber },
                (process, _) => new JobHandle<string>(process.Jobs, queue, number, subscriber).CancelAsync(), answer => answer.ToString());
            if (call.IsDone || !await caller.AgainAsync())
            {
                return;
            }
        }
    }

    /// <summary>Pauses or drains a queue for a while.</summary>
    private async Task StopAsync(JobVerb verb)
    {
        string queue = plan.AnyQueueName(chance);
        await caller.CallAsync(new JobCall(0, "", verb, queue), (process, _) => verb == JobVerb.Pause ? process.Client.Queue(queue).PauseAsync() : process.Client.Queue(queue).DrainAsync());
        await caller.PauseAsync(caller.IsCalm ? 100 : 15_000);
        JobCall call;
        do
        {
            call = await caller.CallAsync(new JobCall(0, "", JobVerb.Resume, queue), (process, _) => process.Client.Queue(queue).ResumeAsync());
        }
        while (!call.IsDone && await caller.AgainAsync());
    }

    private static async Task<string> DoneAsync(JobHandle job)
    {
        await job.DoneAsync();
        return JobPlan.Done;
    }

    private IJob Any(string queue) => plan.Any(queue, ++_ids, chance);

    private static JobCall Wants(JobVerb verb, JobOptions options, IReadOnlyList<IJob> jobs)
        => new(0, "", verb, options.Queue!) { Options = options, Ids = [.. jobs.Cast<INumbered>().Select(j => j.Id)] };
}
