using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Jobs;

/// <summary>Those who want jobs, leave them, cancel them, and pause queues. Each call goes to any process; whoever waits for an end asks again until somebody tells it.</summary>
internal sealed class JobClients(World world, Cluster cluster, JobPlan plan, Observed observed, ReplayRandom chance)
{
    private const string Unavailable = "unavailable";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly List<JobCall> _calls = observed.Jobs.Calls;
    private int _ids;

    /// <summary>Whether faults have stopped.</summary>
    public bool IsCalm { get; set; }

    public bool GaveUp { get; set; }

    /// <summary>What one client does within some time, until it knows what became of all of it.</summary>
    public async Task WorkAsync(TimeSpan within)
    {
        await PauseAsync(5_000);
        List<Task> all = [];
        int count = chance.Next(3, 16);
        for (int i = 0; i < count; i++)
        {
            all.Add(DoOneAsync());
            await PauseAsync(chance.Next(3) == 0 ? 10 : 2 * (int)within.TotalMilliseconds / count);
        }

        await Task.WhenAll(all);
    }

    /// <summary>Once faults have stopped no queue stays paused: a pause whose answer was lost may still arrive.</summary>
    public async Task KeepOpenAsync()
    {
        while (!GaveUp)
        {
            await Task.Delay(TimeSpan.FromSeconds(10), world.Outside.Time);
            foreach (string queue in IsCalm ? plan.Queues.Keys : [])
            {
                await CallAsync(new JobCall(0, "", JobVerb.Resume, queue), (process, _) => process.Client.Queue(queue).ResumeAsync());
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
        List<IJob> wanted = [.. Enumerable.Range(0, count).Select(_ => Any())];
        JobHandle<string>? own = null;
        JobCall call = await CallAsync(Wants(JobVerb.Enqueue, options, wanted), async (process, asked) =>
        {
            if (count == 1)
            {
                own = await process.Client.EnqueueAsync((IJob<string>)wanted[0], options);
            }

            IReadOnlyList<JobHandle> handles = own is not null ? [own] : await process.Client.EnqueueManyAsync(wanted, options);
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
        IJob<string> job = Any();
        JobCall call = await CallAsync(Wants(JobVerb.TryNow, options, [job]), async (process, asked) =>
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
            call = await CallAsync(new JobCall(0, "", JobVerb.Result, enqueued.Queue) { Number = number, Subscriber = subscriber, Options = enqueued.Options, Ids = enqueued.Ids }, (process, _) =>
            {
                JobHandle<string> handle = own is not null && process.Name == enqueued.Process ? own : new JobHandle<string>(process.Jobs, enqueued.Queue, number, subscriber);
                return handle.ResultAsync();
            }, result => result);
        }
        while (IsUnanswered(call) && await AgainAsync());
    }

    private async Task CancelAsync(string queue, long number, int? subscriber)
    {
        await PauseAsync(chance.Next(2) == 0 ? 10 : 8_000);
        for (int i = 0; i < 3; i++)
        {
            JobCall call = await CallAsync(new JobCall(0, "", JobVerb.Cancel, queue) { Number = number, Subscriber = subscriber },
                (process, _) => new JobHandle<string>(process.Jobs, queue, number, subscriber).CancelAsync(), answer => answer.ToString());
            if (call.IsDone || !await AgainAsync())
            {
                return;
            }
        }
    }

    /// <summary>Pauses or drains a queue for a while.</summary>
    private async Task StopAsync(JobVerb verb)
    {
        string queue = plan.AnyQueueName(chance);
        await CallAsync(new JobCall(0, "", verb, queue), (process, _) => verb == JobVerb.Pause ? process.Client.Queue(queue).PauseAsync() : process.Client.Queue(queue).DrainAsync());
        await PauseAsync(IsCalm ? 100 : 15_000);
        JobCall call;
        do
        {
            call = await CallAsync(new JobCall(0, "", JobVerb.Resume, queue), (process, _) => process.Client.Queue(queue).ResumeAsync());
        }
        while (!call.IsDone && await AgainAsync());
    }

    private IJob<string> Any() => chance.Next(4) == 0 ? new Bundle(++_ids, chance.Next(3) == 0) : new Work(++_ids);

    private static JobCall Wants(JobVerb verb, JobOptions options, IReadOnlyList<IJob> jobs)
        => new(0, "", verb, options.Queue!) { Options = options, Ids = [.. jobs.Select(j => j is Work work ? work.Id : ((Bundle)j).Id)] };

    private Task<JobCall> CallAsync(JobCall call, Func<Process, JobCall, Task> ask) => CallAsync(call, async (process, asked) =>
    {
        await ask(process, asked);
        return "";
    }, _ => null);

    /// <summary>Makes a call in some process, and writes down what came of it.</summary>
    private async Task<JobCall> CallAsync<T>(JobCall draft, Func<Process, JobCall, Task<T>> ask, Func<T, string?> answerOf)
    {
        Process? process;
        while ((process = cluster.Any()) is null)
        {
            await PauseAsync(2_000);
        }

        JobCall call = draft with { Order = observed.Next(), Process = process.Name };
        _calls.Add(call);
        world.Trace.Note($"{process.Name} is asked: {call.Verb} {call.Queue} {call.Number:x} {string.Join(' ', call.Ids)} {call.Options}");
        Task<T> answer = process.Place.Start(() => ask(process, call));
        await Task.WhenAny(answer, Task.Delay(Patience, world.Outside.Time));
        if (!answer.IsCompleted)
        {
            return call;
        }

        try
        {
            call.Answer = answerOf(await answer);
        }
        catch (PerdureException e)
        {
            call.Error = e is StoreUnavailableException ? Unavailable : e.Code;
        }

        call.AnswerOrder = observed.Next();
        world.Trace.Note($"{process.Name} answers: {call.Verb} {call.Queue} {call.Number:x} {string.Join(' ', call.Ids)}: {call.Answer} {call.Error}");
        return call;
    }

    /// <summary>Whether nobody can say what became of a call.</summary>
    private static bool IsUnanswered(JobCall call) => call.AnswerOrder == 0 || call.Error is Unavailable or ErrorCodes.StoreFailed or ErrorCodes.NotStarted;

    private async Task<bool> AgainAsync()
    {
        await PauseAsync(IsCalm ? 500 : 5_000);
        return !GaveUp;
    }

    private Task PauseAsync(int millisecondsMax) => Task.Delay(TimeSpan.FromMilliseconds(chance.Next(Math.Max(1, millisecondsMax))), world.Outside.Time);
}
