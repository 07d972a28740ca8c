using Microsoft.Extensions.DependencyInjection;

namespace Perdure.Tests;

public class RecoveryTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task A_flow_goes_on_where_it_was_after_a_crash_and_recorded_steps_do_not_run_again()
    {
        List<string> ran = [];
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int n, FlowContext flow) =>
        {
            int a = await flow.Step(() => Note(ran, "a", n + 1), name: "a");
            await flow.Signal<int>("go", Day);
            return await flow.Step(() => Note(ran, "b", a * 10), name: "b");
        }));
        await host.Perdure.Flow<int, int>("f").StartAsync(4, "1");
        await host.Perdure.Get("f", "1").UntilAsync(d => d.Asks.Count == 2);

        await using TestHost next = await host.CrashAsync();
        await next.Perdure.Get("f", "1").SignalAsync(1, "go");

        (await next.Perdure.Flow<int, int>("f").Get("1").ResultAsync().Soon()).ShouldBe(50);
        ran.ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task A_step_that_ran_at_the_crash_runs_again_under_its_key_and_uses_up_no_attempt()
    {
        List<(string Key, int Attempt)> seen = [];
        var started = new TaskCompletionSource();
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Step(async s =>
        {
            seen.Add((s.IdempotencyKey, s.Attempt));
            if (started.TrySetResult())
            {
                await new TaskCompletionSource().Task;
            }

            return 7;
        }, retry: Retry.None, name: "a")));
        await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await started.Task.Soon();

        await using TestHost next = await host.CrashAsync();

        (await next.Perdure.Flow<int, int>("f").Get("1").ResultAsync().Soon()).ShouldBe(7);
        seen.Count.ShouldBe(2);
        seen.Distinct().ShouldHaveSingleItem().Attempt.ShouldBe(1);
    }

    [Fact]
    public async Task After_a_crash_a_step_is_reconciled_before_it_runs_again()
    {
        int charges = 0;
        var started = new TaskCompletionSource();
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Step(async () =>
        {
            charges++;
            started.TrySetResult();
            await new TaskCompletionSource().Task;
            return "paid";
        }, undo: () => Task.CompletedTask, reconcile: () => Task.FromResult(charges > 0 ? "found" : null), name: "charge")));
        await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await started.Task.Soon();

        await using TestHost next = await host.CrashAsync();

        (await next.Perdure.Flow<int, string>("f").Get("1").ResultAsync().Soon()).ShouldBe("found");
        charges.ShouldBe(1);
    }

    [Fact]
    public async Task A_step_that_a_crash_ended_is_undone_after_a_cancel_also_when_reconcile_says_no()
    {
        bool undone = false;
        var started = new TaskCompletionSource();
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Step(async () =>
        {
            started.TrySetResult();
            await new TaskCompletionSource().Task;
            return "paid";
        }, undo: () =>
        {
            undone = true;
            return Task.CompletedTask;
        }, reconcile: () => Task.FromResult<string?>(null), name: "charge")));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await started.Task.Soon();
        await run.CancelAsync().Soon();

        await using TestHost next = await host.CrashAsync();

        await Should.ThrowAsync<FlowCancelledException>(() => next.Perdure.Flow<int, string>("f").Get("1").ResultAsync().Soon());
        undone.ShouldBeTrue(); // the no may have been a not yet
    }

    [Fact]
    public async Task Nothing_leaves_before_its_commit()
    {
        bool ran = false;
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Step(() =>
        {
            ran = true;
            return Task.FromResult(1);
        }, name: "a")));
        host.Store.DieBeforeCommit = batches => batches.Any(b => b.NewFlows.Count > 0);
        Task<FlowHandle<int>> start = host.Perdure.Flow<int, int>("f").StartAsync(0, "1");

        await using TestHost next = await host.CrashAsync();
        await Should.ThrowAsync<FlowNotFoundException>(() => next.Perdure.Get("f", "1").DescribeAsync().Soon());
        ran.ShouldBeFalse();
        start.IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task A_lost_answer_of_a_commit_loses_and_repeats_nothing()
    {
        List<string> ran = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Note(ran, "a", 1), name: "a");
            return await flow.Step(() => Note(ran, "b", 2), name: "b");
        }));
        int commits = 0;
        host.Store.Answer = (batches, answers) => ++commits == 2 ? throw new IOException("the answer was lost") : answers;
        Task<int> result = host.Perdure.Flow<int, int>("f").RunAsync(0, "1");

        (await result.Soon()).ShouldBe(2);
        ran.ShouldBe(["a", "b"]);
        host.Log.Lines.ShouldContain(l => l.Contains("the store failed in a commit: the answer was lost", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_client_whose_start_has_an_unknown_outcome_is_told_and_can_ask_again()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Step(() => Task.FromResult(1), name: "a")));
        int commits = 0;
        host.Store.Answer = (batches, answers) => ++commits == 1 ? throw new IOException("the answer was lost") : answers;

        await Should.ThrowAsync<StoreUnavailableException>(() => host.Perdure.Flow<int, int>("f").StartAsync(0, "1").Soon());
        (await host.Perdure.Flow<int, int>("f").RunAsync(0, "1").Soon()).ShouldBe(1);
    }

    [Fact]
    public async Task A_flow_that_the_store_refuses_is_stuck_alone()
    {
        var refusing = new RefusingStore(run => run.EndsWith("bad", StringComparison.Ordinal));
        await using TestHost strange = await TestHost.StartAsync(p => p.Configure(o => o.ShardCount = 1).AddFlow("f", async (int n, FlowContext flow) =>
            await flow.Step(() => Task.FromResult(n), name: "a") + await flow.Step(() => Task.FromResult(n), name: "b")));
        refusing.Wrap(strange.Store);
        IFlowClient<IFlow<int, int>> flows = strange.Perdure.Flow<int, int>("f");
        await Task.WhenAll(Enumerable.Range(0, 20).Select(StartUntilKnownAsync));

        (await strange.Perdure.Get("f", "bad").UntilAsync(FlowStatus.Stuck)).StuckCode.ShouldBe("PRD3008");
        for (int i = 0; i < 20; i++)
        {
            if (i != 7)
            {
                (await flows.Get($"{i}").ResultAsync().Soon()).ShouldBe(2 * i);
            }
        }

        refusing.Stop();
        await strange.Perdure.Get("f", "bad").RetryAsync().Soon();
        (await flows.Get("bad").ResultAsync().Soon()).ShouldBe(14);

        async Task StartUntilKnownAsync(int i)
        {
            bool known = false;
            while (!known)
            {
                try
                {
                    await flows.StartAsync(i, i == 7 ? "bad" : $"{i}").Soon();
                    known = true;
                }
                catch (StoreUnavailableException)
                {
                    // As it says: ask again with the same id.
                }
            }
        }
    }

    [Fact]
    public async Task Back_offs_outlive_the_process_with_their_attempts()
    {
        int attempts = 0;
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Step(s =>
        {
            attempts++;
            return s.Attempt < 2 ? throw new IOException("later") : Task.FromResult(s.Attempt);
        }, retry: Retry.Fixed(3, TimeSpan.FromSeconds(3)), name: "a")));
        await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        FlowDescription waiting = await host.Perdure.Get("f", "1").UntilAsync(d => d.Asks.Count == 1 && d.Asks[0].NextAttemptAt is not null);
        waiting.Asks[0].Attempts.ShouldBe(1);
        waiting.Asks[0].Error!.Message.ShouldBe("later");

        await using TestHost next = await host.CrashAsync();
        (await next.Perdure.Flow<int, int>("f").Get("1").ResultAsync().Soon()).ShouldBe(2);
        attempts.ShouldBe(2);
        (await next.Perdure.Get("f", "1").DescribeAsync()).Asks[0].ToString().ShouldContain("2 attempts");
    }

    [Fact]
    public async Task Flows_that_wait_long_leave_memory_and_come_back()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.Configure(o => o.FlowsInMemoryMax = 10).AddFlow("f", async (int n, FlowContext flow) =>
            n + await flow.Step(() => Task.FromResult(n), name: "a") + await flow.Signal<int>("go", Day)));
        IFlowClient<IFlow<int, int>> flows = host.Perdure.Flow<int, int>("f");
        for (int i = 0; i < 200; i++)
        {
            await flows.StartAsync(i, $"{i}");
        }

        await Deadline.UntilAsync("the waits", async () => (await host.Perdure.ListAsync().ToListAsync()).Count == 200 && host.Node.Shards.All(s => s.Loop.Order.Count <= 11));
        for (int i = 0; i < 200; i++)
        {
            await host.Perdure.Get("f", $"{i}").SignalAsync(1, "go").Soon();
        }

        for (int i = 0; i < 200; i++)
        {
            (await flows.Get($"{i}").ResultAsync().Soon()).ShouldBe((2 * i) + 1);
        }
    }

    [Fact]
    public async Task A_shutdown_counts_as_no_attempt()
    {
        List<int> attempts = [];
        var started = new TaskCompletionSource();
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Step(async s =>
        {
            attempts.Add(s.Attempt);
            if (started.TrySetResult())
            {
                await Task.Delay(Timeout.Infinite, s);
            }

            return 1;
        }, retry: Retry.None, name: "a")));
        await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await started.Task.Soon();

        await using TestHost next = await host.RestartAsync();
        (await next.Perdure.Flow<int, int>("f").Get("1").ResultAsync().Soon()).ShouldBe(1);
        attempts.ShouldBe([1, 1]);
    }

    [Fact]
    public async Task The_time_for_all_attempts_runs_on_while_the_process_is_down()
    {
        var time = new ManualTime();
        int attempts = 0;
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Step(() =>
        {
            attempts++;
            return Task.FromException<int>(new IOException("later"));
        }, retry: Retry.Fixed(100, TimeSpan.FromSeconds(30)) with { Within = TimeSpan.FromMinutes(1) }, name: "a")), services: s => s.AddSingleton<TimeProvider>(time));
        await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await host.Perdure.Get("f", "1").UntilAsync(d => d.Asks.Count == 1 && d.Asks[0].NextAttemptAt is not null);
        await host.DisposeAsync();
        time.Advance(TimeSpan.FromHours(5));

        await using TestHost next = await host.RestartAsync();

        await Should.ThrowAsync<FlowFailedException>(() => next.Perdure.Flow<int, int>("f").Get("1").ResultAsync().Soon());
        attempts.ShouldBe(1);
    }

    [Fact]
    public async Task Flows_that_are_started_before_and_after_a_restart_in_the_same_millisecond_do_not_collide()
    {
        var time = new ManualTime();
        TestHost host = await TestHost.StartAsync(p => p.Configure(o => o.ShardCount = 1).AddFlow("f", async (int _, FlowContext flow) => await flow.Signal<int>("go", Day)), services: s => s.AddSingleton<TimeProvider>(time));
        await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");

        await using TestHost next = await host.RestartAsync();
        FlowHandle<int> second = await next.Perdure.Flow<int, int>("f").StartAsync(0, "2").Soon();

        await second.SignalAsync(2, "go");
        (await second.ResultAsync().Soon()).ShouldBe(2);
        (await next.Perdure.Get("f", "1").DescribeAsync()).Status.ShouldBe(FlowStatus.Running);
    }

    [Fact]
    public async Task A_client_whose_run_was_not_even_started_is_told_and_can_ask_again()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.Configure(o => o.ShardCount = 1).AddFlow("f", async (int _, FlowContext flow) => await flow.Step(() => Task.FromResult(1), name: "a")));
        bool failed = false;
        host.Store.RefuseBatch = batch =>
        {
            bool fails = !failed && batch.NewFlows.Count > 0;
            failed |= fails;
            return fails ? throw new IOException("nothing was written") : false;
        };

        await Should.ThrowAsync<StoreUnavailableException>(() => host.Perdure.Flow<int, int>("f").RunAsync(0, "1").Soon());
        (await host.Perdure.Flow<int, int>("f").RunAsync(0, "1").Soon()).ShouldBe(1);
    }

    private static Task<T> Note<T>(List<string> list, string what, T value)
    {
        lock (list)
        {
            list.Add(what);
        }

        return Task.FromResult(value);
    }
}

/// <summary>Cannot take the second step of some flows.</summary>
internal sealed class RefusingStore(Func<string, bool> refuses)
{
    private readonly HashSet<long> _runs = [];
    private volatile bool _stopped;

    public void Wrap(MortalStore store)
    {
        store.RefuseBatch = batch =>
        {
            _runs.UnionWith(batch.NewFlows.Where(f => refuses(f.Key.Id)).Select(f => f.Run));
            return !_stopped && batch.History.Any(h => _runs.Contains(h.Run) && h.Ask == 0);
        };
    }

    public void Stop() => _stopped = true;
}
