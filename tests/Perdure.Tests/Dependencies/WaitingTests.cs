using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;

namespace Perdure.Tests.Dependencies;

/// <summary>What becomes of a step while it waits for its dependency.</summary>
public class WaitingTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_step_that_waits_says_for_what_and_uses_up_no_attempt_and_no_time()
    {
        await using FlowTest test = await Kitchens.StartAsync(o => o.OpenFor = o.OpenForMax = TimeSpan.FromHours(1), (order, flow) =>
            flow.Step((Kitchen k) => k.CookAsync(order), timeout: Second, retry: Retry.Exponential(2, within: TimeSpan.FromMinutes(1))));
        await test.OpenBreakerAsync(10);
        FlowHandle<int> order = (await test.OrderAsync(1, first: 10))[0];
        await test.AdvanceAsync(Second);

        FlowAsk waiting = (await order.DescribeAsync()).Asks[0];
        (waiting.State, waiting.WaitsFor, waiting.Attempts).ShouldBe(("open", "kitchen", 0));
        waiting.ToString().ShouldBe("step Cook: open, waits for kitchen");

        test.Kitchen().DeadUntil = default;
        (await order.ResultAsync()).ShouldBe(10);
        FlowAsk done = (await order.DescribeAsync()).Asks[0];
        (done.Attempts, done.WaitsFor).ShouldBe((1, null));
    }

    [Fact]
    public async Task A_cancel_ends_the_wait_at_once_and_the_step_did_not_happen()
    {
        await using FlowTest test = await Kitchens.StartAsync(o => o.OpenFor = o.OpenForMax = TimeSpan.FromHours(1));
        await test.OpenBreakerAsync(10);
        FlowHandle<int> order = (await test.OrderAsync(1, first: 10))[0];
        await test.AdvanceAsync(Second);
        DateTimeOffset asked = test.Now;

        await order.CancelAsync();
        await Should.ThrowAsync<FlowCancelledException>(() => order.ResultAsync());

        (test.Now - asked).ShouldBeLessThan(Second);
        FlowAsk step = (await order.DescribeAsync()).Asks[0];
        (step.State, step.Attempts, step.Error!.Kind, step.Error.Happened).ShouldBe(("failed", 0, ErrorKind.Cancelled, false));
        test.Node().Dependencies.Find("kitchen")!.Waiting.ShouldBe(10); // the others
    }

    [Fact]
    public async Task A_terminate_ends_the_wait_of_a_step_that_asks_whether_it_happened()
    {
        await using FlowTest test = await Kitchens.StartAsync(o => (o.OpenFor, o.OpenForMax, o.AtLeast) = (TimeSpan.FromHours(1), TimeSpan.FromHours(1), 1), async (order, flow) =>
        {
            await flow.Step((Kitchen k) => k.PlateAsync(order), reconcile: (Kitchen k) => k.FindAsync(order));
            return order;
        });
        test.Kitchen().Takes = TimeSpan.FromMinutes(10); // longer than its time-out
        FlowHandle<int> order = (await test.OrderAsync(1))[0];
        await test.AdvanceAsync(TimeSpan.FromMinutes(6));
        (await order.DescribeAsync()).Asks[0].WaitsFor.ShouldBe("kitchen");
        int waiting = test.Node().Dependencies.Find("kitchen")!.Waiting;

        await order.TerminateAsync();
        await test.AdvanceAsync(TimeSpan.Zero);

        waiting.ShouldBe(1);
        test.Node().Dependencies.Find("kitchen")!.Waiting.ShouldBe(0);
    }

    [Fact]
    public async Task A_restart_while_steps_wait_loses_nothing_and_counts_nothing()
    {
        await using FlowTest test = await Kitchens.StartAsync(o => (o.Concurrency, o.OpenFor) = (2, TimeSpan.FromMinutes(1)));
        await test.OpenBreakerAsync(10);
        List<FlowHandle<int>> orders = await test.OrderAsync(20, first: 10);
        await test.AdvanceAsync(Second);
        DateTimeOffset asked = test.Now;

        await test.RestartAsync();
        (test.Now - asked).ShouldBeLessThan(Second);
        await test.CrashAsync();

        await Task.WhenAll(orders.Select(order => order.ResultAsync()));
        foreach (FlowHandle<int> order in orders)
        {
            (await order.DescribeAsync()).Asks[0].Attempts.ShouldBe(1);
        }
    }

    [Fact]
    public async Task A_step_whose_time_for_all_attempts_is_up_ends_while_it_waits()
    {
        await using FlowTest test = await Kitchens.StartAsync(o => (o.OpenFor, o.OpenForMax, o.AtLeast) = (TimeSpan.FromHours(1), TimeSpan.FromHours(1), 1), (order, flow) =>
            flow.Step((Kitchen k) => k.CookAsync(order), retry: Retry.Exponential(5, within: TimeSpan.FromSeconds(30))));
        DateTimeOffset start = test.Now;
        FlowHandle<int> order = (await test.OpenBreakerAsync(1))[0];

        await Should.ThrowAsync<FlowFailedException>(() => order.ResultAsync());

        (test.Now - start).TotalSeconds.ShouldBeInRange(30, 31);
        (await order.DescribeAsync()).Asks[0].Attempts.ShouldBe(1);
    }

    [Fact]
    public async Task A_step_may_be_tried_for_ever()
    {
        await using FlowTest test = await Kitchens.StartAsync(_ => { }, (order, flow) =>
            flow.Step((Kitchen k) => k.CookAsync(order), retry: Retry.Exponential(5, within: TimeSpan.MaxValue)));
        FlowHandle<int> order = (await test.OrderAsync(1, first: 10))[0];

        (await order.ResultAsync()).ShouldBe(10);
    }

    [Fact]
    public async Task A_step_names_its_dependency_or_has_its_services()
    {
        await using FlowTest test = await FlowTest.StartAsync(services =>
        {
            services.AddSingleton<Kitchen>();
            services.AddPerdure(p => p.UseMemory().AddDependency("oven", o => o.Concurrency = 1).AddDependency<Kitchen>(o => o.Concurrency = 2)
                .AddFlow("named", async (int n, FlowContext flow) => await flow.Step(s => s.Get<Kitchen>().CookAsync(n), dependency: "oven", name: "Cook"))
                .AddFlow("served", async (int n, FlowContext flow) => await flow.Step((Kitchen k) => k.CookAsync(n)))
                .AddFlow("free", async (int n, FlowContext flow) => await flow.Step(s => s.Get<Kitchen>().CookAsync(n), name: "Cook")));
        }, new FlowTestOptions { Time = TestTime.ByHand }); // none is done before all have come

        (await MostAsync("named")).ShouldBe(1);
        (await MostAsync("served")).ShouldBe(2);
        (await MostAsync("free")).ShouldBe(9);

        async Task<int> MostAsync(string flow)
        {
            FlowHandle<int>[] runs = await Task.WhenAll(Enumerable.Range(0, 9).Select(i => test.Perdure.Flow<int, int>(flow).StartAsync(i, $"{i}")));
            await test.AdvanceAsync(TimeSpan.FromSeconds(1));
            await Task.WhenAll(runs.Select(run => run.ResultAsync()));
            return test.Kitchen().Most;
        }
    }

    [Fact]
    public async Task A_dependency_that_is_not_there_makes_the_flow_stuck_and_the_repair_lets_it_go_on()
    {
        await using FlowTest test = await FlowTest.StartAsync(With("stove"));
        FlowHandle<int> run = await test.Perdure.Flow<int, int>("order").StartAsync(7, "1");
        await test.IdleAsync();

        FlowDescription stuck = await run.ShouldBeStuckAsync("PRD4011");
        stuck.StuckReason.ShouldBe("there is no dependency oven: add it with AddDependency. There are: stove.");

        await test.RestartAsync(With("oven"));
        await run.RetryAsync();
        (await run.ResultAsync()).ShouldBe(7);

        static Action<IServiceCollection> With(string dependency) => services => services.AddPerdure(p => p.UseMemory().AddDependency(dependency)
            .AddFlow("order", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), dependency: "oven", name: "Cook")));
    }

    [Fact]
    public void Options_are_checked_at_the_start_and_a_name_that_comes_twice_is_one_dependency()
    {
        Should.Throw<PerdureException>(() => new ServiceCollection().AddPerdure(p => p.AddDependency("oven", o => o.OpenFor = TimeSpan.Zero))).Code.ShouldBe("PRD4004");
        PerdureBuilder builder = new(new ServiceCollection());
        builder.AddDependency("oven", o => o.Concurrency = 7).AddDependency<Kitchen>("oven", o => o.AtLeast = 3).AddDependency<Kitchen>();
        builder.Dependencies.All.Select(d => (d.Name, d.Options.Concurrency, d.Options.AtLeast)).ShouldBe([("oven", 7, 3), ("kitchen", 100, 10)]);
    }
}
