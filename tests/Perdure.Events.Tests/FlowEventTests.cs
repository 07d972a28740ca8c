
namespace Perdure.Events.Tests;

/// <summary>Flows that publish events, wait for them, and are started by them.</summary>
public sealed class FlowEventTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task A_flow_publishes_once_and_takes_the_event_that_it_waits_for()
    {
        await using Market market = await OpenAsync(async (order, flow) =>
        {
            flow.Publish(new Placed(order));
            Paid paid = await flow.Event<Paid>(order, Day);
            return $"paid {paid.Order}";
        });
        FlowHandle<string> run = await StartAsync(market, "1");
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        await market.CrashAsync();

        await market.Perdure.PublishAsync(new Paid("2"));
        await market.Perdure.PublishAsync(new Paid("1"));

        (await run.ResultAsync()).ShouldBe("paid 1");
        EventInfo placed = (await market.EventsAsync(new EventFilter { Topic = "order" })).ShouldHaveSingleItem();
        placed.CorrelationId.ShouldBe("shop/1");
        placed.Cause.ShouldBe("flow:shop/1#0");
        (await market.EventsAsync(new EventFilter { Topic = "payment" })).Select(e => e.Fate).ShouldBe([EventFate.Held, EventFate.Taken]);
        FlowDescription seen = await run.DescribeAsync();
        seen.Asks.Select(a => $"{a.Kind} {a.Name} {a.State}").ShouldBe(["published event placed published", "event paid/1 received"]);
        (await market.Perdure.CheckReplayAsync(new FlowFilter())).Problems.ShouldBeEmpty();
    }

    [Fact]
    public async Task An_event_that_comes_before_the_wait_is_held_for_it_over_a_crash()
    {
        await using Market market = await OpenAsync(async (order, flow) => (await flow.Event<Paid>(order, Day)).Order);
        await market.Perdure.PublishAsync(new Paid("1"));
        await market.CrashAsync();

        (await (await StartAsync(market, "1")).ResultAsync()).ShouldBe("1");
    }

    [Fact]
    public async Task A_wait_ends_at_its_limit_and_what_comes_later_is_reported()
    {
        List<string> log = [];
        await using Market market = await OpenAsync(async (order, flow) => (await flow.TryEvent<Paid>(order, Day)).HasValue ? "paid" : "late", log.Add);
        FlowHandle<string> run = await StartAsync(market, "1");

        (await run.ResultAsync()).ShouldBe("late");
        await market.Perdure.PublishAsync(new Paid("1"));
        await market.Test.AdvanceAsync(TimeSpan.FromHours(2));

        (await market.EventsAsync()).ShouldHaveSingleItem().Fate.ShouldBe(EventFate.Unclaimed);
        log.ShouldContain(l => l.Contains("PRD6007", StringComparison.Ordinal) && l.Contains("payment/1", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_first_of_several_events_decides_and_the_others_are_left()
    {
        await using Market market = await OpenAsync((order, flow) => flow.First(
            async () => $"paid {(await flow.Event<Paid>(order, Day)).Order}",
            async () => $"shipped {(await flow.Event<Shipped>(order, Day)).Order}"));
        FlowHandle<string> run = await StartAsync(market, "1");
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(1));

        await market.Perdure.PublishAsync(new Shipped("1"));
        (await run.ResultAsync()).ShouldBe("shipped 1");
        await market.Perdure.PublishAsync(new Paid("1"));
        await market.Test.IdleAsync();

        (await market.EventsAsync(new EventFilter { Topic = "payment" })).ShouldHaveSingleItem().Fate.ShouldBe(EventFate.Held); // nobody waits for it any more
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task All_of_several_events_are_taken_in_any_order(bool paidFirst)
    {
        await using Market market = await OpenAsync(async (order, flow) =>
        {
            (Paid paid, Shipped shipped) = await flow.All(flow.Event<Paid>(order, Day), flow.Event<Shipped>(order, Day));
            return $"{paid.Order}{shipped.Order}";
        });
        FlowHandle<string> run = await StartAsync(market, "1");
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(1));

        await (paidFirst ? market.Perdure.PublishAsync(new Paid("1")) : market.Perdure.PublishAsync(new Shipped("1")));
        await market.CrashAsync();
        await (paidFirst ? market.Perdure.PublishAsync(new Shipped("1")) : market.Perdure.PublishAsync(new Paid("1")));

        (await run.ResultAsync()).ShouldBe("11");
    }

    [Fact]
    public async Task An_event_that_two_flows_wait_for_is_given_to_none_until_one_is_left()
    {
        List<string> log = [];
        await using Market market = await OpenAsync(async (order, flow) => (await flow.Event<Paid>("same", Day)).Order, log.Add);
        FlowHandle<string> one = await StartAsync(market, "1");
        FlowHandle<string> two = await StartAsync(market, "2");
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(1));

        await market.Perdure.PublishAsync(new Paid("same"));
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        (await market.EventsAsync()).ShouldHaveSingleItem().Fate.ShouldBe(EventFate.Ambiguous);
        log.ShouldContain(l => l.Contains("PRD6008", StringComparison.Ordinal));
        await market.CrashAsync();
        await two.CancelAsync();

        (await one.ResultAsync()).ShouldBe("same");
        (await market.EventsAsync()).ShouldHaveSingleItem().Fate.ShouldBe(EventFate.Taken);
    }

    [Fact]
    public async Task A_flow_that_waits_for_several_gets_all_that_are_held_once_it_is_the_only_one()
    {
        await using Market market = await OpenAsync(async (order, flow) =>
        {
            Paid[] paid = await Task.WhenAll(Enumerable.Range(0, order == "1" ? 2 : 1).Select(_ => flow.Event<Paid>("same", Day)));
            return $"{paid.Length}";
        });
        FlowHandle<string> one = await StartAsync(market, "1");
        FlowHandle<string> two = await StartAsync(market, "2");
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        await market.Perdure.PublishManyAsync([new Paid("same"), new Paid("same")]);
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(1));
        (await market.EventsAsync()).Select(e => e.Fate).ShouldBe([EventFate.Ambiguous, EventFate.Ambiguous]);

        await two.CancelAsync();

        (await one.ResultAsync()).ShouldBe("2");
        (await market.EventsAsync()).Select(e => e.Fate).ShouldBe([EventFate.Taken, EventFate.Taken]);
    }

    [Fact]
    public async Task An_event_for_all_who_wait_is_given_to_each()
    {
        await using Market market = await Market.OpenAsync((_, p) => p
            .AddEvent<Opened>(e => e.Shop, configure: e => (e.Hold, e.ForAllWaiting) = (TimeSpan.FromHours(1), true))
            .AddFlow<string, string>("shop", async (order, flow) => $"{order} {(await flow.Event<Opened>("corner", Day)).Shop}"));
        FlowHandle<string> one = await StartAsync(market, "1");
        FlowHandle<string> two = await StartAsync(market, "2");
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(1));

        await market.Perdure.PublishAsync(new Opened("corner"));

        (await one.ResultAsync()).ShouldBe("1 corner");
        (await two.ResultAsync()).ShouldBe("2 corner");
    }

    [Fact]
    public async Task An_event_that_a_cancelled_flow_was_sent_waits_for_the_next_one()
    {
        await using Market market = await OpenAsync(async (order, flow) => (await flow.Event<Paid>("same", Day)).Order);
        FlowHandle<string> one = await StartAsync(market, "1");
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(1));

        // Both are on their way at once: whichever comes first, the event is not lost.
        await Task.WhenAll(one.CancelAsync(), market.Perdure.PublishAsync(new Paid("same")));
        FlowHandle<string> two = await StartAsync(market, "2");
        await market.Test.IdleAsync();

        FlowStatus first = (await one.DescribeAsync()).Status;
        (await two.DescribeAsync()).Status.ShouldBe(first == FlowStatus.Cancelled ? FlowStatus.Completed : FlowStatus.Running);
        (await market.EventsAsync()).ShouldHaveSingleItem().Fate.ShouldBe(EventFate.Taken);
    }

    [Fact]
    public async Task An_event_that_came_to_a_stuck_flow_goes_to_another_if_the_flow_was_cancelled_before()
    {
        bool isBroken = false;
        await using Market market = await Market.OpenAsync((_, p) => p
            .AddFlow("shop", async (string order, FlowContext flow) =>
            {
                if (Volatile.Read(ref isBroken))
                {
                    flow.Publish(new Placed(order)); // which its history knows nothing of
                }

                return (await flow.Event<Paid>(order, Day)).Order;
            })
            .AddFlow("other", async (string order, FlowContext flow) => $"other {(await flow.Event<Paid>(order, Day)).Order}"));
        FlowHandle<string> stuck = await StartAsync(market, "1");
        await market.Test.IdleAsync();
        Volatile.Write(ref isBroken, true);
        await market.CrashAsync();
        await market.Perdure.Flow<string, string>("shop").Get("1").CancelAsync();
        await market.Test.IdleAsync();
        (await stuck.DescribeAsync()).Status.ShouldBe(FlowStatus.Stuck);
        await market.Perdure.PublishAsync(new Paid("1"));
        await market.Test.IdleAsync();
        FlowHandle<string> other = await market.Perdure.Flow<string, string>("other").StartAsync("1", "1");
        await market.Test.IdleAsync();
        (await other.DescribeAsync()).Status.ShouldBe(FlowStatus.Running);

        Volatile.Write(ref isBroken, false);
        await stuck.RetryAsync();

        (await other.ResultAsync()).ShouldBe("other 1");
        (await stuck.DescribeAsync()).Status.ShouldBe(FlowStatus.Cancelled);
    }

    [Fact]
    public async Task An_event_starts_a_flow_once_per_key_in_its_business_transaction()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.AddFlow<Deliver>().StartOn<Placed, Deliver>());

        await market.Perdure.PublishAsync(new Placed("7"), new PublishOptions { CorrelationId = "deal" });
        await market.Perdure.PublishAsync(new Placed("7", 2));
        await market.Test.IdleAsync();

        FlowInfo run = (await market.Perdure.ListAsync().ToListAsync()).ShouldHaveSingleItem();
        run.Id.ShouldBe("7");
        (await market.Perdure.Flow<Deliver>().Get("7").ResultAsync()).ShouldBe("deliver 7 x1 of deal");
    }

    [Fact]
    public async Task A_wait_for_events_that_are_not_kept_makes_the_flow_stuck()
    {
        await using Market market = await OpenAsync(async (order, flow) => (await flow.Event<Placed>(order, Day)).Order);

        FlowHandle<string> run = await StartAsync(market, "1");
        await market.Test.IdleAsync();

        (await run.DescribeAsync()).StuckCode.ShouldBe("PRD6010");
    }

    private static Task<Market> OpenAsync(Func<string, FlowContext, Task<string>> flow, Action<string>? log = null)
        => Market.OpenAsync((_, p) => p.AddFlow("shop", flow), log: log);

    private static Task<FlowHandle<string>> StartAsync(Market market, string order) => market.Perdure.Flow<string, string>("shop").StartAsync(order, order);

    public sealed record Opened(string Shop);

    public sealed class Deliver : IFlow<Placed, string>
    {
        public Task<string> RunAsync(Placed input, FlowContext flow) => Task.FromResult($"deliver {input.Order} x{input.Amount} of {flow.CorrelationId}");
    }
}
