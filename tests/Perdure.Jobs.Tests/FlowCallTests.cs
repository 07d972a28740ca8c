using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;
using static Perdure.Jobs.Tests.Callers;

namespace Perdure.Jobs.Tests;

/// <summary>Flows that call jobs, and leave jobs to queues.</summary>
public sealed class FlowCallTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public async Task A_flow_gets_the_result_of_a_job_and_goes_on()
    {
        await using FlowTest test = await StartAsync(async (name, flow) => $"{await flow.Call(new Request(name))}, {await flow.Step(() => Task.FromResult("kept"), name: "keep")}");

        (await RunAsync(test, "/a")).ShouldBe("done /a, kept");
        FlowDescription seen = await test.Perdure.Get("caller", "1").DescribeAsync();
        seen.Asks.Select(a => $"{a.Kind} {a.Name} {a.State}").ShouldBe(["job request completed", "step keep completed"]);
        (await test.Perdure.CheckReplayAsync()).Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_flow_awaits_the_end_of_a_job_without_a_result()
    {
        List<string> done = [];
        await using FlowTest test = await StartAsync(
            async (name, flow) =>
            {
                await flow.Call(new Chore(name));
                return string.Join(", ", done);
            },
            more: p => p.AddHandler<Chore>("requests", (chore, _) =>
            {
                done.Add(chore.Name);
                return Task.CompletedTask;
            }));

        (await RunAsync(test, "sweep")).ShouldBe("sweep");
    }

    [Fact]
    public async Task A_rejection_a_failure_and_a_cancel_reach_the_flow_as_exceptions()
    {
        await using FlowTest test = await StartAsync(
            async (_, flow) =>
            {
                var rejected = await Caught<RejectedException>(flow.Call(new Request("/rejected")));
                var failed = await Caught<JobFailedException>(flow.Call(new Request("/failed"), new JobOptions { Retry = Retry.Default with { Attempts = 2 } }));
                var cancelled = await Caught<JobCancelledException>(flow.Call(new Request("/cancelled"), new JobOptions { Delay = Hour, DedupKey = "it" }));
                return $"{rejected.Reason}; {failed.Attempts} {failed.Error.Message}; {cancelled.Reason}";
            },
            (job, _) => Task.FromException<string>(job.Url == "/rejected" ? new RejectedException("no") : new IOException("broken")));
        FlowHandle<string> run = await Flow(test).StartAsync("", "1");
        await test.IdleAsync();

        JobHandle joined = await test.Perdure.EnqueueAsync((IJob)new Request("/cancelled"), new JobOptions { DedupKey = "it" });
        await test.Perdure.Job(joined.Id).CancelAsync("not today");

        (await run.ResultAsync()).ShouldBe("no; 2 broken; not today");
        (await test.Perdure.CheckReplayAsync()).Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task What_no_queue_takes_is_rejected_and_the_same_on_replay()
    {
        await using FlowTest test = await StartAsync(async (_, flow) =>
        {
            var unknown = await Caught<RejectedException>(flow.Call(new Request("/a"), new JobOptions { Queue = "nowhere" }));
            var nobody = await Caught<RejectedException>(flow.Call(new Chore("a"), new JobOptions { Queue = "requests" }));
            var range = await Caught<RejectedException>(flow.Call(new Request("/a"), new JobOptions { Priority = int.MaxValue }));
            return $"{unknown.Error!.Code} {nobody.Error!.Code} {range.Error!.Code}";
        });

        (await RunAsync(test, "/a")).ShouldBe("PRD1012 PRD1013 PRD4004");
        (await test.Perdure.CheckReplayAsync()).Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_queue_that_drains_rejects_calls_and_takes_what_was_left_to_it_when_it_is_resumed()
    {
        ConcurrentQueue<string> done = [];
        await using FlowTest test = await StartAsync(
            async (_, flow) =>
            {
                flow.Enqueue(new Request("/left"));
                return (await Caught<RejectedException>(flow.Call(new Request("/called")))).Error!.Code;
            },
            (job, _) =>
            {
                done.Enqueue(job.Url);
                return Task.FromResult("");
            });
        await test.Perdure.Queue("requests").DrainAsync();

        (await RunAsync(test, "")).ShouldBe("PRD1016");
        await test.CrashAsync();
        await test.IdleAsync();
        done.ShouldBeEmpty();
        await test.Perdure.Queue("requests").ResumeAsync();
        await test.IdleAsync();

        done.ShouldBe(["/left"]);
    }

    [Fact]
    public async Task A_job_that_is_left_to_its_queue_goes_on_without_the_flow()
    {
        ConcurrentQueue<string> done = [];
        await using FlowTest test = await StartAsync(
            (name, flow) =>
            {
                flow.Enqueue(new Request(name), new JobOptions { Delay = Hour });
                return Task.FromResult("ended");
            },
            (job, _) =>
            {
                done.Enqueue(job.Url);
                return Task.FromResult("");
            });

        (await RunAsync(test, "/a")).ShouldBe("ended");
        done.ShouldBeEmpty();
        await test.AdvanceAsync(Hour);

        done.ShouldBe(["/a"]);
    }

    [Fact]
    public async Task A_cancel_of_the_flow_cancels_its_job_and_undo_waits_for_that()
    {
        List<string> events = [];
        await using FlowTest test = await StartAsync(
            async (name, flow) =>
            {
                flow.OnUndo(() => flow.Step(() => Note("undone"), name: "undo"));
                return await flow.Call(new Request(name));
            },
            async (_, job) =>
            {
                try
                {
                    await Task.Delay(Hour, job.Get<TimeProvider>(), job);
                    return "";
                }
                finally
                {
                    events.Add("job over");
                }
            });
        FlowHandle<string> run = await Flow(test).StartAsync("/a", "1");
        await StartedAsync(test);

        await run.CancelAsync();
        await Should.ThrowAsync<FlowCancelledException>(run.ResultAsync());

        events.ShouldBe(["job over", "undone"]);

        Task Note(string what)
        {
            events.Add(what);
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Two_flows_that_join_one_job_get_its_result_and_one_that_leaves_does_not_take_it_away()
    {
        int calls = 0;
        await using FlowTest test = await StartAsync(
            (_, flow) => flow.Call(new Request("/a"), new JobOptions { DedupKey = "a", Delay = Hour }),
            (job, _) => Task.FromResult($"done {++calls}"));
        FlowHandle<string>[] runs = [await Flow(test).StartAsync("", "1"), await Flow(test).StartAsync("", "2"), await Flow(test).StartAsync("", "3")];
        await test.IdleAsync();

        await runs[0].CancelAsync();
        await Should.ThrowAsync<FlowCancelledException>(runs[0].ResultAsync());

        (await Task.WhenAll(runs[1].ResultAsync(), runs[2].ResultAsync())).ShouldBe(["done 1", "done 1"]);
    }

    [Fact]
    public async Task A_flow_whose_job_is_dropped_for_one_that_is_there_waits_for_that_one_without_a_say()
    {
        await using FlowTest test = await StartAsync((_, flow) => flow.Call(new Request("/a"), new JobOptions { DedupKey = "a", Dedup = Dedup.Ignore, Delay = Hour }));
        FlowHandle<string> first = await Flow(test).StartAsync("", "1");
        await test.IdleAsync();
        FlowHandle<string> second = await Flow(test).StartAsync("", "2");
        FlowHandle<string> third = await Flow(test).StartAsync("", "3");
        await test.IdleAsync();

        await third.CancelAsync();
        await Should.ThrowAsync<FlowCancelledException>(third.ResultAsync());
        await first.CancelAsync(); // the one that has a say: the job goes

        (await Should.ThrowAsync<FlowFailedException>(second.ResultAsync())).Message.ShouldContain("no longer wants it");
    }

    [Fact]
    public async Task A_limit_around_a_call_or_on_it_withdraws_the_job()
    {
        await using FlowTest test = await StartAsync(
            async (_, flow) =>
            {
                var around = await Caught<LimitReachedException>(flow.Within(TimeSpan.FromSeconds(5), () => flow.Call(new Request("/a"), new JobOptions { Delay = Hour }), "patience"));
                var on = await Caught<LimitReachedException>(flow.Call(new Request("/b"), new JobOptions { Delay = Hour, Limit = TimeSpan.FromSeconds(7) }));
                return $"{around.Limit.TotalSeconds} {on.Limit.TotalSeconds}";
            },
            (_, _) => throw new InvalidOperationException("it was withdrawn"));

        (await RunAsync(test, "")).ShouldBe("5 7");
        await test.AdvanceAsync(2 * Hour);
        (await test.Perdure.CheckReplayAsync()).Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task First_between_a_call_and_a_signal_withdraws_the_job_when_the_signal_comes()
    {
        bool isCancelled = false;
        await using FlowTest test = await StartAsync(
            (name, flow) => flow.First(() => flow.Call(new Request(name)), () => flow.Signal<string>("stop", Hour)),
            async (_, job) =>
            {
                using CancellationTokenRegistration registered = job.CancellationToken.Register(() => isCancelled = true);
                await Task.Delay(Hour, job.Get<TimeProvider>(), job);
                return "";
            });
        FlowHandle<string> run = await Flow(test).StartAsync("/a", "1");
        await StartedAsync(test);

        await run.SignalAsync("stopped", "stop");

        (await run.ResultAsync()).ShouldBe("stopped");
        isCancelled.ShouldBeTrue();
    }

    [Fact]
    public async Task Calls_to_a_full_queue_wait_for_room_also_through_a_crash()
    {
        await using FlowTest test = await StartAsync(
            async (_, flow) => string.Join(", ", await Task.WhenAll(Enumerable.Range(0, 6).Select(i => flow.Call(new Request($"/{i}"))))),
            queue: q => (q.BacklogMax, q.Concurrency) = (2, 1),
            handle: async (request, job) =>
            {
                await Task.Delay(TimeSpan.FromSeconds(1), job.Get<TimeProvider>(), job);
                return request.Url;
            });
        FlowHandle<string> run = await Flow(test).StartAsync("", "1");
        await StartedAsync(test);
        await test.CrashAsync();

        (await run.ResultAsync()).ShouldBe("/0, /1, /2, /3, /4, /5");
    }

    [Fact]
    public async Task A_call_that_waits_outside_a_full_queue_is_withdrawn_or_reaches_its_limit()
    {
        await using FlowTest test = await StartAsync(
            async (_, flow) =>
            {
                await Caught<LimitReachedException>(flow.Call(new Request("/a"), new JobOptions { Limit = TimeSpan.FromSeconds(3) }));
                return await flow.First(() => flow.Call(new Request("/b")), () => flow.Signal<string>("stop", Hour));
            },
            queue: q => q.BacklogMax = 1);
        await test.Perdure.Queue("requests").PauseAsync();
        await test.Perdure.EnqueueAsync(new Request("/fills it"));
        FlowHandle<string> run = await Flow(test).StartAsync("", "1");
        await test.IdleAsync();
        await test.AdvanceAsync(TimeSpan.FromSeconds(4));

        await run.SignalAsync("stopped", "stop");

        (await run.ResultAsync()).ShouldBe("stopped");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1500)]
    public async Task A_call_outlives_a_crash_at_any_time(int milliseconds)
    {
        int ends = 0;
        await using FlowTest test = await StartAsync(
            async (name, flow) => $"{await flow.Call(new Request(name))} {await flow.Call(new Request(name))}",
            async (_, job) =>
            {
                await Task.Delay(TimeSpan.FromSeconds(1), job.Get<TimeProvider>(), job);
                return $"{++ends}";
            });
        FlowHandle<string> run = await Flow(test).StartAsync("/a", "1");
        await test.AdvanceAsync(TimeSpan.FromMilliseconds(milliseconds));
        await test.CrashAsync();

        (await run.ResultAsync()).ShouldBe("1 2");
    }

    [Fact]
    public async Task A_stuck_flow_records_its_jobs_end_and_a_terminate_of_one_withdraws_its_job()
    {
        ConcurrentQueue<string> done = [];
        Task<string> Handle(Request request, JobContext job)
        {
            done.Enqueue(request.Url);
            return Task.FromResult("done");
        }

        void Services(IServiceCollection services) => Compose(services, (name, flow) => flow.Call(new Request(name), new JobOptions { Delay = Hour }), Handle);
        void Changed(IServiceCollection services) => Compose(services, (name, flow) => flow.Step(() => Task.FromResult(name), name: "other"), Handle);
        await using FlowTest test = await FlowTest.StartAsync(Services, new FlowTestOptions { ReplaysEveryInput = false });
        FlowHandle<string> run = await Flow(test).StartAsync("/a", "1");
        FlowHandle<string> other = await Flow(test).StartAsync("/b", "2");
        await test.CrashAsync(Changed);
        await other.TerminateAsync();

        await test.AdvanceAsync(2 * Hour);
        (await run.DescribeAsync()).Status.ShouldBe(FlowStatus.Stuck);
        await test.CrashAsync(Services);
        await run.RetryAsync();

        (await run.ResultAsync()).ShouldBe("done");
        done.ShouldBe(["/a"]);
    }

    [Fact]
    public async Task In_every_schedule_the_job_is_done_and_the_flow_is()
    {
        CrashReport report = await FlowTest.CrashEverywhereAsync(
            () => new ConcurrentDictionary<string, int>(),
            (services, done) => services.AddPerdure(p => p
                .UseMemory()
                .AddQueue("requests", q => q.Concurrency = 1)
                .AddHandler<Request, string>("requests", (request, job) =>
                {
                    done.TryAdd(job.IdempotencyKey, 0);
                    return Task.FromResult(request.Url);
                })
                .AddFlow("caller", async (string name, FlowContext flow) =>
                {
                    string before = await flow.Step(step => Do(done, step.IdempotencyKey, "before"), name: "before");
                    string called = await flow.Call(new Request(name));
                    flow.Enqueue(new Request("/left"));
                    string after = await flow.Step(step => Do(done, step.IdempotencyKey, "after"), name: "after");
                    return $"{before} {called} {after}";
                })),
            async (run, _) =>
            {
                FlowHandle<string> handle = await run.Perdure.Flow<string, string>("caller").StartAsync("/a", "1");
                (await handle.ResultAsync()).ShouldBe("before /a after");
                await run.IdleAsync();
            },
            async (run, done) =>
            {
                (await run.Perdure.Get("caller", "1").DescribeAsync()).Status.ShouldBe(FlowStatus.Completed);
                done.Count.ShouldBe(4); // two steps, the job that was called, the job that was left
            });

        report.Crashes.ShouldBeGreaterThan(20);
    }
}
