using Perdure.Testing;

namespace Perdure.Events.Tests;

/// <summary>Subscriptions that are rewound.</summary>
public sealed class RewindTests
{
    [Fact]
    public async Task A_subscription_that_is_rewound_hears_again_under_new_keys()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", (e, job) =>
        {
            m.Note($"{e.Order} {job.IdempotencyKey}");
            return Task.CompletedTask;
        }));
        await market.PublishAsync("1", "2");
        await market.Test.IdleAsync();

        await market.Perdure.Subscription("kitchen").RewindAsync(SubscriptionStart.Beginning);
        await market.Test.IdleAsync();
        await market.CrashAsync();
        await market.Test.IdleAsync();

        market.Heard.Select(h => h[..1]).ShouldBe(["1", "2", "1", "2"]);
        market.Heard.Distinct().Count().ShouldBe(4);
        (await market.Perdure.Subscription("kitchen").DescribeAsync()).Topics.ShouldHaveSingleItem().Generation.ShouldBe(1);
    }

    [Fact]
    public async Task A_subscription_that_is_rewound_hears_only_what_is_kept()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.AddTopic("order", t => t.Retention = TimeSpan.FromDays(1)).Subscribe<Placed>("kitchen", m.Hear), TestTime.ByHand);
        await market.PublishAsync("1", "2", "3");
        await market.Test.AdvanceAsync(TimeSpan.FromDays(2));
        await market.KeepHouseAsync();
        (await market.EventsAsync()).Select(e => e.Key).ShouldBe(["3"]);

        await market.Perdure.Subscription("kitchen").RewindAsync(SubscriptionStart.Beginning);
        await market.Test.IdleAsync();

        market.Heard.ShouldBe(["kitchen 1", "kitchen 2", "kitchen 3", "kitchen 3"]);
    }

    [Fact]
    public async Task A_rewind_leaves_alone_what_is_still_tried_though_its_event_is_no_longer_kept()
    {
        await using Market market = await Market.OpenAsync((m, p) => p
            .AddTopic("order", t => t.Retention = TimeSpan.FromDays(1))
            .AddQueue("kitchen", q => q.Retry = Retry.Fixed(attempts: 2, TimeSpan.FromDays(10)))
            .Subscribe<Placed>("kitchen", (e, job) => e.Order == "1" && job.Attempt == 1 ? throw new IOException("not yet") : m.Hear(e, job)), TestTime.ByHand);
        await market.PublishAsync("1", "2");
        await market.Test.AdvanceAsync(TimeSpan.FromDays(2));
        await market.KeepHouseAsync();
        (await market.EventsAsync()).Select(e => e.Key).ShouldBe(["2"]);

        await market.CrashAsync();
        await market.Perdure.Subscription("kitchen").RewindAsync(SubscriptionStart.Beginning);
        await market.Test.AdvanceAsync(TimeSpan.FromDays(20));

        market.Heard.ShouldBe(["kitchen 2", "kitchen 2", "kitchen 1"]);
    }

    [Fact]
    public async Task However_often_a_subscription_is_rewound_no_key_comes_again()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", (_, job) =>
        {
            m.Note(job.IdempotencyKey);
            return Task.CompletedTask;
        }).Subscribe<Placed>("cashier", (_, job) =>
        {
            m.Note(job.IdempotencyKey);
            return Task.CompletedTask;
        }));
        await market.PublishAsync("1");
        await market.Test.IdleAsync();

        for (int i = 0; i < 300; i++)
        {
            await market.Perdure.Subscription("kitchen").RewindAsync(SubscriptionStart.Beginning);
            await market.Test.IdleAsync();
        }

        await market.CrashAsync();
        await market.PublishAsync("2");
        await market.Test.IdleAsync();
        market.Heard.Count.ShouldBe(304);
        market.Heard.Distinct().Count().ShouldBe(304);
    }

    [Fact]
    public async Task A_rewind_while_events_are_handled_gives_them_again_under_new_keys_and_in_order()
    {
        await using Market market = await Market.OpenAsync((m, p) => p.Subscribe<Placed>("kitchen", async (e, job) =>
        {
            m.Note($"begins {e.Amount} {job.IdempotencyKey}");
            await m.WorkAsync(TimeSpan.FromMinutes(1), job);
            m.Note($"ends {e.Amount} {job.IdempotencyKey}");
        }).AddQueue("kitchen", q => (q.InOrder, q.Concurrency) = (true, 10)), TestTime.ByHand);
        await market.Perdure.PublishManyAsync([new Placed("a", 1), new Placed("a", 2)]);
        await market.Test.AdvanceAsync(TimeSpan.FromSeconds(1));

        await market.Perdure.Subscription("kitchen").RewindAsync(SubscriptionStart.Beginning);
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(10));

        market.Heard.Select(h => string.Join(' ', h.Split(' ')[..2])).ShouldBe(["begins 1", "ends 1", "begins 1", "ends 1", "begins 2", "ends 2"]);
        market.Heard.Distinct().Count().ShouldBe(6);
        (await market.Perdure.Subscription("kitchen").DescribeAsync()).Lag.ShouldBe(0);
    }
}
