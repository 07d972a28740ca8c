using Microsoft.Extensions.DependencyInjection;
using Perdure.Diagnostics;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

/// <summary>What stands around a handler throws, or a caller gives up: nobody waits for ever, and no slot is lost.</summary>
public sealed class FaultTests
{
    [Fact]
    public async Task A_job_whose_services_throw_when_they_are_disposed_of_is_tried_again()
    {
        int disposed = 0;
        await using FlowTest test = await StartAsync((_, job) =>
        {
            job.Get<Connection>();
            return Task.FromResult($"attempt {job.Attempt}");
        }, services => services.AddScoped(_ => new Connection(() => disposed++ == 0)));

        JobHandle<string> handle = await test.Perdure.EnqueueAsync(new Request("/a"));

        (await handle.ResultAsync()).ShouldBe("attempt 2");
        (await test.Perdure.Queue("work").StatsAsync()).Running.ShouldBe(0);
    }

    [Fact]
    public async Task A_job_whose_error_rule_throws_is_rejected_all_the_same()
    {
        await using FlowTest test = await StartAsync((_, _) => throw new FormatException("no such page"), rules: r => r.Reject<FormatException>(e => e.Data["reason"]!.ToString()!));

        JobHandle<string> handle = await test.Perdure.EnqueueAsync(new Request("/a"));

        (await Should.ThrowAsync<RejectedException>(() => handle.ResultAsync())).Message.ShouldContain("no such page");
    }

    [Fact]
    public async Task What_a_handler_hung_onto_its_token_may_throw_when_its_time_is_up()
    {
        await using FlowTest test = await StartAsync(async (_, job) =>
        {
            using CancellationTokenRegistration thrower = job.CancellationToken.Register(() => throw new InvalidOperationException("too late"));
            if (job.Attempt == 1)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, job.Get<TimeProvider>(), job);
            }

            return $"attempt {job.Attempt}";
        }, queue: q => q.Timeout = TimeSpan.FromSeconds(10));

        JobHandle<string> handle = await test.Perdure.EnqueueAsync(new Request("/a"));

        (await handle.ResultAsync()).ShouldBe("attempt 2");
    }

    [Fact]
    public async Task What_an_attempt_saves_after_it_was_left_behind_is_not_kept()
    {
        bool wasTold = false;
        await using FlowTest test = await StartAsync(async (_, job) =>
        {
            var time = job.Get<TimeProvider>();
            switch (job.Attempt)
            {
                case 1:
                    await Task.Delay(TimeSpan.FromSeconds(90), time, CancellationToken.None);
                    try
                    {
                        await job.SaveAsync("old");
                    }
                    catch (OperationCanceledException)
                    {
                        wasTold = true;
                    }

                    return "late";
                case 2:
                    await Task.Delay(TimeSpan.FromSeconds(50), time, job);
                    throw new IOException("down");
                default:
                    return job.Saved<string>().HasValue ? "old" : "nothing";
            }
        }, queue: q => q.Timeout = TimeSpan.FromMinutes(1));

        JobHandle<string> handle = await test.Perdure.EnqueueAsync(new Request("/a"));

        (await handle.ResultAsync()).ShouldBe("nothing");
        wasTold.ShouldBeTrue();
    }

    [Fact]
    public async Task Who_gives_up_waiting_for_room_is_not_let_in_later()
    {
        List<string> done = [];
        await using FlowTest test = await StartAsync((r, _) =>
        {
            done.Add(r.Url);
            return Task.FromResult("done");
        }, queue: q => (q.BacklogMax, q.WhenFull) = (1, WhenFull.Block), time: TestTime.ByHand);
        QueueHandle queue = test.Perdure.Queue("work");
        await queue.PauseAsync();
        await test.Perdure.EnqueueAsync((IJob)new Request("/first"));

        Task<NowOrLater<string>> second = test.Perdure.TryNowAsync(new Request("/second"), TimeSpan.FromSeconds(1));
        await test.AdvanceAsync(TimeSpan.FromSeconds(2));
        (await Should.ThrowAsync<PerdureException>(() => second)).Code.ShouldBe(ErrorCodes.QueueFull);

        await queue.ResumeAsync();
        await test.AdvanceAsync(TimeSpan.FromMinutes(1));
        done.ShouldBe(["/first"]);
        (await queue.StatsAsync()).BlockedCallers.ShouldBe(0);
    }

    [Fact]
    public async Task Who_waits_for_room_in_a_queue_that_drains_is_refused()
    {
        await using FlowTest test = await StartAsync((_, _) => Task.FromResult("done"), queue: q => (q.BacklogMax, q.WhenFull) = (1, WhenFull.Block));
        QueueHandle queue = test.Perdure.Queue("work");
        await queue.PauseAsync();
        await test.Perdure.EnqueueAsync((IJob)new Request("/first"));
        Task<JobHandle> second = test.Perdure.EnqueueAsync((IJob)new Request("/second"));

        await queue.DrainAsync();

        (await Should.ThrowAsync<PerdureException>(() => second)).Code.ShouldBe(ErrorCodes.QueueDraining);
    }

    [Fact]
    public async Task A_flow_that_comes_to_a_job_that_is_being_cancelled_hears_of_its_end()
    {
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddPerdure(p => p
            .UseMemory()
            .AddQueue("work")
            .AddHandler<Request, string>("work", async (_, job) =>
            {
                await Task.Delay(TimeSpan.FromSeconds(3), job.Get<TimeProvider>(), CancellationToken.None);
                return "done";
            })
            .AddFlow("caller", async (string url, FlowContext flow) =>
            {
                try
                {
                    return await flow.Call(new Request("/same"), new JobOptions { DedupKey = "it", Dedup = Dedup.OncePer(TimeSpan.FromHours(1)), Limit = url == "/a" ? TimeSpan.FromSeconds(1) : null });
                }
                catch (LimitReachedException)
                {
                    return "late";
                }
                catch (JobCancelledException)
                {
                    return "cancelled";
                }
            })));
        FlowHandle<string> first = await test.Perdure.Flow<string, string>("caller").StartAsync("/a", "1");
        (await first.ResultAsync()).ShouldBe("late");

        FlowHandle<string> second = await test.Perdure.Flow<string, string>("caller").StartAsync("/b", "2");

        (await second.ResultAsync()).ShouldBe("cancelled");
    }

    private static Task<FlowTest> StartAsync(Func<Request, JobContext, Task<string>> handle, Action<IServiceCollection>? services = null, Action<QueueOptions>? queue = null, Action<ErrorRules>? rules = null, TestTime time = TestTime.MovesByItself)
        => FlowTest.StartAsync(all =>
        {
            services?.Invoke(all);
            all.AddPerdure(p => p.UseMemory().Errors(rules ?? (_ => { })).AddQueue("work", queue).AddHandler<Request, string>("work", handle));
        }, new FlowTestOptions { Time = time });

    private sealed class Connection(Func<bool> fails) : IDisposable
    {
        public void Dispose()
        {
            if (fails())
            {
                throw new IOException("the connection broke");
            }
        }
    }
}
