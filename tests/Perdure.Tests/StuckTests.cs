namespace Perdure.Tests;

public class StuckTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task A_result_is_there_also_when_inputs_came_after_the_one_that_ended_the_flow()
    {
        bool broken = true;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            int n = await flow.Signal<int>("go", TimeSpan.FromDays(1));
            if (Volatile.Read(ref broken))
            {
                await new TaskCompletionSource().Task;
            }

            return n;
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.SignalAsync(5, "go");
        await run.UntilAsync(FlowStatus.Stuck);
        await run.SignalAsync(6, "go");
        Volatile.Write(ref broken, false);
        await run.RetryAsync().Soon();
        FlowDescription ended = await run.UntilAsync(FlowStatus.Completed);

        ended.Result!.Value.GetInt32().ShouldBe(5);
        (await run.ResultAsync().Soon()).ShouldBe(5);
    }

    [Fact]
    public async Task Code_that_does_not_match_its_history_is_shown_with_both_sides_and_goes_on_after_the_repair()
    {
        static Action<PerdureBuilder> Flow(string second) => p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, name: "one");
            await flow.Step(() => Task.CompletedTask, name: second);
            return await flow.Signal<int>("go", Day);
        });
        TestHost host = await TestHost.StartAsync(Flow("two"));
        await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await host.Perdure.Get("f", "1").UntilAsync(d => d.Asks.Count == 3);

        TestHost changed = await host.CrashAsync(Flow("other"));
        await changed.Perdure.Get("f", "1").SignalAsync(5, "go");
        FlowDescription stuck = await changed.Perdure.Get("f", "1").UntilAsync(FlowStatus.Stuck);
        stuck.StuckCode.ShouldBe("PRD3001");
        stuck.StuckReason!.ShouldContain("history says step `two`, the code says step `other`");
        stuck.StuckReason!.ShouldContain("name: \"two\"");
        await changed.Perdure.Get("f", "1").SignalAsync(6, "go");

        await using TestHost repaired = await changed.CrashAsync(Flow("two"));
        await repaired.Perdure.Get("f", "1").RetryAsync().Soon();
        (await repaired.Perdure.Flow<int, int>("f").Get("1").ResultAsync().Soon()).ShouldBe(5);
    }

    [Fact]
    public async Task A_renamed_step_matches_by_its_former_name()
    {
        static Action<PerdureBuilder> Flow(string name, string? formerly) => p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, name: name, formerly: formerly);
            return await flow.Signal<int>("go", Day);
        });
        TestHost host = await TestHost.StartAsync(Flow("old", null));
        await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await host.Perdure.Get("f", "1").UntilAsync(d => d.Asks.Count == 2);

        await using TestHost changed = await host.CrashAsync(Flow("new", "old"));
        await changed.Perdure.Get("f", "1").SignalAsync(5, "go");
        (await changed.Perdure.Flow<int, int>("f").Get("1").ResultAsync().Soon()).ShouldBe(5);
    }

    public static TheoryData<string> ForeignAwaits => ["delay", "run", "yield", "mixed", "never", "configured"];

    [Theory]
    [MemberData(nameof(ForeignAwaits))]
    public async Task Awaiting_what_is_not_durable_is_found_and_named(string how)
    {
        var stuckByNow = new TaskCompletionSource(); // what has completed before it is awaited does no harm
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            switch (how)
            {
                case "delay":
                    await Task.Delay(TimeSpan.FromMinutes(1));
                    break;
                case "run":
                    await Task.Run(() => stuckByNow.Task);
                    break;
                case "yield":
                    await Task.Yield();
                    break;
                case "mixed":
                    await Task.WhenAll(flow.Step(() => Task.CompletedTask, name: "a"), Task.Delay(50));
                    break;
                case "configured":
                    await Task.Delay(TimeSpan.FromMinutes(1)).ConfigureAwait(false);
                    break;
                default:
                    await new TaskCompletionSource().Task;
                    break;
            }

            await flow.Step(() => Task.CompletedTask, name: "b");
        }).AddFlow("good", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        FlowHandle run = await host.Perdure.Flow<int, NoResult>("f").StartAsync(0, "1");

        FlowDescription stuck = await run.UntilAsync(FlowStatus.Stuck);

        stuckByNow.SetResult();
        stuck.StuckCode.ShouldBe("PRD3002");
        stuck.StuckReason!.ShouldContain("f/1");
        (await host.Perdure.Flow<int, int>("good").RunAsync(3).Soon()).ShouldBe(3);
    }

    [Fact]
    public async Task A_turn_that_blocks_is_interrupted_where_it_is_and_the_shard_goes_on()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.Configure(o => o.ShardCount = 1).AddFlow("f", async (int _, FlowContext flow) =>
        {
            Blocked(flow.Step(() => Task.FromResult(1), name: "a"));
            await flow.Delay(Day);
        }).AddFlow("good", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        FlowHandle run = await host.Perdure.Flow<int, NoResult>("f").StartAsync(0, "1");

        FlowDescription stuck = await run.UntilAsync(FlowStatus.Stuck);

        stuck.StuckCode.ShouldBe("PRD3003");
        stuck.StuckReason!.ShouldContain(nameof(Blocked));
        (await host.Perdure.Flow<int, int>("good").RunAsync(3).Soon()).ShouldBe(3);
    }

    [Fact]
    public async Task A_turn_that_never_ends_is_left_behind_and_the_shard_goes_on()
    {
        bool stop = false;
        await using TestHost host = await TestHost.StartAsync(p => p
            .Configure(o => (o.ShardCount, o.BlockingWaitMax, o.TurnTimeMax) = (1, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(300)))
            .AddFlow("f", async (int _, FlowContext flow) =>
            {
                while (!Volatile.Read(ref stop))
                {
                    // computes and computes
                }

                await flow.Delay(Day);
            }).AddFlow("good", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        FlowHandle run = await host.Perdure.Flow<int, NoResult>("f").StartAsync(0, "1");

        FlowDescription stuck = await run.UntilAsync(FlowStatus.Stuck);
        stuck.StuckCode.ShouldBe("PRD3003");
        (await host.Perdure.Flow<int, int>("good").RunAsync(3).Soon()).ShouldBe(3);

        Volatile.Write(ref stop, true);
        await run.RetryAsync().Soon();
        await run.UntilAsync(d => d.Status == FlowStatus.Running && d.Asks.Count == 1);
    }

    [Fact]
    public async Task A_constructor_that_throws_makes_its_flows_stuck_and_no_others()
    {
        Picky.Broken = true;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow<Picky>().AddFlow("good", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        FlowHandle<int> run = await host.Perdure.Flow<Picky>().StartAsync(4, "1");
        FlowDescription stuck = await run.UntilAsync(FlowStatus.Stuck);
        stuck.StuckCode.ShouldBe("PRD3004");
        stuck.StuckReason!.ShouldContain("no configuration");
        (await host.Perdure.Flow<int, int>("good").RunAsync(3).Soon()).ShouldBe(3);

        Picky.Broken = false;
        await run.RetryAsync().Soon();
        (await run.ResultAsync().Soon()).ShouldBe(4);
    }

    [Fact]
    public async Task A_step_that_must_succeed_and_keeps_failing_waits_for_a_person()
    {
        bool repaired = false;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            flow.Pivot();
            await flow.Step(() => Volatile.Read(ref repaired) ? Task.CompletedTask : throw new IOException("down"), retry: Retry.Forever with { First = TimeSpan.FromMilliseconds(1), StuckAfter = 3 }, name: "a");
            return 1;
        }));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        FlowDescription stuck = await run.UntilAsync(FlowStatus.Stuck);
        stuck.StuckCode.ShouldBe("PRD3005");
        stuck.Asks[0].Attempts.ShouldBe(3);
        stuck.Asks[0].Error!.Message.ShouldBe("down");
        (await Should.ThrowAsync<PerdureException>(() => run.SkipUndoAsync("x").Soon())).Code.ShouldBe("PRD1008");

        Volatile.Write(ref repaired, true);
        await run.RetryAsync().Soon();
        (await run.ResultAsync().Soon()).ShouldBe(1);
    }

    [Fact]
    public async Task A_rejected_undo_waits_for_a_person_who_retries_or_skips_it()
    {
        List<string> undone = [];
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Step(() => Task.CompletedTask, undo: () =>
            {
                undone.Add("a");
                return Task.CompletedTask;
            }, name: "a");
            await flow.Step(() => Task.CompletedTask, undo: () => throw new RejectedException("already shipped"), name: "b");
            throw new RejectedException("no");
        }));
        FlowHandle<NoResult> run = await host.Perdure.Flow<int, NoResult>("f").StartAsync(0, "1");
        (await run.UntilAsync(FlowStatus.Stuck)).StuckCode.ShouldBe("PRD3006");

        await run.RetryAsync().Soon();
        await run.UntilAsync(FlowStatus.Stuck);
        await run.SkipUndoAsync("the parcel came back by itself").Soon();

        (await Should.ThrowAsync<FlowFailedException>(() => run.ResultAsync().Soon())).Error.Kind.ShouldBe(ErrorKind.Rejected);
        undone.ShouldBe(["a"]);
        (await run.DescribeAsync()).Asks.Single(a => a.State == "settled by hand").Error!.Message.ShouldBe("the parcel came back by itself");
    }

    [Fact]
    public async Task A_failure_after_the_pivot_is_stuck_and_not_undone()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow<int>("f", async (_, flow) =>
        {
            await flow.Step(() => Task.CompletedTask, undo: () => throw new InvalidOperationException(), name: "a");
            flow.Pivot();
            throw new InvalidOperationException("a defect");
        }));
        FlowHandle run = await host.Perdure.Flow<int, NoResult>("f").StartAsync(0, "1");
        (await run.UntilAsync(FlowStatus.Stuck)).StuckCode.ShouldBe("PRD3007");
    }

    [Fact]
    public async Task A_signal_whose_json_does_not_fit_makes_the_flow_stuck_and_is_not_lost()
    {
        static Action<PerdureBuilder> Flow(bool text) => p =>
        {
            if (text)
            {
                p.AddFlow("f", async (int _, FlowContext flow) => await flow.Signal<string>("n", Day));
            }
            else
            {
                p.AddFlow("f", async (int _, FlowContext flow) => (await flow.Signal<int>("n", Day)).ToString());
            }
        };
        TestHost host = await TestHost.StartAsync(Flow(text: false));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await run.SignalAsync("five", "n");
        FlowDescription stuck = await run.UntilAsync(FlowStatus.Stuck);
        stuck.StuckCode.ShouldBe("PRD1006");
        stuck.StuckReason.ShouldStartWith("the JSON of signal n does not fit Int32");      // its code stands beside it

        await using TestHost repaired = await host.RestartAsync(Flow(text: true));
        await repaired.Perdure.Get("f", "1").RetryAsync().Soon();
        (await repaired.Perdure.Flow<int, string>("f").Get("1").ResultAsync().Soon()).ShouldBe("five");
    }

    [Fact]
    public async Task A_stuck_flow_can_be_terminated()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext _) => await Task.Yield()));
        FlowHandle run = await host.Perdure.Flow<int, NoResult>("f").StartAsync(0, "1");
        await run.UntilAsync(FlowStatus.Stuck);
        await run.TerminateAsync("away with it").Soon();
        await run.UntilAsync(FlowStatus.Terminated);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Chance_that_a_step_takes_from_its_flow_is_found_since_a_replay_would_not_repeat_it(bool guid)
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
            await flow.Step(() => Task.FromResult(guid ? $"{flow.NewGuid()}" : $"{flow.Random.Next()}"), name: "a")));
        FlowHandle run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");

        FlowDescription stuck = await run.UntilAsync(FlowStatus.Stuck);

        stuck.StuckCode.ShouldBe("PRD3002");
        stuck.StuckReason!.ShouldContain("f/1 called its FlowContext from a thread that is not its turn's");
    }

    [Fact]
    public async Task A_replay_that_never_ends_is_left_behind_and_the_flow_goes_on_after_the_repair()
    {
        bool slow = false;
        TestHost host = await TestHost.StartAsync(p => p
            .Configure(o => (o.ShardCount, o.BlockingWaitMax, o.TurnTimeMax) = (1, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(300)))
            .AddFlow("f", async (int _, FlowContext flow) =>
            {
                while (Volatile.Read(ref slow))
                {
                    // computes and computes
                }

                await flow.Step(() => Task.CompletedTask, name: "a");
                await flow.Step(() => Task.CompletedTask, name: "b");
                return await flow.Signal<int>("go", Day);
            }).AddFlow("good", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await host.Perdure.Get("f", "1").UntilAsync(d => d.Asks.Count == 3);
        Volatile.Write(ref slow, true);

        await using TestHost next = await host.CrashAsync();
        await next.Perdure.Get("f", "1").SignalAsync(5, "go").Soon();
        (await next.Perdure.Get("f", "1").UntilAsync(FlowStatus.Stuck)).StuckCode.ShouldBe("PRD3003");
        Volatile.Write(ref slow, false); // the thread that was left behind goes on
        (await next.Perdure.Flow<int, int>("good").RunAsync(3).Soon()).ShouldBe(3);

        await next.Perdure.Get("f", "1").RetryAsync().Soon();
        (await next.Perdure.Flow<int, int>("f").Get("1").ResultAsync().Soon()).ShouldBe(5);
    }

    private static void Blocked(Task task) => task.Wait();

    private sealed class Picky : IFlow<int, int>
    {
        public Picky()
        {
            if (Broken)
            {
                throw new InvalidOperationException("no configuration");
            }
        }

        public static bool Broken { get; set; }

        public Task<int> RunAsync(int input, FlowContext flow) => flow.Step(() => Task.FromResult(input), name: "a");
    }
}
