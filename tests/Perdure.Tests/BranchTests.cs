using Perdure.Diagnostics;

namespace Perdure.Tests;

/// <summary>Branches of one flow: that wait for one another, that end one another.</summary>
public class BranchTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task A_wait_for_a_condition_goes_on_when_another_branch_has_made_it_true()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            int stock = 0;
            Task<int> sale = Sell();
            stock += await flow.Signal<int>("delivery", Day);
            stock += await flow.Signal<int>("delivery", Day);
            return await sale;

            async Task<int> Sell()
            {
                await flow.Until(() => stock >= 5, Day, "stock");
                return stock;
            }
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.SignalAsync(3, "delivery");
        (await run.DescribeAsync()).Asks[0].ToString().ShouldBe("condition stock: open");
        TestHost next = await host.RestartAsync();
        await using (next)
        {
            run = next.Perdure.Flow<int, int>("f").Get("1");
            await run.SignalAsync(4, "delivery");

            (await run.ResultAsync().Soon()).ShouldBe(7);
            (await run.DescribeAsync()).Asks[0].ToString().ShouldBe("condition stock: met");
        }
    }

    [Fact]
    public async Task Of_several_waits_whose_conditions_hold_the_oldest_goes_on_and_the_others_are_asked_again()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int n, FlowContext flow) =>
        {
            bool isTaken = true;
            List<int> order = [];
            Task all = Task.WhenAll(Enumerable.Range(0, n).Select(Take));
            await flow.Signal<string>("go", Day);
            isTaken = false;
            await all;
            return order;

            async Task Take(int i)
            {
                await flow.Until(() => !isTaken, Day);
                isTaken = true;
                order.Add(i);
                await flow.Step(() => Task.CompletedTask, name: "alone");
                order.Add(i);
                isTaken = false;
            }
        }));
        FlowHandle<List<int>> run = await host.Perdure.Flow<int, List<int>>("f").StartAsync(3, "1");
        await run.SignalAsync("now", "go");

        (await run.ResultAsync().Soon()).ShouldBe([0, 0, 1, 1, 2, 2]);
    }

    [Fact]
    public async Task A_wait_for_a_condition_has_a_limit()
    {
        TimeSpan soon = TimeSpan.FromMilliseconds(5);
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            bool known = await flow.TryUntil(() => false, soon);
            try
            {
                await flow.Until(() => false, soon, "the moon");
                return "it came";
            }
            catch (LimitReachedException e)
            {
                return $"{known}, {e.Wait}, {await flow.TryUntil(() => true, soon)}";
            }
        }));

        (await host.Perdure.Flow<int, string>("f").RunAsync(0, "1").Soon()).ShouldBe("False, the wait for the moon, True");
        (await host.Perdure.Get("f", "1").DescribeAsync()).Asks.Select(ask => ask.State).ShouldBe(["fired", "fired"]); // what holds at once is no wait
    }

    [Fact]
    public async Task A_condition_that_throws_fails_its_wait()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            string? name = "";
            Task wait = flow.Until(() => name.Length > 0, Day);
            await flow.Step(() => Task.CompletedTask, name: "a");
            name = null;
            await wait;
        }));

        FlowFailedException e = await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, NoResult>("f").RunAsync(0).Soon());
        e.Message.ShouldContain("Object reference");
    }

    [Fact]
    public async Task A_cancel_ends_a_wait_for_a_condition()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => await flow.Until(() => false, Day)));
        FlowHandle<NoResult> run = await host.Perdure.Flow<int, NoResult>("f").StartAsync(0, "1");
        await run.CancelAsync().Soon();

        await Should.ThrowAsync<FlowCancelledException>(() => run.ResultAsync().Soon());
        (await run.DescribeAsync()).Asks[0].State.ShouldBe("withdrawn");
    }

    [Fact]
    public async Task A_region_that_code_ends_withdraws_its_waits_and_steps_and_refuses_what_it_asks_for_later()
    {
        List<string> undone = [];
        var started = new TaskCompletionSource();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            using var end = new CancellationTokenSource();
            Task<string>[] regions = [Region(Wait), Region(Work), Region(Late)];
            await flow.Signal<string>("end", Day);
            end.Cancel();
            string[] seen = [.. await Task.WhenAll(regions), await Region(() => throw new InvalidOperationException("begun"))];
            await flow.Undo();
            return string.Join(' ', seen);

            async Task<string> Region(Func<Task> body)
            {
                try
                {
                    await flow.Within(end.Token, body);
                    return "in time";
                }
                catch (OperationCanceledException) when (end.IsCancellationRequested)
                {
                    return "ended";
                }
            }

            Task Wait() => flow.Signal<string>("never", Day);

            Task Work() => flow.Step(s =>
            {
                started.SetResult();
                return Task.Delay(Timeout.Infinite, s);
            }, undo: () => Note(undone, "work"), name: "work");

            async Task Late()
            {
                await Task.WhenAny(flow.Step(() => Task.CompletedTask, undo: () => Note(undone, "before"), name: "before"));
                await Task.WhenAny(flow.Delay(Day));
                await flow.Step(() => Note(undone, "never"), name: "never");
            }
        }));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await started.Task.Soon();
        await run.UntilAsync(d => d.Asks.Any(ask => ask.Name == "delay"));
        await run.SignalAsync("now", "end");

        (await run.ResultAsync().Soon()).ShouldBe("ended ended ended ended");
        undone.ShouldBe(["work", "before"]);
    }

    [Fact]
    public async Task A_region_that_code_ends_waits_for_a_step_that_is_the_pivot()
    {
        var begun = new TaskCompletionSource();
        var charge = new TaskCompletionSource();
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            using var end = new CancellationTokenSource();
            Task<int> region = flow.Within(end.Token, async () =>
            {
                await flow.Step(
                    () =>
                    {
                        begun.SetResult();
                        return charge.Task;
                    },
                    pivot: true,
                    name: "charge");
                return await flow.Step(() => Task.FromResult(7), name: "ship");
            });
            await flow.Signal<string>("end", Day);
            end.Cancel();
            return await region;
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await begun.Task.Soon(); // one that has not begun need not be waited for
        await run.SignalAsync("now", "end");
        charge.SetResult();

        (await run.ResultAsync().Soon()).ShouldBe(7);
    }

    [Fact]
    public async Task A_region_that_is_ended_off_the_turn_makes_the_flow_stuck()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            using var end = new CancellationTokenSource();
            Task region = flow.Within(end.Token, () => flow.Delay(Day));
            await end.CancelAsync();
            await region;
        }));
        FlowHandle<NoResult> run = await host.Perdure.Flow<int, NoResult>("f").StartAsync(0, "1");

        (await run.UntilAsync(FlowStatus.Stuck)).StuckCode.ShouldBe(ErrorCodes.NotDurable);
    }

    [Fact]
    public async Task A_task_completion_source_stays_on_the_turn_and_a_semaphore_leaves_it()
    {
        await using TestHost host = await TestHost.StartAsync(p => p
            .AddFlow("source", async (int _, FlowContext flow) =>
            {
                var source = new TaskCompletionSource<int>();
                Task<int> sum = AddAsync();
                source.SetResult(await flow.Step(() => Task.FromResult(1), name: "a"));
                return await sum;

                async Task<int> AddAsync() => await source.Task + await flow.Step(() => Task.FromResult(2), name: "b");
            })
            .AddFlow("semaphore", async (int _, FlowContext flow) =>
            {
                using var one = new SemaphoreSlim(1);
                await Task.WhenAll(AloneAsync(), AloneAsync());

                async Task AloneAsync()
                {
                    await one.WaitAsync(CancellationToken.None);
                    await flow.Step(() => Task.CompletedTask, name: "a");
                    one.Release();
                }
            }));

        (await host.Perdure.Flow<int, int>("source").RunAsync(0).Soon()).ShouldBe(3);
        FlowHandle<NoResult> run = await host.Perdure.Flow<int, NoResult>("semaphore").StartAsync(0, "1");
        (await run.UntilAsync(FlowStatus.Stuck)).StuckCode.ShouldBe(ErrorCodes.NotDurable);
    }

    [Fact]
    public async Task Signals_that_came_before_can_be_dropped_and_history_shows_them()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Signal<string>("go", Day);
            return $"{flow.DropSignals("n")} {flow.DropSignals<int>()} {await flow.Signal<int>("n", Day)}";
        }));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await run.SignalAsync(1, "n");
        await run.SignalAsync(2, "n");
        await run.SignalAsync("now", "go");
        TestHost next = await host.RestartAsync();
        await using (next)
        {
            run = next.Perdure.Flow<int, string>("f").Get("1");
            await run.SignalAsync(3, "n");

            (await run.ResultAsync().Soon()).ShouldBe("2 0 3");
            (await run.DescribeAsync()).Asks.Select(ask => ask.ToString()).ShouldBe(["signal go: received", "signal n: received", "signal n: received", "signal n: received"]);
        }
    }

    private static Task Note(List<string> list, string what)
    {
        list.Add(what);
        return Task.CompletedTask;
    }
}
