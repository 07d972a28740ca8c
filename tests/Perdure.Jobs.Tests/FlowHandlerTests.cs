using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

/// <summary>A parcel, as a job that a flow does.</summary>
public sealed record Parcel(string Name) : IJob<string>;

/// <summary>What becomes of a parcel.</summary>
public sealed class Shipping(ConcurrentQueue<string> events) : IFlow<Parcel, string>
{
    public async Task<string> RunAsync(Parcel parcel, FlowContext flow)
    {
        flow.OnUndo(() => flow.Step(() => Note($"undo {parcel.Name}"), name: "undo"));
        await flow.Step(() => Note($"begin {parcel.Name}"), name: "begin");
        string said = await flow.Signal<string>("go", TimeSpan.FromDays(1));
        return said switch
        {
            "reject" => throw new RejectedException("no"),
            "fail" => throw new InvalidOperationException("broken"),
            _ => $"{parcel.Name} {said}",
        };
    }

    private Task Note(string what)
    {
        events.Enqueue(what);
        return Task.CompletedTask;
    }
}

/// <summary>Flows that do the jobs of a queue.</summary>
public sealed class FlowHandlerTests
{
    private readonly ConcurrentQueue<string> _events = [];

    [Fact]
    public async Task A_flow_does_a_job_and_its_result_is_the_jobs()
    {
        await using FlowTest test = await StartAsync();
        JobHandle<string> job = await test.Perdure.EnqueueAsync(new Parcel("a"));
        await test.IdleAsync();

        await FlowOf(test, job).SignalAsync("sent", "go");

        (await job.ResultAsync()).ShouldBe("a sent");
        (await FlowOf(test, job).DescribeAsync()).Status.ShouldBe(FlowStatus.Completed);
    }

    [Fact]
    public async Task A_flow_that_does_a_job_belongs_to_the_jobs_business_transaction()
    {
        await using FlowTest test = await StartAsync(more: p => p.AddFlow("caller", async (string name, FlowContext flow) => await flow.Call(new Parcel(name))));
        JobHandle<string> enqueued = await test.Perdure.EnqueueAsync(new Parcel("a"));
        await test.Perdure.Flow<string, string>("caller").StartAsync("b", id: "1");
        await test.IdleAsync();

        (await FlowOf(test, enqueued).DescribeAsync()).CorrelationId.ShouldBe(enqueued.Id);
        FlowInfo called = await test.Perdure.ListAsync(new FlowFilter { Type = "shipping" }).SingleAsync(run => run.Id != enqueued.Id);
        called.CorrelationId.ShouldBe("caller/1");
        (await test.Perdure.TransactionAsync("caller/1")).Entries.Where(entry => entry.Kind is TransactionEntryKind.Flow or TransactionEntryKind.Job).Select(entry => entry.Name)
            .ShouldBe(["caller/1", "parcel", $"shipping/{called.Id}"]);
    }

    [Fact]
    public async Task A_flow_that_is_rejected_or_fails_makes_a_dead_letter_and_is_not_tried_again()
    {
        await using FlowTest test = await StartAsync();
        JobHandle<string> rejected = await test.Perdure.EnqueueAsync(new Parcel("a"));
        JobHandle<string> failed = await test.Perdure.EnqueueAsync(new Parcel("b"));
        await test.IdleAsync();

        await FlowOf(test, rejected).SignalAsync("reject", "go");
        await test.IdleAsync();
        await FlowOf(test, failed).SignalAsync("fail", "go");

        (await Should.ThrowAsync<RejectedException>(rejected.ResultAsync())).Reason.ShouldContain("no");
        (await Should.ThrowAsync<JobFailedException>(failed.ResultAsync())).Attempts.ShouldBe(1);
        _events.ShouldBe(["begin a", "begin b", "undo a", "undo b"]);
    }

    [Fact]
    public async Task A_job_that_nobody_wants_cancels_its_flow_and_ends_when_that_has_undone()
    {
        await using FlowTest test = await StartAsync();
        JobHandle<string> job = await test.Perdure.EnqueueAsync(new Parcel("a"));
        await test.IdleAsync();

        (await job.CancelAsync()).ShouldBe(CancelAnswer.Accepted);

        await Should.ThrowAsync<JobCancelledException>(job.ResultAsync());
        await test.IdleAsync();
        (await FlowOf(test, job).DescribeAsync()).Status.ShouldBe(FlowStatus.Cancelled);
        _events.ShouldBe(["begin a", "undo a"]);
    }

    [Fact]
    public async Task A_flow_that_somebody_cancels_ends_its_job_as_cancelled()
    {
        await using FlowTest test = await StartAsync();
        JobHandle<string> job = await test.Perdure.EnqueueAsync(new Parcel("a"));
        await test.IdleAsync();

        await FlowOf(test, job).CancelAsync("not today");

        (await Should.ThrowAsync<JobCancelledException>(job.ResultAsync())).Reason.ShouldContain("not today");
    }

    [Fact]
    public async Task A_job_that_a_flow_does_keeps_its_slot_also_after_a_crash()
    {
        await using FlowTest test = await StartAsync(q => q.Concurrency = 1);
        JobHandle<string> first = await test.Perdure.EnqueueAsync(new Parcel("a"));
        JobHandle<string> second = await test.Perdure.EnqueueAsync(new Parcel("b"));
        await test.IdleAsync();
        await test.CrashAsync();
        await test.IdleAsync();
        await test.CrashAsync();
        await test.AdvanceAsync(TimeSpan.FromMinutes(2)); // after two unclean ends it starts with care

        _events.ShouldBe(["begin a"]);
        (await first.DescribeAsync()).Status.ShouldBe(JobStatus.Running);
        (await second.DescribeAsync()).Status.ShouldBe(JobStatus.Waiting);
        await FlowOf(test, first).SignalAsync("sent", "go");
        await test.IdleAsync();
        await FlowOf(test, second).SignalAsync("sent", "go");

        await test.IdleAsync();
        (await second.DescribeAsync()).Status.ShouldBe(JobStatus.Completed);
        _events.ShouldBe(["begin a", "begin b"]);
    }

    [Fact]
    public async Task A_cancelled_job_of_a_flow_is_cancelling_until_the_flow_has_ended_also_after_a_crash()
    {
        await using FlowTest test = await StartAsync();
        JobHandle<string> job = await test.Perdure.EnqueueAsync(new Parcel("a"));
        await test.IdleAsync();

        await job.CancelAsync();
        await test.CrashAsync();
        await test.IdleAsync();

        (await job.DescribeAsync()).Status.ShouldBe(JobStatus.Cancelled);
        (await FlowOf(test, job).DescribeAsync()).Status.ShouldBe(FlowStatus.Cancelled);
    }

    [Fact]
    public async Task A_flow_may_call_a_job_that_a_flow_does()
    {
        await using FlowTest test = await StartAsync(more: p => p.AddFlow<string, string>("caller", (name, flow) => flow.Call(new Parcel(name))));
        FlowHandle<string> caller = await test.Perdure.Flow<string, string>("caller").StartAsync("a", "1");
        FlowHandle<string> other = await test.Perdure.Flow<string, string>("caller").StartAsync("b", "2");
        await test.IdleAsync();

        await other.CancelAsync();
        await Should.ThrowAsync<FlowCancelledException>(other.ResultAsync());
        FlowInfo flow = await OnlyRunAsync(test);
        await test.Perdure.Get("shipping", flow.Id).SignalAsync("sent", "go");

        (await caller.ResultAsync()).ShouldBe("a sent");
        _events.ShouldBe(["begin a", "begin b", "undo b"]);
    }

    [Fact]
    public async Task In_every_schedule_one_flow_does_the_job_and_its_end_comes_once()
    {
        CrashReport report = await FlowTest.CrashEverywhereAsync(
            () => new ConcurrentQueue<string>(),
            (services, events) => Compose(services, events, q => q.Concurrency = 1, p => p.AddFlow<string, string>("caller", (name, flow) => flow.Call(new Parcel(name)))),
            async (run, _) =>
            {
                FlowHandle<string> caller = await run.Perdure.Flow<string, string>("caller").StartAsync("a", "1");
                await run.IdleAsync();
                await foreach (FlowInfo flow in run.Perdure.ListAsync(new FlowFilter { Type = "shipping", Statuses = [FlowStatus.Running] }))
                {
                    await run.Perdure.Get("shipping", flow.Id).SignalAsync("sent", "go", "once");
                }

                (await caller.ResultAsync()).ShouldBe("a sent");
            },
            async (run, _) => (await run.Perdure.CountAsync(new FlowFilter { Type = "shipping" })).ShouldBe(1));

        report.Crashes.ShouldBeGreaterThan(15);
    }

    private static async Task<FlowInfo> OnlyRunAsync(FlowTest test)
    {
        List<FlowInfo> runs = [];
        await foreach (FlowInfo run in test.Perdure.ListAsync(new FlowFilter { Type = "shipping", Statuses = [FlowStatus.Running] }))
        {
            runs.Add(run);
        }

        return runs.ShouldHaveSingleItem();
    }

    private static FlowHandle FlowOf(FlowTest test, JobHandle job) => test.Perdure.Get("shipping", job.Id);

    private static void Compose(IServiceCollection services, ConcurrentQueue<string> events, Action<QueueOptions>? queue, Action<PerdureBuilder>? more)
    {
        services.AddSingleton(events);
        services.AddPerdure(p =>
        {
            p.UseMemory().AddQueue("parcels", queue).AddFlowHandler<Shipping>("parcels");
            more?.Invoke(p);
        });
    }

    private Task<FlowTest> StartAsync(Action<QueueOptions>? queue = null, Action<PerdureBuilder>? more = null)
        => FlowTest.StartAsync(services => Compose(services, _events, queue, more), new FlowTestOptions { Time = TestTime.ByHand }); // a handle of a job waits for its result from the beginning on
}
