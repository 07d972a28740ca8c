using Microsoft.Extensions.DependencyInjection;

namespace Perdure.Tests;

public class PivotTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cancel_of_a_flow_that_is_stuck_after_its_pivot_is_refused(bool restarted)
    {
        bool broken = true;
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            flow.Pivot();
            return await flow.Step(() => Volatile.Read(ref broken) ? throw new IOException("down") : Task.FromResult(1),
                retry: Retry.Forever with { First = TimeSpan.FromMilliseconds(1), StuckAfter = 3 }, name: "a");
        }));
        await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await host.Perdure.Get("f", "1").UntilAsync(FlowStatus.Stuck);
        host = restarted ? await host.RestartAsync() : host;
        FlowHandle<int> run = host.Perdure.Flow<int, int>("f").Get("1");

        (await run.CancelAsync().Soon()).ShouldBe(CancelAnswer.Refused);

        Volatile.Write(ref broken, false);
        await run.RetryAsync().Soon();
        (await run.ResultAsync().Soon()).ShouldBe(1);
        await host.DisposeAsync();
    }

    [Fact]
    public async Task A_flow_that_failed_while_its_pivot_was_under_way_is_not_undone_once_the_pivot_is_passed()
    {
        var begun = new TaskCompletionSource();
        var pivot = new TaskCompletionSource<int>();
        int undone = 0;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow<int, int>("f", async (n, flow) =>
        {
            await flow.Step(() => Task.FromResult(n), undo: _ => Task.FromResult(++undone), name: "a");
            _ = flow.Step(() => Begin(), pivot: true, name: "b");
            await flow.Signal<int>("fail", Day);
            throw new InvalidOperationException("no");
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await begun.Task.Soon();
        await run.SignalAsync(1, "fail").Soon();

        pivot.SetResult(1);

        FlowDescription stuck = await run.UntilAsync(FlowStatus.Stuck);
        stuck.StuckCode.ShouldBe("PRD3007");
        undone.ShouldBe(0);

        Task<int> Begin()
        {
            begun.SetResult();
            return pivot.Task;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancel_that_waits_for_the_pivot_takes_effect_when_it_is_missed_though_the_code_has_ended(bool throws)
    {
        var begun = new TaskCompletionSource();
        var pivot = new TaskCompletionSource<int>();
        int undone = 0;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow<int, int>("f", async (n, flow) =>
        {
            await flow.Step(() => Task.FromResult(n), undo: _ => Task.FromResult(++undone), name: "a");
            _ = flow.Step(() => Begin(), pivot: true, name: "b");
            await flow.Signal<int>("end", Day);
            return throws ? throw new InvalidOperationException("no") : n;
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await begun.Task.Soon();
        Task<CancelAnswer> cancel = run.CancelAsync();
        await run.SignalAsync(1, "end").Soon();
        cancel.IsCompleted.ShouldBeFalse();

        pivot.SetException(new RejectedException("no"));

        (await cancel.Soon()).ShouldBe(CancelAnswer.Accepted);
        await run.UntilAsync(FlowStatus.Cancelled);
        undone.ShouldBe(1);

        Task<int> Begin()
        {
            begun.SetResult();
            return pivot.Task;
        }
    }

    [Theory]
    [InlineData(false, "region region")]
    [InlineData(true, "receipt")]
    public async Task A_pivot_in_back_off_at_the_limit_of_its_region_is_settled_without_another_attempt(bool happened, string result)
    {
        var time = new ManualTime();
        int attempts = 0;
        int asked = 0;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            try
            {
                return await flow.Within(TimeSpan.FromMinutes(2), () => flow.Step(() =>
                {
                    attempts++;
                    return Task.FromException<string>(new TimeoutException("silence"));
                }, reconcile: () =>
                {
                    asked++;
                    return Task.FromResult(happened ? "receipt" : null);
                }, retry: Retry.Fixed(10, Day), pivot: true, name: "charge"));
            }
            catch (LimitReachedException e)
            {
                return e.Wait;
            }
        }), services: s => s.AddSingleton<TimeProvider>(time));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await run.UntilAsync(d => d.Asks.Count == 2 && d.Asks[1].NextAttemptAt is not null);

        (await time.AdvanceUntilAsync(run.ResultAsync())).ShouldBe(result);

        attempts.ShouldBe(1);
        asked.ShouldBe(1);
        (await run.DescribeAsync()).Asks[1].State.ShouldBe(happened ? "completed" : "failed");
    }

    [Fact]
    public async Task A_limit_that_the_pivot_lifted_stays_lifted_when_a_later_step_that_may_be_the_pivot_fails()
    {
        var time = new ManualTime();
        var pivot = new TaskCompletionSource<int>();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", (int _, FlowContext flow) => flow.Within(TimeSpan.FromMinutes(2), async () =>
        {
            int n = await flow.Step(() => pivot.Task, pivot: true, name: "a");
            try
            {
                return await flow.Step(() => Task.FromException<int>(new RejectedException("no")), pivot: true, name: "b");
            }
            catch (RejectedException)
            {
                return n + await flow.Step(() => Task.FromResult(1), name: "c");
            }
        })), services: s => s.AddSingleton<TimeProvider>(time));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await time.AdvanceUntilAsync(run.UntilAsync(d => d.Inputs.Any(i => i.Kind == "TimerFired")));

        pivot.SetResult(1);

        (await run.ResultAsync().Soon()).ShouldBe(2);
    }

    [Fact]
    public async Task A_rejection_after_an_attempt_of_unknown_outcome_is_reconciled_once_more()
    {
        int asked = 0;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
            await flow.Step(s => s.Attempt == 1 ? Task.FromException<string>(new TimeoutException("t")) : Task.FromException<string>(new RejectedException("already charged")),
                undo: _ => Task.CompletedTask,
                reconcile: _ => Task.FromResult(++asked == 1 ? null : "receipt"), retry: Retry.Fixed(3, TimeSpan.Zero), name: "charge")));
        (await host.Perdure.Flow<int, string>("f").RunAsync(0).Soon()).ShouldBe("receipt");
    }

    [Fact]
    public async Task A_cancel_that_waits_for_the_pivot_is_told_of_a_recovery_and_answered_when_it_is_asked_again()
    {
        var charge = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        bool lose = false;
        await using TestHost host = await TestHost.StartAsync(p => p.Configure(o => o.ShardCount = 1).AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() =>
            {
                started.SetResult();
                return charge.Task;
            }, pivot: true, name: "charge");
            return 1;
        }));
        host.Store.Answer = (_, answers) =>
        {
            bool isLost = lose;
            lose = false;
            return isLost ? throw new IOException("the answer was lost") : answers;
        };
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await started.Task.Soon();
        Task<CancelAnswer> cancel = run.CancelAsync();
        await run.UntilAsync(d => d.Inputs.Any(i => i.Kind == "CancelRequested"));
        lose = true;
        await Should.ThrowAsync<StoreUnavailableException>(() => run.SignalAsync(1, "x").Soon());

        await Should.ThrowAsync<StoreUnavailableException>(() => cancel.Soon());
        Task<CancelAnswer> again = run.CancelAsync();
        await run.UntilAsync(d => d.Inputs.Count(i => i.Kind == "CancelRequested") == 2);
        charge.SetResult();

        (await again.Soon()).ShouldBe(CancelAnswer.Refused);
        (await run.ResultAsync().Soon()).ShouldBe(1);
    }
}
