using Microsoft.Extensions.Diagnostics.HealthChecks;
using Perdure.Testing;

namespace Perdure.Tests.Dependencies;

/// <summary>Many flows before a service that is dead, slow or picky.</summary>
public class StormTests
{
    private const int Flows = 10_000;

    [Fact]
    public async Task Ten_thousand_flows_make_a_handful_of_attempts_while_the_kitchen_is_dead_and_complete_at_a_bounded_rate_once_it_is_back()
    {
        List<string> log = [];
        await using FlowTest test = await Kitchens.StartAsync(o => (o.Concurrency, o.Rate) = (20, new Rate(500, TimeSpan.FromSeconds(1)) { Burst = 5 }), log: log);
        Kitchen kitchen = test.Kitchen();
        kitchen.DeadUntil = test.Now + TimeSpan.FromMinutes(10);

        List<FlowHandle<int>> orders = await test.OrderAsync(Flows);
        int[] cooked = await Task.WhenAll(orders.Select(order => order.ResultAsync()));

        cooked.ShouldBe(Enumerable.Range(0, Flows));
        int whileDead = kitchen.Attempts.Count(at => at < kitchen.DeadUntil);
        whileDead.ShouldBeLessThan(50); // 10 that open it, those on their way with them, and a probe a minute
        kitchen.Attempts.Count.ShouldBeInRange(Flows + 10, Flows + 50);
        kitchen.Most.ShouldBeLessThanOrEqualTo(20);
        kitchen.Attempts.Zip(kitchen.Attempts.Skip(505)).ShouldAllBe(pair => pair.Second - pair.First > TimeSpan.FromSeconds(1));
        (kitchen.Attempts[^1] - kitchen.DeadUntil).ShouldBeLessThan(TimeSpan.FromSeconds(60 + 25));
        log.Count(line => line.StartsWith("Error: The breaker of dependency kitchen is open until ", StringComparison.Ordinal)).ShouldBe(1);
        log.Count(line => line.StartsWith("Warning: The breaker of dependency kitchen stays open until ", StringComparison.Ordinal)).ShouldBeGreaterThan(8);
        log.ShouldContain("Information: The breaker of dependency kitchen is closed: the probe was answered");
    }

    [Fact]
    public async Task Without_a_limit_of_its_own_a_kitchen_that_is_back_is_not_overrun()
    {
        await using FlowTest test = await Kitchens.StartAsync(o => (o.Concurrency, o.AtLeast) = (null, 5));
        List<FlowHandle<int>> orders = await test.OpenBreakerAsync(5);
        orders.AddRange(await test.OrderAsync(500, first: 5));
        test.Kitchen().DeadUntil = default;
        int before = test.Kitchen().Attempts.Count;

        await Task.WhenAll(orders.Select(order => order.ResultAsync()));

        List<int> together = [.. test.Kitchen().Attempts.Skip(before).GroupBy(at => at).Select(g => g.Count())];
        together.Take(3).ShouldBe([1, 2, 4]);
    }

    [Fact]
    public async Task No_more_attempts_run_at_once_than_the_limit_says_undos_included()
    {
        await using FlowTest test = await Kitchens.StartAsync(o => o.Concurrency = 3, async (order, flow) =>
        {
            await flow.Step((Kitchen k) => k.CookAsync(order), undo: (Kitchen k) => k.TakeBackAsync(order));
            return await flow.Step((Kitchen _) => Kitchen.RefuseAsync(order));
        });
        List<FlowHandle<int>> orders = await test.OrderAsync(60);

        foreach (FlowHandle<int> order in orders)
        {
            await Should.ThrowAsync<FlowFailedException>(() => order.ResultAsync());
        }

        test.Kitchen().Attempts.Count.ShouldBe(120);
        test.Kitchen().Most.ShouldBe(3);
    }

    [Fact]
    public async Task Rejections_do_not_open_the_breaker()
    {
        await using FlowTest test = await Kitchens.StartAsync(o => o.AtLeast = 1, (order, flow) => flow.Step((Kitchen _) => Kitchen.RefuseAsync(order)));

        foreach (FlowHandle<int> order in await test.OrderAsync(30))
        {
            await Should.ThrowAsync<FlowFailedException>(() => order.ResultAsync());
        }

        test.Node().Dependencies.Open.ShouldBeEmpty();
    }

    [Fact]
    public async Task Time_outs_open_the_breaker_which_shows_in_the_health_check()
    {
        await using FlowTest test = await Kitchens.StartAsync(o => o.AtLeast = 3, (order, flow) => flow.Step((Kitchen k) => k.CookAsync(order), timeout: TimeSpan.FromSeconds(1)));
        test.Kitchen().Takes = TimeSpan.FromDays(1);

        await test.OrderAsync(3);
        await test.AdvanceAsync(TimeSpan.FromSeconds(8)); // an attempt that ignores its token is left behind after 5 s

        test.Node().Dependencies.Open.ShouldBe(["kitchen"]);
        HealthCheckResult health = await new PerdureHealthCheck(new() { Current = test.Node() }).CheckHealthAsync(new());
        (health.Status, health.Description).ShouldBe((HealthStatus.Degraded, "the breakers of these dependencies are open: kitchen"));
    }
}
