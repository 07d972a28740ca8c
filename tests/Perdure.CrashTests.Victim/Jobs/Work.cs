using System.Globalization;

namespace Perdure.CrashTests.Victim.Jobs;

/// <summary>One kind of work: how it is registered, who makes it and looks after it, and when all of it is over.</summary>
internal abstract class Work(JobLog log, params string[] queues)
{
    protected static TimeSpan Takes { get; } = TimeSpan.FromMilliseconds(2);

    protected static Retry Again { get; } = Retry.Fixed(50, TimeSpan.FromMilliseconds(5));

    protected JobLog Log => log;

    public abstract void AddTo(PerdureBuilder perdure);

    /// <summary>Makes what no process was told of yet.</summary>
    public abstract Task MakeAsync(PerdureClient client);

    /// <summary>Looks after it while it is made and done.</summary>
    public virtual Task TendAsync(PerdureClient client, CancellationToken over) => Task.CompletedTask;

    public virtual async Task<bool> IsOverAsync(PerdureClient client)
    {
        foreach (string queue in queues)
        {
            QueueStats stats = await client.Queue(queue).StatsAsync();
            if (stats.Waiting + stats.Delayed + stats.Running > 0 || await RedriveAsync(client, queue))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Redrives what was blamed for the deaths of several processes in a row: it alone was running, or about to.</summary>
    /// <returns>Whether there was something.</returns>
    protected virtual async Task<bool> RedriveAsync(PerdureClient client, string queue)
    {
        List<JobInfo> dead = await client.Queue(queue).DeadLettersAsync().ToListAsync();
        foreach (JobInfo blamed in dead)
        {
            Log.Write(JobVerb.Blamed, new VictimJob(blamed.Id, LaneOf(blamed), 0));
            await client.Queue(queue).RedriveAsync(blamed.Id);
        }

        return dead.Count > 0;
    }

    protected virtual string LaneOf(JobInfo job) => job.Key ?? job.Queue;

    /// <summary>Enqueues a lane's jobs one after the other: those that no process was told of, again and under a new name.</summary>
    protected async Task EnqueueAsync(PerdureClient client, string queue, string lane, int count, Func<JobHandle, VictimJob, Task>? then = null)
    {
        for (int number = 0; number < count; number++)
        {
            string name = $"{lane}/{number.ToString(CultureInfo.InvariantCulture)}";
            if (Log.Before.Any(l => l.Verb == JobVerb.Made && l.Name.StartsWith(name + "/", StringComparison.Ordinal)))
            {
                continue;
            }

            var job = new VictimJob($"{name}/{Log.Life.ToString(CultureInfo.InvariantCulture)}", lane, number);
            JobHandle handle = await client.EnqueueAsync(job, new JobOptions { Queue = queue, Key = lane });
            Log.Write(JobVerb.Made, job);
            if (then is not null)
            {
                await then(handle, job);
            }
        }
    }

    /// <summary>An attempt at a job; every fifth fails.</summary>
    protected async Task AttemptAsync(VictimJob job, JobContext context)
    {
        Log.Write(JobVerb.Began, job);
        await Task.Delay(Takes, context);
        if ((job.Number + context.Attempt) % 5 == 0)
        {
            throw new IOException("this time it fails");
        }

        Log.Write(JobVerb.Done, job);
    }
}

/// <summary>Jobs in lanes, some of which keep their order. Some are cancelled; some publish an event.</summary>
internal sealed class LaneWork(JobLog log) : Work(log, Plain, Ordered)
{
    public const string Plain = "plain";
    private const string Ordered = "ordered";
    private const int Jobs = 40;
    private const int CancelEvery = 9;
    private const int PublishEvery = 4;

    private static readonly string[] Lanes = ["plain-0", "plain-1", "ordered-0", "ordered-1", "ordered-2", "ordered-3"];

    public override void AddTo(PerdureBuilder perdure) => perdure
        .AddQueue(Plain, q => (q.Concurrency, q.Retry) = (4, Again))
        .AddQueue(Ordered, q => (q.Concurrency, q.InOrder, q.Retry) = (4, true, Again))
        .AddHandler<VictimJob>(Plain, HandleAsync)
        .AddHandler<VictimJob>(Ordered, HandleAsync);

    public override Task MakeAsync(PerdureClient client) => Task.WhenAll(Lanes.Select(lane => EnqueueAsync(client, lane.Split('-')[0], lane, Jobs, CancelAsync)));

    private async Task CancelAsync(JobHandle handle, VictimJob job)
    {
        if (job.Number % CancelEvery != CancelEvery - 1)
        {
            return;
        }

        Log.Write(JobVerb.Cancelling, job);
        await handle.CancelAsync();
        if (await IsShownAsCancelledAsync(handle))
        {
            Log.Write(JobVerb.Cancelled, job);
        }
    }

    /// <summary>One that runs is cancelling first, and may be on its way to its handler. Of one that was done meanwhile nothing is kept.</summary>
    private static async Task<bool> IsShownAsCancelledAsync(JobHandle handle)
    {
        try
        {
            return (await handle.DescribeAsync()).Status == JobStatus.Cancelled;
        }
        catch (JobNotFoundException)
        {
            return false;
        }
    }

    private async Task HandleAsync(VictimJob job, JobContext context)
    {
        await AttemptAsync(job, context);
        if (job.Number % PublishEvery == 0)
        {
            context.Publish(new VictimEvent($"of {job.Name}", "jobs"));
        }
    }
}

/// <summary>Jobs that are handled many at once, each with its own outcome.</summary>
internal sealed class BatchWork(JobLog log) : Work(log, Queue)
{
    private const string Queue = "batched";

    public override void AddTo(PerdureBuilder perdure) => perdure
        .AddQueue(Queue, q => (q.Concurrency, q.BatchMax, q.Retry) = (12, 5, Again))
        .AddHandler<Handler>(Queue);

    public override Task MakeAsync(PerdureClient client) => Task.WhenAll(Enumerable.Range(0, 3).Select(i => EnqueueAsync(client, Queue, $"batched-{i.ToString(CultureInfo.InvariantCulture)}", 20)));

    private sealed class Handler(JobLog log) : IBatchHandler<VictimJob>
    {
        public async Task HandleAsync(IReadOnlyList<BatchedJob<VictimJob>> jobs, CancellationToken cancellationToken)
        {
            foreach (BatchedJob<VictimJob> job in jobs)
            {
                log.Write(JobVerb.Began, job.Job);
            }

            await Task.Delay(Takes, cancellationToken);
            foreach (BatchedJob<VictimJob> job in jobs)
            {
                if ((job.Job.Number + job.Context.Attempt) % 5 == 0)
                {
                    job.Fail(new IOException("this time it fails"));
                }
                else
                {
                    log.Write(JobVerb.Done, job.Job);
                }
            }
        }
    }
}

/// <summary>Jobs that workers outside pull under leases. What they were told is done is done once.</summary>
internal sealed class LeasedWork(JobLog log) : Work(log, Queue)
{
    private const string Queue = "leased";

    public override void AddTo(PerdureBuilder perdure) => perdure.AddQueue(Queue, q => (q.Lease, q.Retry) = (TimeSpan.FromSeconds(1), Again));

    public override Task MakeAsync(PerdureClient client) => Task.WhenAll(Enumerable.Range(0, 2).Select(i => EnqueueAsync(client, Queue, $"leased-{i.ToString(CultureInfo.InvariantCulture)}", 20)));

    public override Task TendAsync(PerdureClient client, CancellationToken over) => Task.WhenAll(PullAsync(client, over), PullAsync(client, over));

    private async Task PullAsync(PerdureClient client, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            foreach (LeasedJob job in await client.Queue(Queue).LeaseAsync("worker", 3, TimeSpan.FromMilliseconds(20), CancellationToken.None))
            {
                try
                {
                    await DoAsync(job);
                }
                catch (PerdureException e) when (e.Code == "PRD1021")
                {
                    // The lease has ended while the machine was slow: somebody else has the job by now.
                }
            }
        }
    }

    private async Task DoAsync(LeasedJob leased)
    {
        VictimJob job = leased.Read<VictimJob>();
        Log.Write(JobVerb.Began, job);
        await Task.Delay(Takes);
        if (job.Number % 3 == 0)
        {
            await leased.RenewAsync();
        }

        if ((job.Number + leased.Attempt) % 5 == 0)
        {
            await leased.FailAsync(ErrorKind.Transient, "this time it fails");
            return;
        }

        Log.Write(JobVerb.Reporting, job);
        await leased.CompleteAsync();
        Log.Write(JobVerb.Done, job);
    }
}

/// <summary>Jobs of which some fail until somebody redrives them.</summary>
internal sealed class DeadLetterWork(JobLog log) : Work(log, Queue)
{
    private const string Queue = "dead";

    public override void AddTo(PerdureBuilder perdure) => perdure
        .AddQueue(Queue, q => q.Retry = Retry.None)
        .AddHandler<VictimJob>(Queue, async (job, context) =>
        {
            Log.Write(JobVerb.Began, job);
            await Task.Delay(Takes, context);
            if (job.Number % 3 == 0 && !Log.IsRedriven(job.Name))
            {
                throw new IOException("it fails until it is redriven");
            }

            Log.Write(JobVerb.Done, job);
        });

    public override async Task MakeAsync(PerdureClient client)
    {
        for (int number = 0; number < 40; number++)
        {
            string name = $"dead/{number.ToString(CultureInfo.InvariantCulture)}";
            if (!Log.Before.Any(l => l.Verb == JobVerb.Made && l.Name == name))
            {
                var job = new VictimJob(name, Queue, number);
                await client.EnqueueAsync(job, new JobOptions { Queue = Queue, Key = name, DedupKey = name }); // once more does no harm
                Log.Write(JobVerb.Made, job);
            }
        }
    }

    public override async Task TendAsync(PerdureClient client, CancellationToken over)
    {
        for (bool all = false; !over.IsCancellationRequested; all = !all)
        {
            List<JobInfo> dead = await client.Queue(Queue).DeadLettersAsync(cancellationToken: CancellationToken.None).ToListAsync(CancellationToken.None);
            dead.ForEach(d => Log.Write(JobVerb.Redriven, new VictimJob(d.Key!, Queue, 0)));
            if (all)
            {
                await client.Queue(Queue).RedriveAsync(new JobFilter(), cancellationToken: CancellationToken.None);
            }
            else if (dead.Count > 0)
            {
                await client.Queue(Queue).RedriveAsync(dead[0].Id, CancellationToken.None);
            }

            await Task.Delay(Takes, CancellationToken.None);
        }
    }

    /// <summary>Whoever looks after them does.</summary>
    protected override async Task<bool> RedriveAsync(PerdureClient client, string queue) => await client.Queue(queue).DeadLettersAsync().AnyAsync();
}

/// <summary>What a schedule makes while the other work goes on: a job for each of its times.</summary>
internal sealed class TickWork(JobLog log) : Work(log, Queue)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(50);

    private const string Queue = "ticks";
    private const string Schedule = "clock";

    public override void AddTo(PerdureBuilder perdure) => perdure
        .AddQueue(Queue, q => q.Retry = Again)
        .AddSchedule(Schedule, Timetable.Every(Interval, DateTimeOffset.UnixEpoch), at => new VictimJob($"tick/{at.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture)}", Queue, 0), s =>
        {
            (s.Overlap, s.CatchUp, s.CatchUpMax) = (Overlap.Queue, CatchUp.All, 1_000);
            s.JobOptions = new JobOptions { Queue = Queue };
        })
        .AddHandler<VictimJob>(Queue, (job, context) =>
        {
            Log.Write(JobVerb.Began, job with { Lane = context.Id });
            Log.Write(JobVerb.Done, job with { Lane = context.Id });
            return Task.CompletedTask;
        });

    /// <summary>The schedule makes them.</summary>
    public override Task MakeAsync(PerdureClient client) => Task.CompletedTask;

    /// <summary>Lets the schedule make no more.</summary>
    public static Task EndAsync(PerdureClient client) => client.Schedule(Schedule).PauseAsync();
}
