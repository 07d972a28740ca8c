using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;

namespace Perdure.Jobs.Tests.Guide;

// docs: job
public sealed record MakeCoffee(string Table, string Kind) : IJob<Cup>;

public sealed record Cup(string Kind);

public sealed class Barista(Machine machine) : IHandler<MakeCoffee, Cup>
{
    public Task<Cup> HandleAsync(MakeCoffee job, JobContext context) => machine.BrewAsync(job.Kind, context.IdempotencyKey, context);
}
// end

public sealed class Machine
{
    public bool IsBroken { get; set; }

    public int Brewed { get; private set; }

    public Task<Cup> BrewAsync(string kind, string key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (kind == "decaf")
        {
            throw new RejectedException($"no decaf here ({key})");
        }

        return IsBroken ? throw new IOException("the machine is broken") : Task.FromResult(new Cup(kind + (Brewed++ > 100 ? "!" : "")));
    }
}

// docs: batch
public sealed record Wash(string Dish) : IJob;

public sealed class Dishwasher : IBatchHandler<Wash>
{
    public Task HandleAsync(IReadOnlyList<BatchedJob<Wash>> jobs, CancellationToken cancellationToken)
    {
        foreach (BatchedJob<Wash> job in jobs)
        {
            if (job.Job.Dish == "wooden spoon")
            {
                job.Fail(new RejectedException("not for the dishwasher"));      // the others are done
            }
        }

        return Task.CompletedTask;
    }
}
// end

internal sealed record Deliver(string Table) : IJob;

/// <summary>The guide's code on queues.</summary>
public sealed class CafeTests
{
    [Fact]
    public async Task Jobs_are_enqueued_awaited_and_tried_now()
    {
        await using FlowTest test = await StartAsync();
        PerdureClient perdure = test.Perdure;

        // docs: enqueue
        JobHandle<Cup> job = await perdure.EnqueueAsync(new MakeCoffee("7", "espresso"));      // durable when the task completes
        Cup cup = await job.ResultAsync();                                                     // waits for it, for as long as it takes
        JobInfo info = await perdure.Job(job.Id).DescribeAsync();                              // by its id, from anywhere
        // end

        cup.Kind.ShouldBe("espresso");
        info.Status.ShouldBe(JobStatus.Completed);

        // docs: options
        await perdure.EnqueueAsync(new MakeCoffee("7", "tea"), new JobOptions
        {
            Priority = -1,                                      // before those of priority 0
            Delay = TimeSpan.FromMinutes(2),
            ExpireAfter = TimeSpan.FromMinutes(20),             // then it is a dead letter
            Limit = TimeSpan.FromMinutes(10),                   // how long this caller wants it
        });
        // end

        // docs: try-now
        NowOrLater<Cup> answer = await perdure.TryNowAsync(new MakeCoffee("8", "latte"), budget: TimeSpan.FromMilliseconds(200));
        string text = answer switch
        {
            { IsDone: true } => $"here is your {answer.Result!.Kind}",
            { IsRejected: true } => $"sorry: {answer.Rejection}",
            _ => $"it will be brought to you ({answer.Job!.Id})",
        };
        // end

        text.ShouldBe("here is your latte");
    }

    [Fact]
    public async Task A_queue_is_paused_and_resumed()
    {
        await using FlowTest test = await StartAsync();
        PerdureClient perdure = test.Perdure;

        // docs: pause
        QueueHandle bar = perdure.Queue("bar");
        await bar.PauseAsync();                 // what runs runs on; new jobs wait
        await bar.ResumeAsync();
        await bar.DrainAsync();                 // takes no new jobs, and does those that are there
        // end

        (await Should.ThrowAsync<PerdureException>(() => perdure.EnqueueAsync(new MakeCoffee("1", "tea")))).Code.ShouldBe(Diagnostics.ErrorCodes.QueueDraining);
    }

    [Fact]
    public async Task A_job_is_cancelled_by_who_wanted_it()
    {
        await using FlowTest test = await StartAsync();
        PerdureClient perdure = test.Perdure;
        await perdure.Queue("bar").PauseAsync();

        // docs: cancel
        JobHandle<Cup> mine = await perdure.EnqueueAsync(new MakeCoffee("7", "tea"));
        JobHandle<Cup> yours = await perdure.EnqueueAsync(new MakeCoffee("7", "tea"));      // the same job: joined
        await mine.CancelAsync();                                                           // you still want it
        await yours.CancelAsync();                                                          // nobody does: it is cancelled
        // end

        yours.Enqueued.ShouldBe(Enqueued.Joined);
        (await perdure.Job(yours.Id).DescribeAsync()).Status.ShouldBe(JobStatus.Cancelled);
    }

    [Fact]
    public async Task A_batch_has_an_outcome_for_each_job()
    {
        await using FlowTest test = await StartAsync();
        PerdureClient perdure = test.Perdure;

        IReadOnlyList<JobHandle> jobs = await perdure.EnqueueManyAsync([new Wash("cup"), new Wash("wooden spoon"), new Wash("plate")], new JobOptions { KeepResult = TimeSpan.FromHours(1) });
        await test.IdleAsync();

        await jobs[0].DoneAsync();
        await Should.ThrowAsync<RejectedException>(() => jobs[1].DoneAsync());
        await jobs[2].DoneAsync();
    }

    [Fact]
    public async Task A_worker_outside_pulls_jobs()
    {
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddPerdure(p => p.UseMemory().AddQueue("deliveries").AddJob<Deliver>("deliveries")));
        PerdureClient perdure = test.Perdure;
        await perdure.EnqueueAsync(new Deliver("7"));

        // docs: lease
        IReadOnlyList<LeasedJob> jobs = await perdure.Queue("deliveries").LeaseAsync("van 2", max: 10, wait: TimeSpan.FromSeconds(30));
        foreach (LeasedJob job in jobs)
        {
            Deliver order = job.Read<Deliver>();
            if (await job.RenewAsync())             // about each third of the queue's Lease (30 s); if false, work stops
            {
                await job.CompleteAsync();          // or FailAsync; or ReleaseAsync, and the next worker gets it
            }
        }
        // end

        jobs.Count.ShouldBe(1);
        (await Should.ThrowAsync<PerdureException>(() => jobs[0].CompleteAsync())).Code.ShouldBe(Diagnostics.ErrorCodes.LeaseLost);
    }

    private static Task<FlowTest> StartAsync() => FlowTest.StartAsync(services =>
    {
        services.AddSingleton<Machine>();

        // docs: queue
        services.AddPerdure(perdure => perdure
            .UseSqlite("cafe.db")
            .AddPool("power", pool => pool.Capacity = 3)                                            // kilowatts
            .AddDependency("machine")                                                               // a breaker: see errors-and-retries.md
            .AddQueue("bar", queue =>
            {
                queue.Concurrency = 2;                                                              // at once, on all nodes together
                queue.Rate = new Rate(30, TimeSpan.FromMinutes(1)) { Burst = 10 };
                queue.ConcurrencyPerKey = 1;                                                        // per table
                queue.FairKeys = true;                                                              // tables take turns
                queue.Uses.Add(new PoolUse("power", 2));                                            // shared with the kitchen
                queue.Dependency = "machine";
                queue.Ageing = TimeSpan.FromMinutes(5);                                             // after 5 minutes one priority better
                queue.PriorityRules.Add(new PriorityRule(new TimeWindow(new TimeOnly(7, 0), new TimeOnly(9, 30), "Europe/Berlin"), Change: -5) { KeyPrefix = "to go" });
                queue.BacklogMax = 200;                                                             // then callers are refused (PRD1014)
            })
            .AddQueue("dishes", queue => queue.BatchMax = 20)
            .AddJob<MakeCoffee>("bar", job =>
            {
                job.Key = coffee => coffee.Table;
                job.DedupKey = coffee => $"{coffee.Table} {coffee.Kind}";                           // ordering twice is ordering once
            })
            .AddHandler<Barista>("bar")
            .AddHandler<Dishwasher>("dishes"));
        // end
    });
}
