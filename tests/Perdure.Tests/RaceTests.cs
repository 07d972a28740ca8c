namespace Perdure.Tests;

/// <summary>Branches of one flow of which some decide.</summary>
public class RaceTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task A_branch_that_ends_at_once_decides_and_those_after_it_do_not_begin()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Signal<string>("go", Day);
            string first = await flow.First(() => flow.Signal<string>("a", Day), () => flow.Signal<string>("b", Day));
            return first + await flow.Signal<string>("b", Day);
        }));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await run.SignalAsync("A", "a");
        await run.SignalAsync("B", "b");
        await run.SignalAsync("now", "go");

        (await run.ResultAsync().Soon()).ShouldBe("AB");
    }

    [Fact]
    public async Task The_first_two_of_three_branches_decide_in_the_order_in_which_they_ended()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (string[] names, FlowContext flow) =>
        {
            string[] two = await flow.First(2, names, name => flow.Signal<string>(name, Day));
            return string.Concat(two) + await flow.Signal<string>("b", Day);
        }));
        FlowHandle<string> run = await host.Perdure.Flow<string[], string>("f").StartAsync(["a", "b", "c"], "1");
        await run.SignalAsync("C", "c");
        await run.SignalAsync("A", "a");
        await run.SignalAsync("B", "b");

        (await run.ResultAsync().Soon()).ShouldBe("CAB");
    }

    [Fact]
    public async Task A_branch_that_throws_decides_however_many_were_wanted()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            try
            {
                await flow.First(2,
                    () => flow.Signal<string>("a", Day),
                    () => flow.Signal<string>("b", Day),
                    async () => await flow.Signal<string>("c", Day) + (await flow.Step(() => Task.FromException<string>(new RejectedException("no")), name: "c")));
                return "two";
            }
            catch (RejectedException)
            {
                return "none";
            }
        }));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await run.SignalAsync("A", "a");
        await run.SignalAsync("C", "c");

        (await run.ResultAsync().Soon()).ShouldBe("none");
        (await run.DescribeAsync()).Asks.Single(ask => ask.Name == "b").State.ShouldBe("withdrawn");
    }

    [Theory]
    [InlineData(0, "count ('0')")]
    [InlineData(3, "branches ('2')")]
    public async Task As_many_branches_decide_as_there_are_at_most(int count, string message)
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int n, FlowContext flow) => await flow.First(n, () => Task.FromResult(1), () => Task.FromResult(2))));

        FlowFailedException e = await Should.ThrowAsync<FlowFailedException>(() => host.Perdure.Flow<int, int[]>("f").RunAsync(count).Soon());
        e.Message.ShouldContain(message);
    }

    [Theory]
    [InlineData(true, "charged", "")]
    [InlineData(false, "changed my mind", "order")]
    public async Task A_race_waits_for_a_losers_step_that_may_be_the_pivot_and_its_success_decides(bool succeeds, string decision, string taken)
    {
        var begun = new TaskCompletionSource();
        var charge = new TaskCompletionSource<string>();
        CancellationToken token = default;
        List<string> undone = [];
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", ChargeOrChange(undone, s =>
        {
            token = s;
            begun.SetResult();
            return charge.Task;
        }, () => Task.FromResult<string?>("never asked"))));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await begun.Task.Soon();
        await run.SignalAsync("changed my mind", "change").Soon();
        (await run.DescribeAsync()).Asks.Count.ShouldBe(3); // nobody has decided
        token.IsCancellationRequested.ShouldBeFalse();

        if (succeeds)
        {
            charge.SetResult("charged");
        }
        else
        {
            charge.SetException(new RejectedException("declined"));
        }

        await run.UntilAsync(d => d.Asks.Any(a => a.Name == "end"));
        host = await host.RestartAsync(); // replays the decision
        await using (host)
        {
            run = host.Perdure.Flow<int, string>("f").Get("1");
            await run.SignalAsync("now", "end").Soon();
            (await run.ResultAsync().Soon()).ShouldBe(decision);
            string.Join(',', undone).ShouldBe(taken);
        }
    }

    [Theory]
    [InlineData("receipt", "receipt", "")]
    [InlineData(null, "changed my mind", "order")]
    public async Task A_race_that_waits_for_the_pivot_still_does_after_a_crash(string? receipt, string decision, string taken)
    {
        var begun = new TaskCompletionSource();
        int attempts = 0;
        List<string> undone = [];
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", ChargeOrChange(undone, async s =>
        {
            attempts++;
            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, s);
            return "never";
        }, () => Task.FromResult(receipt))));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await begun.Task.Soon();
        await run.SignalAsync("changed my mind", "change").Soon();
        host = await host.CrashAsync();
        await using (host)
        {
            run = host.Perdure.Flow<int, string>("f").Get("1");
            await run.SignalAsync("now", "end").Soon();

            (await run.ResultAsync().Soon()).ShouldBe(decision);

            string.Join(',', undone).ShouldBe(taken);
            attempts.ShouldBe(1);
        }
    }

    [Fact]
    public async Task A_losers_pivot_in_back_off_is_settled_without_another_attempt()
    {
        int attempts = 0;
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", (int _, FlowContext flow) => flow.First(
            () => flow.Step(() => Task.FromException<string>(new TimeoutException($"{++attempts}")), retry: Retry.Fixed(10, Day), pivot: true, name: "charge"),
            () => flow.Signal<string>("change", Day))));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await run.UntilAsync(d => d.Asks.Count == 2 && d.Asks[0].NextAttemptAt is not null);

        await run.SignalAsync("changed my mind", "change").Soon();

        (await run.ResultAsync().Soon()).ShouldBe("changed my mind");
        attempts.ShouldBe(1);
    }

    [Theory]
    [InlineData(1, "pivot")]
    [InlineData(2, "a,pivot")]
    [InlineData(3, "a,b,pivot")]
    public async Task The_branch_that_passed_the_pivot_is_among_those_that_decide(int count, string decided)
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => string.Join(',', await flow.First(count,
            async () =>
            {
                flow.Pivot();
                return await flow.Signal<string>("shipped", Day);
            },
            () => flow.Signal<string>("a", Day),
            () => flow.Signal<string>("b", Day),
            () => flow.Signal<string>("c", Day)))));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await run.SignalAsync("a", "a");
        await run.SignalAsync("b", "b");

        await run.SignalAsync("pivot", "shipped");

        (await run.ResultAsync().Soon()).ShouldBe(decided);
    }

    [Fact]
    public async Task Of_two_branches_that_may_pass_the_pivot_the_one_that_does_decides_and_a_failure_of_another_does_not()
    {
        var first = new TaskCompletionSource<string>();
        var second = new TaskCompletionSource<string>();
        using var begun = new SemaphoreSlim(0);
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", (int _, FlowContext flow) => flow.First(
            () => flow.Step(() => Begun(first), pivot: true, name: "first"),
            async () => await flow.Step(() => Begun(second), pivot: true, name: "second") + await flow.Signal<string>("shipped", Day),
            async () => throw new InvalidOperationException(await flow.Signal<string>("fail", Day)))));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await begun.WaitAsync().Soon();
        await begun.WaitAsync().Soon(); // a step that the failure meets before it has begun is not begun any more
        await run.SignalAsync("no", "fail").Soon();

        second.SetResult("second, ");
        await run.UntilAsync(d => d.Asks.Any(a => a.Name == "shipped"));
        first.SetResult("first");
        await run.SignalAsync("shipped", "shipped").Soon();

        (await run.ResultAsync().Soon()).ShouldBe("second, shipped");

        Task<string> Begun(TaskCompletionSource<string> step)
        {
            begun.Release();
            return step.Task;
        }
    }

    private static Func<int, FlowContext, Task<string>> ChargeOrChange(List<string> undone, Func<StepContext, Task<string>> charge, Func<Task<string?>> reconcile)
        => async (_, flow) =>
        {
            await flow.Step(() => Task.FromResult(1), undo: _ => Note(undone, "order"), name: "order");
            string first = await flow.First(
                () => flow.Step(s => charge(s), reconcile: () => reconcile(), pivot: true, name: "charge"),
                () => flow.Signal<string>("change", Day));
            if (first == "changed my mind")
            {
                await flow.Undo();
            }

            await flow.Signal<string>("end", Day);
            return first;
        };

    private static Task Note(List<string> list, string what)
    {
        list.Add(what);
        return Task.CompletedTask;
    }
}
