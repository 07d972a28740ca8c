using Perdure.Testing;

namespace Perdure.Events.Tests;

/// <summary>Events, and the subscriptions that hear of them.</summary>
public sealed class SubscriptionTests
{
    [Fact]
    public async Task Each_subscription_hears_of_each_event_in_order()
    {
        await using Market market = await Market.OpenAsync((m, p) => p
            .Subscribe<Placed>("kitchen", m.Hear).AddQueue("kitchen", q => q.Concurrency = 1)
            .Subscribe<Placed>("cashier", m.Hear).AddQueue("cashier", q => q.Concurrency = 1));

        await market.PublishAsync("1", "2", "3");
        await market.Test.IdleAsync();

        market.Heard.Where(h => h.StartsWith("kitchen", StringComparison.Ordinal)).ShouldBe(["kitchen 1", "kitchen 2", "kitchen 3"]);
        market.Heard.Where(h => h.StartsWith("cashier", StringComparison.Ordinal)).ShouldBe(["cashier 1", "cashier 2", "cashier 3"]);
        (await market.Perdure.Subscription("kitchen").DescribeAsync()).Lag.ShouldBe(0);
    }

    [Fact]
    public async Task A_subscription_hears_only_of_the_types_that_it_wants()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Shipped>("post", (e, _) =>
        {
            m.Note($"shipped {e.Order}");
            return Task.CompletedTask;
        }));

        await market.PublishAsync("1", "2");
        await market.Perdure.PublishAsync(new Shipped("1"));
        await market.Test.IdleAsync();

        market.Heard.ShouldBe(["shipped 1"]);
        (await market.Perdure.Subscription("post").DescribeAsync()).Lag.ShouldBe(0);
    }

    [Fact]
    public async Task A_failed_attempt_is_tried_again_and_holds_up_no_other_event()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", (e, job) =>
        {
            m.Note($"{e.Order} attempt {job.Attempt}");
            return e.Order == "bad" && job.Attempt < 3 ? throw new IOException("not yet") : Task.CompletedTask;
        }));

        await market.PublishAsync("bad", "good");
        await market.Test.IdleAsync();

        market.Heard.ShouldContain("good attempt 1");
        market.Heard.Where(h => h.StartsWith("bad", StringComparison.Ordinal)).ShouldBe(["bad attempt 1", "bad attempt 2", "bad attempt 3"]);
    }

    [Fact]
    public async Task What_cannot_be_handled_is_a_dead_letter_that_can_be_redriven()
    {
        bool isBroken = true;
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", (e, job) =>
        {
            m.Note($"{e.Order} {job.Event!.Position} {job.IdempotencyKey}");
            return isBroken ? throw new RejectedException("no oven") : Task.CompletedTask;
        }));
        await market.PublishAsync("1");
        await market.Test.IdleAsync();
        await market.CrashAsync();

        isBroken = false;
        int redriven = await market.Perdure.Queue("kitchen").RedriveAsync(new JobFilter());
        await market.Test.IdleAsync();

        redriven.ShouldBe(1);
        market.Heard.Count.ShouldBe(2);
        market.Heard[1].ShouldBe(market.Heard[0]);
    }

    [Fact]
    public async Task After_a_crash_only_what_was_not_done_is_given_again_under_its_key()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", async (e, job) =>
        {
            m.Note($"{e.Order} {job.IdempotencyKey}");
            if (e.Order == "3" && m.Heard.Count(h => h[0] == '3') == 1)
            {
                await m.WorkAsync(TimeSpan.FromMinutes(1), job); // the process dies meanwhile
            }
        }).AddQueue("kitchen", q => q.Concurrency = 10));
        await market.PublishAsync("1", "2", "3", "4");
        await market.Test.AdvanceAsync(TimeSpan.FromSeconds(1));

        await market.CrashAsync();
        await market.Test.IdleAsync();

        string[] orders = [.. market.Heard.Select(h => h[..1])];
        orders.ShouldBe(["1", "2", "3", "4", "3"]);
        market.Heard[4].ShouldBe(market.Heard[2]);
    }

    [Fact]
    public async Task Events_of_one_key_are_handled_in_order_though_one_is_tried_again()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", (e, job) =>
        {
            m.Note($"{e.Order} {e.Amount}");
            return e is { Order: "a", Amount: 1 } && job.Attempt == 1 ? throw new IOException("once") : Task.CompletedTask;
        }).AddQueue("kitchen", q => q.InOrder = true));

        await market.Perdure.PublishManyAsync([new Placed("a", 1), new Placed("a", 2), new Placed("b", 1)]);
        await market.Test.IdleAsync();

        market.Heard.Where(h => h[0] == 'a').ShouldBe(["a 1", "a 1", "a 2"]);
        market.Heard.ShouldContain("b 1");
    }

    [Theory]
    [InlineData("now", new[] { "3" })]
    [InlineData("beginning", new[] { "1", "2", "3" })]
    [InlineData("time", new[] { "2", "3" })]
    public async Task A_new_subscription_begins_where_it_says(string start, string[] hears)
    {
        await using Market market = await Market.OpenAsync((_, p) => p.Subscribe<Paid>("other", (_, _) => Task.CompletedTask), TestTime.ByHand);
        await market.PublishAsync("1");
        await market.Test.AdvanceAsync(TimeSpan.FromHours(1));
        DateTimeOffset time = market.Test.Now;
        await market.PublishAsync("2");
        await market.Test.IdleAsync();

        await market.Test.RestartAsync(services => services.AddPerdure(p => p.UseMemory()
            .AddEvent<Placed>(e => e.Order, topic: "order").AddEvent<Paid>(e => e.Order, topic: "payment")
            .Subscribe<Paid>("other", (_, _) => Task.CompletedTask)
            .Subscribe<Placed>("late", market.Hear)
            .AddSubscription("late", s => s.Start = start switch { "now" => SubscriptionStart.Now, "time" => SubscriptionStart.At(time), _ => SubscriptionStart.Beginning })));
        await market.PublishAsync("3");
        await market.Test.IdleAsync();

        market.Heard.ShouldBe(hears.Select(h => $"late {h}"));
    }

    [Fact]
    public async Task A_subscription_that_lags_reads_on_from_the_log()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", m.Hear).AddSubscription("kitchen", s => s.ReadAhead = 3));
        await market.Perdure.Queue("kitchen").PauseAsync();
        await market.PublishAsync(Enumerable.Range(1, 10).Select(i => $"{i}"));
        await market.CrashAsync();
        (await market.Perdure.Subscription("kitchen").DescribeAsync()).Lag.ShouldBe(10);
        (await market.Perdure.Queue("kitchen").StatsAsync()).Waiting.ShouldBe(3);

        await market.Perdure.Queue("kitchen").ResumeAsync();
        await market.Test.IdleAsync();

        market.Heard.ShouldBe(Enumerable.Range(1, 10).Select(i => $"kitchen {i}"));
    }

    [Fact]
    public async Task What_a_handler_publishes_comes_once_though_it_was_tried_twice_and_says_what_caused_it()
    {
        await using Market market = await Market.OpenAsync((m, p) => p
            .Subscribe<Placed>("cashier", (e, job) =>
            {
                job.Publish(new Paid(e.Order));
                return job.Attempt == 1 ? throw new IOException("once") : Task.CompletedTask;
            })
            .Subscribe<Paid>("post", (e, _) =>
            {
                m.Note($"paid {e.Order}");
                return Task.CompletedTask;
            }));

        await market.Perdure.PublishAsync(new Placed("1"), new PublishOptions { CorrelationId = "deal 7" });
        await market.Test.IdleAsync();

        market.Heard.ShouldBe(["paid 1"]);
        EventInfo paid = (await market.EventsAsync(new EventFilter { Topic = "payment" })).ShouldHaveSingleItem();
        paid.CorrelationId.ShouldBe("deal 7");
        paid.Cause.ShouldBe("event:order/1@cashier");
        paid.Source.ShouldBe("/subscriptions/cashier");
        paid.Key.ShouldBe("1");
    }

    [Fact]
    public async Task A_handler_that_runs_again_after_a_crash_can_use_the_client_at_its_first_attempt()
    {
        bool hasCrashed = false;
        await using Market market = await Market.OpenAsync((m, p) => p
            .AddQueue("kitchen", q => q.Retry = Retry.None)
            .Subscribe<Placed>("kitchen", async (e, job) =>
            {
                await (hasCrashed ? Task.CompletedTask : m.WorkAsync(TimeSpan.FromHours(1), job));
                await job.Get<PerdureClient>().PublishAsync(new Paid(e.Order));
            }));
        await market.PublishAsync("1");
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(1));

        hasCrashed = true;
        await market.CrashAsync();
        await market.Test.IdleAsync();

        (await market.EventsAsync(new EventFilter { Topic = "payment" })).ShouldHaveSingleItem().Key.ShouldBe("1");
        (await market.Perdure.Queue("kitchen").DeadLettersAsync().ToListAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Events_that_fail_and_events_that_wait_are_listed_once_each_and_can_be_redriven()
    {
        bool isRepaired = false;
        await using Market market = await Market.OpenAsync((m, p) => p
            .AddQueue("kitchen", q => q.Retry = Retry.None)
            .Subscribe<Placed>("kitchen", (e, job) => isRepaired || e.Order == "2" ? m.Hear(e, job) : throw new IOException("broken")));
        await market.PublishAsync("1", "2", "3");
        await market.Test.IdleAsync();

        (await market.Perdure.Queue("kitchen").DeadLettersAsync().ToListAsync()).Select(j => j.Key).ShouldBe(["3", "1"]);
        (await market.Perdure.ListAsync(new JobFilter { Queue = "kitchen" }).ToListAsync()).Select(j => j.Key).ShouldBe(["3", "1"]);

        isRepaired = true;
        await market.CrashAsync();
        (await market.Perdure.Queue("kitchen").RedriveAsync(new JobFilter { Key = "3" })).ShouldBe(1);
        await market.Test.IdleAsync();

        market.Heard.ShouldBe(["kitchen 2", "kitchen 3"]);
        (await market.Perdure.ListAsync(new JobFilter { Queue = "kitchen" }).ToListAsync()).ShouldHaveSingleItem().Key.ShouldBe("1");
    }

    [Fact]
    public async Task Old_events_are_forgotten_once_every_subscription_has_had_them()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.AddTopic("order", t => t.Retention = TimeSpan.FromDays(1)).Subscribe<Placed>("kitchen", m.Hear), TestTime.ByHand);
        await market.Perdure.Queue("kitchen").PauseAsync();
        await market.PublishAsync("1", "2", "3");
        await market.Test.AdvanceAsync(TimeSpan.FromDays(2));
        await market.KeepHouseAsync();
        (await market.EventsAsync()).Count.ShouldBe(3);

        await market.Perdure.Queue("kitchen").ResumeAsync();
        await market.KeepHouseAsync();

        market.Heard.Count.ShouldBe(3);
        (await market.EventsAsync()).Select(e => e.Position).ShouldBe([3L]); // the last one says how far the log went
        await market.CrashAsync();
        await market.PublishAsync("4");
        (await market.EventsAsync()).Select(e => e.Position).ShouldBe([3L, 4L]);
    }

    [Fact]
    public async Task An_event_that_flows_wait_for_is_kept_for_its_hold_also_when_one_has_it()
    {
        await using Market market = await Market.OpenAsync((_, p) => p.AddTopic("payment", t => t.Retention = TimeSpan.Zero).AddFlow<string, string>("shop", async (order, flow) => (await flow.Event<Paid>(order, TimeSpan.FromDays(1))).Order), TestTime.ByHand);
        Task<string> run = market.Perdure.Flow<string, string>("shop").RunAsync("1", "1");
        await market.Perdure.PublishManyAsync([new Paid("1"), new Paid("2")]);
        (await run).ShouldBe("1");

        await market.KeepHouseAsync();
        (await market.EventsAsync()).Select(e => e.Fate).ShouldBe([EventFate.Taken, EventFate.Held]); // the flow might have sent it back

        await market.Test.AdvanceAsync(TimeSpan.FromHours(2));
        await market.KeepHouseAsync();
        (await market.EventsAsync()).ShouldHaveSingleItem().Key.ShouldBe("2");
    }

    [Fact]
    public async Task A_subscription_that_no_code_has_any_more_keeps_its_events_until_it_is_removed()
    {
        List<string> log = [];
        await using Market market = await Market.OpenAsync((m, p) => p.AddTopic("order", t => t.Retention = TimeSpan.FromDays(1)).Subscribe<Placed>("kitchen", m.Hear), TestTime.ByHand, log.Add);
        await market.Perdure.Queue("kitchen").PauseAsync();
        await market.PublishAsync("1", "2");
        await market.Test.RestartAsync(services => services.AddPerdure(p => Market.AddSleep(p).UseMemory().AddEvent<Placed>(e => e.Order, topic: "order").AddTopic("order", t => t.Retention = TimeSpan.FromDays(1))));
        await market.Test.AdvanceAsync(TimeSpan.FromDays(2));
        await market.KeepHouseAsync();

        log.ShouldContain(l => l.Contains("PRD6009", StringComparison.Ordinal));
        SubscriptionInfo gone = await market.Perdure.Subscription("kitchen").DescribeAsync();
        gone.IsHandled.ShouldBeFalse();
        gone.Lag.ShouldBe(2);
        (await market.EventsAsync()).Count.ShouldBe(2);

        await market.Perdure.Subscription("kitchen").RemoveAsync();
        await market.KeepHouseAsync();
        (await market.EventsAsync()).Count.ShouldBe(1);
    }

    [Fact]
    public async Task Events_whose_type_is_gone_are_passed_over_with_a_word_and_come_again_after_the_repair()
    {
        List<string> log = [];
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", m.Hear), log: log.Add);
        await market.Perdure.Queue("kitchen").PauseAsync();
        await market.PublishAsync("1", "2");
        await market.Test.RestartAsync(services => services.AddPerdure(p => p.UseMemory().AddEvent<Renamed>(e => e.Order, topic: "order").Subscribe<Renamed>("kitchen", (e, _) => NoteAsync($"renamed {e.Order}"))));
        await market.Perdure.Queue("kitchen").ResumeAsync();
        await market.Perdure.PublishAsync(new Renamed("3"));
        await market.Test.IdleAsync();

        market.Heard.ShouldBe(["renamed 3"]);
        string told = log.Where(l => l.Contains("PRD6001", StringComparison.Ordinal)).ShouldHaveSingleItem();
        told.ShouldContain("subscription kitchen passes over events of type placed, the first of them order/1");

        await market.Test.RestartAsync(services => services.AddPerdure(p => p.UseMemory().AddEvent<Placed>(e => e.Order, topic: "order").AddEvent<Renamed>(e => e.Order, topic: "order").Subscribe<Placed>("kitchen", market.Hear)));
        await market.Perdure.Subscription("kitchen").RewindAsync(SubscriptionStart.Beginning);
        await market.Test.IdleAsync();
        market.Heard.ShouldBe(["renamed 3", "kitchen 1", "kitchen 2"]);

        Task NoteAsync(string what)
        {
            market.Note(what);
            return Task.CompletedTask;
        }
    }

    public sealed record Renamed(string Order);
}
