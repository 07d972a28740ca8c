using Microsoft.Extensions.DependencyInjection;

namespace Perdure.Tests;

public class WaitTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task A_wait_ends_at_its_limit_and_a_long_delay_takes_no_time_under_a_manual_clock()
    {
        var time = new ManualTime();
        await using TestHost host = await TestHost.StartAsync(
            p => p.AddFlow("f", async (int _, FlowContext flow) =>
            {
                DateTimeOffset start = flow.Now;
                Maybe<int> none = await flow.TrySignal<int>("n", Day);
                await flow.Delay(TimeSpan.FromDays(20));
                return $"{none.HasValue} {(flow.Now - start).TotalDays:0}";
            }),
            services: s => s.AddSingleton<TimeProvider>(time));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        Task<string> result = run.ResultAsync();
        await Deadline.UntilAsync("the end", () =>
        {
            time.Advance(TimeSpan.FromHours(1));
            return Task.FromResult(result.IsCompleted);
        });

        (await result).ShouldBe("False 21");
    }

    [Fact]
    public async Task A_wait_that_reaches_its_limit_throws_inside_the_flow()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            try
            {
                return await flow.Signal<string>("answer", TimeSpan.FromMilliseconds(5));
            }
            catch (LimitReachedException e)
            {
                return e.Wait;
            }
        }));

        (await host.Perdure.Flow<int, string>("f").RunAsync(0).Soon()).ShouldBe("the wait for signal answer");
    }

    [Fact]
    public async Task A_region_ends_its_waits_and_steps_at_its_limit_and_what_was_done_in_it_is_undone()
    {
        List<string> undone = [];
        var started = new TaskCompletionSource();
        var time = new ManualTime();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            try
            {
                await flow.Within(Day, async () =>
                {
                    await flow.Step(() => Task.CompletedTask, undo: () => Note(undone, "first"), name: "first");
                    await flow.Step(s =>
                    {
                        started.SetResult();
                        return Task.Delay(Timeout.Infinite, s);
                    }, undo: () => Note(undone, "endless"), timeout: Day * 2, name: "endless");
                });
                return "in time";
            }
            catch (LimitReachedException e)
            {
                await flow.Undo();
                return e.Wait;
            }
        }), services: s => s.AddSingleton<TimeProvider>(time));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0);
        await started.Task.Soon();
        Task<string> result = run.ResultAsync();
        await Deadline.UntilAsync("the end", () =>
        {
            time.Advance(TimeSpan.FromHours(1));
            return Task.FromResult(result.IsCompleted);
        });

        (await result).ShouldBe("region region");
        undone.ShouldBe(["endless", "first"]);
    }

    [Fact]
    public async Task A_region_that_ends_in_time_drops_its_limit()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            int n = await flow.Within(TimeSpan.FromMilliseconds(200), () => flow.Step(() => Task.FromResult(1), name: "quick"));
            await flow.Delay(TimeSpan.FromMilliseconds(300));
            return n;
        }));

        (await host.Perdure.Flow<int, int>("f").RunAsync(0, "1").Soon()).ShouldBe(1);
        (await host.Perdure.Get("f", "1").DescribeAsync()).Asks[0].State.ShouldBe("withdrawn");
    }

    [Fact]
    public async Task The_first_branch_wins_and_the_losers_waits_are_withdrawn()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            string first = await flow.First(
                async _ => (await flow.Signal<int>("n", Day)).ToString(),
                async _ =>
                {
                    await flow.Delay(TimeSpan.FromMilliseconds(10));
                    return "time";
                });
            return first + await flow.Signal<int>("n", Day);
        }));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await run.UntilAsync(d => d.Asks.Count == 3);
        await run.SignalAsync(7, "n");

        (await run.ResultAsync().Soon()).ShouldBe("time7");
    }

    [Fact]
    public async Task Helpers_with_ConfigureAwait_and_plain_task_combinators_stay_on_the_turn()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            int a = await Inner(flow).ConfigureAwait(false);
            int[] all = await Task.WhenAll(Outer(flow), Inner(flow)).WaitAsync(CancellationToken.None);
            Task<int> any = await Task.WhenAny(Outer(flow), Inner(flow)).ConfigureAwait(false);
            return a + all.Sum() + await any + await flow.Step(() => Task.FromResult(1), name: "last");
        }));

        (await host.Perdure.Flow<int, int>("f").RunAsync(0).Soon()).ShouldBe(5);

        static async Task<int> Outer(FlowContext flow) => await Inner(flow).ConfigureAwait(false);
        static async Task<int> Inner(FlowContext flow) => await flow.Step(() => Task.FromResult(1), name: "one");
    }

    [Fact]
    public async Task Now_ids_chance_and_logs_are_the_same_after_a_crash()
    {
        static void Flow(PerdureBuilder p) => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            string before = $"{flow.Now:O} {flow.NewGuid()} {flow.Random.Next(1000)}";
            Microsoft.Extensions.Logging.LoggerExtensions.LogInformation(flow.Log, "before {Guid}", before);
            await flow.Signal<int>("go", Day);
            return before;
        });
        TestHost host = await TestHost.StartAsync(Flow);
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await Deadline.UntilAsync("the log line", () => Task.FromResult(host.Log.Lines.Any(l => l.Contains("before", StringComparison.Ordinal))));
        string logged = host.Log.Lines.Single(l => l.Contains("before", StringComparison.Ordinal));

        await using TestHost next = await host.CrashAsync();
        await next.Perdure.Get("f", "1").SignalAsync(1, "go");
        string result = await next.Perdure.Flow<int, string>("f").Get("1").ResultAsync().Soon();

        logged.ShouldEndWith(result);
        next.Log.Lines.ShouldNotContain(l => l.Contains("before", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Time_goes_on_when_the_wall_clock_is_set_back()
    {
        var time = new ManualTime();
        await using TestHost host = await TestHost.StartAsync(
            p => p.AddFlow("f", async (int _, FlowContext flow) =>
            {
                DateTimeOffset start = flow.Now;
                await flow.Delay(TimeSpan.FromSeconds(5));
                return (flow.Now - start).TotalSeconds;
            }),
            services: s => s.AddSingleton<TimeProvider>(time));
        FlowHandle<double> run = await host.Perdure.Flow<int, double>("f").StartAsync(0, "1");
        time.SetWallClock(time.GetUtcNow() - TimeSpan.FromHours(1));
        Task<double> result = run.ResultAsync();
        await Deadline.UntilAsync("the end", () =>
        {
            time.Advance(TimeSpan.FromSeconds(1));
            return Task.FromResult(result.IsCompleted);
        });

        (await result).ShouldBeInRange(5, 10);
    }

    [Fact]
    public async Task Runs_that_start_after_restarts_while_the_clock_stands_still_are_all_different()
    {
        var time = new ManualTime();
        TestHost host = await TestHost.StartAsync(
            p => p.Configure(o => o.ShardCount = 1).AddFlow("f", (int n, FlowContext _) => Task.FromResult(n)),
            services: s => s.AddSingleton<TimeProvider>(time));
        for (int n = 1; n <= 4; n++)
        {
            (await host.Perdure.Flow<int, int>("f").RunAsync(n).Soon()).ShouldBe(n);
            host = await host.RestartAsync();
        }

        await host.DisposeAsync();
    }

    [Fact]
    public async Task A_region_of_minutes_ends_while_a_step_runs()
    {
        var time = new ManualTime();
        var started = new TaskCompletionSource();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            DateTimeOffset start = flow.Now;
            try
            {
                await flow.Within(TimeSpan.FromMinutes(2), () => flow.Step(s => EndlessAsync(started, s), timeout: Day, name: "endless"));
                return TimeSpan.Zero;
            }
            catch (LimitReachedException)
            {
                return flow.Now - start;
            }
        }), services: s => s.AddSingleton<TimeProvider>(time));
        FlowHandle<TimeSpan> run = await host.Perdure.Flow<int, TimeSpan>("f").StartAsync(0, "1");
        await started.Task.Soon();

        time.Advance(TimeSpan.FromSeconds(121)); // nothing else would wake the flow

        (await run.ResultAsync().Soon()).ShouldBeInRange(TimeSpan.FromSeconds(120), TimeSpan.FromSeconds(122));
    }

    [Fact]
    public async Task The_limit_of_an_outer_region_is_seen_as_its_own_by_a_step_in_an_inner_one()
    {
        var time = new ManualTime();
        var started = new TaskCompletionSource();
        List<string> seen = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            try
            {
                await flow.Within(TimeSpan.FromMinutes(2), async () =>
                {
                    try
                    {
                        await flow.Within(Day, () => flow.Step(s => EndlessAsync(started, s), timeout: Day, name: "endless"), "inner");
                    }
                    catch (LimitReachedException e)
                    {
                        seen.Add(e.Wait);
                        throw;
                    }
                }, "outer");
                return "in time";
            }
            catch (LimitReachedException e)
            {
                return e.Wait;
            }
        }), services: s => s.AddSingleton<TimeProvider>(time));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await started.Task.Soon();

        (await time.AdvanceUntilAsync(run.ResultAsync())).ShouldBe("region outer");

        seen.ShouldBe(["region outer"]);
        (await run.DescribeAsync()).Asks.Select(a => $"{a.Name} {a.State}").ShouldBe(["outer fired", "inner withdrawn", "endless failed"]);
    }

    [Fact]
    public async Task A_limit_that_ends_a_steps_only_attempt_is_a_limit_and_no_failed_step()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            try
            {
                await flow.Within(TimeSpan.FromMilliseconds(20), () => flow.Step(s => EndlessAsync(new(), s), retry: Retry.None, name: "endless"));
                return "in time";
            }
            catch (PerdureException e)
            {
                return e.GetType().Name;
            }
        }));

        (await host.Perdure.Flow<int, string>("f").RunAsync(0).Soon()).ShouldBe(nameof(LimitReachedException));
    }

    [Fact]
    public async Task The_loser_of_a_race_in_an_undo_gets_its_token()
    {
        var started = new TaskCompletionSource();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            flow.OnUndo(async () => await flow.First<int>(
                async _ => await flow.Step(async () =>
                {
                    await started.Task;
                    return 1;
                }, name: "quick"),
                async _ =>
                {
                    await flow.Step(s => EndlessAsync(started, s), name: "endless");
                    return 2;
                }));
            throw new RejectedException("no");
        }));

        await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, NoResult>("f").RunAsync(0, "1").Soon());
        (await host.Perdure.Get("f", "1").DescribeAsync()).Asks.Select(a => $"{a.Name} {a.State}").ShouldBe(["quick completed", "endless failed"]);
    }

    private static Task EndlessAsync(TaskCompletionSource started, CancellationToken token)
    {
        started.TrySetResult();
        return Task.Delay(Timeout.Infinite, token);
    }

    private static Task Note(List<string> list, string what)
    {
        list.Add(what);
        return Task.CompletedTask;
    }
}
