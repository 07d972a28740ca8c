using System.Diagnostics;
using Fulfilment.Checkout;
using Fulfilment.Participants;
using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;
using Xunit.Abstractions;

namespace Fulfilment.Tests;

/// <summary>All three styles, tried with a crash wherever one can happen, and with each step repeated, unanswered and failed.</summary>
public sealed class CrashTests(ITestOutputHelper output)
{
    private static readonly Order[] Orders = [Some.OfBob, Some.ByInvoice, Some.WithExpiredCard, Some.OfUnicorns, Some.ToNowhere];

    [Theory]
    [InlineData(Style.Orchestrated)]
    [InlineData(Style.Choreographed)]
    [InlineData(Style.Queues)]
    public async Task Nobody_pays_twice_or_for_nothing_wherever_it_crashes(Style style)
    {
        await PlayAsync(
            new FulfilmentOptions { Style = style, CustomersAnswer = true },
            async run =>
            {
                foreach (Order order in Orders)
                {
                    await run.Services.GetRequiredService<Shop>().PlaceAsync(order);
                }

                await run.IdleAsync();
            },
            facts => facts.Select(order => (order.Id, order.End, order.Charges)).ShouldBe(
                [("2", "completed", 0), ("3", "completed", 1), ("4", "completed", 1), ("6", "cancelled", 1), ("7", "cancelled", 1)]));
    }

    /// <summary>The limits are reached, and the replies come after that: they are undone once, wherever it crashes.</summary>
    [Theory]
    [InlineData("payment")]
    [InlineData("inventory")]
    [InlineData("shipment")]
    public async Task What_comes_late_is_undone_wherever_it_crashes(string silent)
    {
        await PlayAsync(
            new FulfilmentOptions(),
            async run =>
            {
                await run.Perdure.Queue(silent).PauseAsync();
                await run.Services.GetRequiredService<Shop>().PlaceAsync(Some.OfBob);
                await run.IdleAsync();
                if (run.Services.GetRequiredService<Shop>().Ends().Count == 0)
                {
                    await run.AdvanceAsync(TimeSpan.FromDays(20) + TimeSpan.FromMinutes(1));
                }

                await run.Perdure.Queue(silent).ResumeAsync();
                await run.IdleAsync();
            },
            facts => facts.ShouldHaveSingleItem().End.ShouldBe("cancelled"));
    }

    private async Task PlayAsync(FulfilmentOptions options, Func<CrashRun, Task> scenario, Action<IReadOnlyList<OrderFacts>> check)
    {
        long start = Stopwatch.GetTimestamp();
        CrashReport report = await FlowTest.CrashEverywhereAsync(
            outside: () => (Books: Books.InMemory(), Provider: new ProviderFaults()),
            services: (services, outside) => services.AddSingleton(outside.Books).AddSingleton(outside.Provider).AddFulfilment(Path.GetTempPath(), options),
            scenario: (run, _) => scenario(run),
            check: (_, outside) =>
            {
                var audit = new Audit(outside.Books);
                audit.Orders().Select(facts => facts.Violation()).ShouldAllBe(violation => violation == null);
                audit.Strays().ShouldBe(0);
                check(audit.Orders());
                return Task.CompletedTask;
            });
        output.WriteLine($"{report}, in {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s");
        report.Crashes.ShouldBeGreaterThan(30);
    }
}
