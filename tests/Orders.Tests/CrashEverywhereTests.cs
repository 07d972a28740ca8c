using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Orders.Services;
using Perdure;
using Perdure.Testing;
using Xunit.Abstractions;

namespace Orders.Tests;

/// <summary>The sample, tried with a crash wherever one can happen, and with each step repeated, unanswered and failed.</summary>
public sealed class CrashEverywhereTests(ITestOutputHelper output)
{
    private static readonly Order AnotherGoodOrder = Some.GoodOrder with { Id = "6" };
    private static readonly Order[] Orders = [Some.GoodOrder, Some.OfBlockedConsumer, Some.FromClosedRestaurant, Some.WithDeclinedCard, Some.WithDisabledAccount, AnotherGoodOrder];

    [Fact]
    public async Task No_card_is_charged_twice_and_all_is_undone_in_reverse_wherever_it_crashes()
    {
        long start = Stopwatch.GetTimestamp();

        CrashReport report = await FlowTest.CrashEverywhereAsync(
            outside: () => new TestFolder(inMemory: true),  // the services' own files: they outlive every crash
            services: (services, folder) => services.AddSingleton<INetwork>(new ScriptedNetwork()).AddOrders(folder.Path),
            scenario: async (run, _) =>
            {
                foreach (Order order in Orders)
                {
                    await run.Perdure.Flow<CreateOrder>().StartAsync(order, id: order.Id);
                }

                await run.Perdure.Flow<CreateOrder>().Get(Some.GoodOrder.Id).ResultAsync();
                await run.Services.GetRequiredService<OrderService>().BeginCancelAsync(Some.GoodOrder.Id);
                await run.Perdure.Flow<CancelOrder>().StartAsync(Some.GoodOrder.Id, id: Some.GoodOrder.Id);
            },
            check: CheckAsync);

        TimeSpan took = Stopwatch.GetElapsedTime(start);
        output.WriteLine($"{report}, in {took.TotalSeconds:0.0} s");
        report.Schedules.ShouldBeGreaterThan(200);
    }

    private static async Task CheckAsync(CrashRun run, TestFolder folder)
    {
        using var audit = new Audit(new DataFolder(folder.Path));
        foreach (OrderFacts facts in audit.Orders())
        {
            facts.Violation().ShouldBeNull($"order {facts.Id}");
        }

        audit.StrayCharges().ShouldBe(0);
        audit.Orders().Single(facts => facts.Id == Some.GoodOrder.Id).ShouldSatisfyAllConditions(
            good => good.Order.ShouldBe(OrderState.Cancelled),
            good => (good.Charges, good.Refunds).ShouldBe((1, 1)));

        await run.Perdure.Flow<CreateOrder>().Get(Some.GoodOrder.Id).ShouldHaveUndoneNothingAsync();
        await run.Perdure.Flow<CreateOrder>().Get(Some.OfBlockedConsumer.Id).ShouldHaveUndoneInOrderAsync("RejectOrder");
        await run.Perdure.Flow<CreateOrder>().Get(Some.FromClosedRestaurant.Id).ShouldHaveUndoneInOrderAsync("RejectOrder");
        await run.Perdure.Flow<CreateOrder>().Get(Some.WithDeclinedCard.Id).ShouldHaveUndoneInOrderAsync("CancelCreateTicket", "RejectOrder");
        await run.Perdure.Flow<CreateOrder>().Get(Some.WithDisabledAccount.Id).ShouldHaveUndoneInOrderAsync("CancelCreateTicket", "RejectOrder");
    }
}
