using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Orders.Choreography;
using Orders.Services;
using Perdure.Testing;
using Xunit.Abstractions;

namespace Orders.Tests;

/// <summary>The choreographed sample, tried with a crash wherever one can happen.</summary>
public sealed class ChoreographyCrashTests(ITestOutputHelper output)
{
    private static readonly Order[] Orders = [Some.GoodOrder, Some.OfBlockedConsumer, Some.WithDeclinedCard];

    [Fact]
    public async Task No_card_is_charged_twice_and_every_order_comes_to_its_end_wherever_it_crashes()
    {
        long start = Stopwatch.GetTimestamp();

        CrashReport report = await FlowTest.CrashEverywhereAsync(
            outside: () => new TestFolder(inMemory: true),  // the services' own files: they outlive every crash
            services: (services, folder) => services.AddSingleton<INetwork>(new ScriptedNetwork()).AddOrders(folder.Path, new ChoreographyOptions()),
            scenario: async (run, _) =>
            {
                PlacedOrders placed = run.Services.GetRequiredService<PlacedOrders>();
                foreach (Order order in Orders)
                {
                    await placed.PlaceAsync(order);
                }

                await run.IdleAsync();
            },
            check: CheckAsync);

        output.WriteLine($"{report}, in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
        report.Crashes.ShouldBeGreaterThan(30);
    }

    private static async Task CheckAsync(CrashRun run, TestFolder folder)
    {
        PlacedOrders placed = run.Services.GetRequiredService<PlacedOrders>();
        (await placed.AreAtRestAsync()).ShouldBeTrue();
        (await placed.StuckAsync()).ShouldBeEmpty();

        using var audit = new Audit(new DataFolder(folder.Path));
        audit.StrayCharges().ShouldBe(0);
        audit.Orders().OrderBy(facts => facts.Id).ShouldBe(
        [
            new OrderFacts("1", OrderState.Approved, 22.80m, TicketState.AwaitingAcceptance, AuthorizationState.Authorized, Charges: 1, Refunds: 0, Paid: 22.80m),
            new OrderFacts("2", OrderState.Rejected, 22.80m, TicketState.CreateRejected, AuthorizationState.Voided, Charges: 0, Refunds: 0, Paid: 0),
            new OrderFacts("4", OrderState.Rejected, 22.80m, TicketState.CreateRejected, AuthorizationState.Failed, Charges: 0, Refunds: 0, Paid: 0),
        ]);

        // What a handler publishes goes out with its end, so however often it ran, each service said one thing; only the client may have asked twice.
        List<string> ends = await run.Perdure.ListAsync(new Perdure.EventFilter { Topic = "order" }).Where(e => e.Type is "order-approved" or "order-rejected").Select(e => e.Key!).ToListAsync();
        ends.Order().ShouldBe(["1", "2", "4"]);
    }
}
