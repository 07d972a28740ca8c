namespace Perdure.Tests;

public class SignalTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task Signals_are_taken_in_order_by_name_also_when_they_come_early()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
        {
            await flow.Signal<string>("go", Day);
            string a = await flow.Signal<string>("letter", Day);
            string b = await flow.Signal<string>("letter", Day);
            string c = await flow.Signal<string>("letter", Day);
            return a + b + c;
        }));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await run.SignalAsync("a", "letter");
        await run.SignalAsync("b", "letter");
        await run.SignalAsync("now", "go");
        await run.SignalAsync("c", "letter");

        (await run.ResultAsync().Soon()).ShouldBe("abc");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_signal_that_is_sent_again_after_the_end_is_answered_as_the_first_time(bool restarted)
    {
        TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", (int _, FlowContext flow) => flow.Signal<string>("go", Day)));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        await run.SignalAsync("now", "go", "mail 1").Soon();
        await run.ResultAsync().Soon();
        host = restarted ? await host.RestartAsync() : host;
        await using (host)
        {
            run = host.Perdure.Flow<int, string>("f").Get("1");
            Task<string> result = run.ResultAsync(); // reads the end first, with no more than that
            Task again = run.SignalAsync("now", "go", "mail 1");

            await again.Soon();

            (await result.Soon()).ShouldBe("now");
            (await Should.ThrowAsync<PerdureException>(() => run.SignalAsync("now", "go", "mail 2").Soon())).Code.ShouldBe("PRD1004");
            (await Should.ThrowAsync<PerdureException>(() => run.SignalAsync("now", "go").Soon())).Code.ShouldBe("PRD1004");
            (await run.DescribeAsync()).Inputs.Count.ShouldBe(2);
        }
    }

    [Fact]
    public async Task A_signal_that_is_sent_again_while_the_end_is_committed_is_answered_when_that_is_durable()
    {
        using var commit = new ManualResetEventSlim();
        await using TestHost host = await TestHost.StartAsync(p => p.Configure(o => o.ShardCount = 1).AddFlow("f", (int _, FlowContext flow) => flow.Signal<string>("go", Day)));
        FlowHandle<string> run = await host.Perdure.Flow<int, string>("f").StartAsync(0, "1");
        bool holds = true;
        host.Store.Answer = (_, answers) =>
        {
            if (Volatile.Read(ref holds))
            {
                commit.Wait();
            }

            return answers;
        };
        Task first = run.SignalAsync("now", "go", "mail 1");
        Task again = run.SignalAsync("now", "go", "mail 1");
        Task late = run.SignalAsync("now", "go", "mail 2");
        again.IsCompleted.ShouldBeFalse();

        Volatile.Write(ref holds, false);
        commit.Set();

        await first.Soon();
        await again.Soon();
        (await Should.ThrowAsync<PerdureException>(() => late.Soon())).Code.ShouldBe("PRD1004");
    }

    [Fact]
    public async Task A_signal_with_the_senders_id_is_taken_once()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
            await flow.Signal<int>("n", Day) + await flow.Signal<int>("n", Day)));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.SignalAsync(1, "n", "x");
        await run.SignalAsync(1, "n", "x");
        await run.SignalAsync(10, "n", "y");

        (await run.ResultAsync().Soon()).ShouldBe(11);
    }

    [Fact]
    public async Task A_signal_that_came_early_is_described_as_received()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) =>
            await flow.Signal<int>("a", Day) + await flow.Signal<int>("b", Day)));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.SignalAsync(1, "b");
        await run.SignalAsync(1, "a");

        (await run.ResultAsync().Soon()).ShouldBe(2);
        (await run.DescribeAsync()).Asks.Select(a => a.State).ShouldBe(["received", "received"]);
    }

    [Fact]
    public async Task A_signal_may_be_named_after_a_type_that_is_nested_in_a_generic_one()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int _, FlowContext flow) => (await flow.Signal<Outer<int>.Inner>(Day)).N));
        FlowHandle<int> run = await host.Perdure.Flow<int, int>("f").StartAsync(0, "1");
        await run.SignalAsync(new Outer<int>.Inner(1));

        (await run.ResultAsync().Soon()).ShouldBe(1);
    }

    private static class Outer<T>
    {
        public sealed record Inner(T N);
    }
}
