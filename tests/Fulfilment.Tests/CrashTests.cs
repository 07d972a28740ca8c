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

    /// <summary>The limits are reached, and what was asked for is done after that, or was before and nobody heard so: it is undone once, wherever it crashes.</summary>
    [Theory]
    [InlineData(Style.Orchestrated, "payment")]
    [InlineData(Style.Orchestrated, "inventory")]
    [InlineData(Style.Orchestrated, "shipment")]
    [InlineData(Style.Queues, "payment")]
    [InlineData(Style.Queues, "inventory")]
    [InlineData(Style.Queues, "shipment")]
    public async Task What_comes_late_is_undone_wherever_it_crashes(Style style, string silent)
    {
        // Over queues a job that has not begun never does; what Payment does is charge, and not hear so before the limit.
        bool hasCharged = (style, silent) == (Style.Queues, "payment");
        FulfilmentLimits limits = hasCharged ? new FulfilmentLimits { Payment = TimeSpan.FromMinutes(1) } : new FulfilmentLimits();
        await PlayAsync(
            new FulfilmentOptions { Style = style, Limits = limits },
            async run =>
            {
                Shop shop = run.Services.GetRequiredService<Shop>();
                ProviderFaults provider = run.Services.GetRequiredService<ProviderFaults>();
                provider.SlowToAnswer = hasCharged ? 2 * limits.Payment : TimeSpan.Zero;
                if (!hasCharged)
                {
                    await run.Perdure.Queue(silent).PauseAsync();
                }

                await shop.PlaceAsync(Some.OfBob);
                await run.IdleAsync();
                if (shop.Ends().Count == 0)
                {
                    await run.AdvanceAsync(limits.Payment + TimeSpan.FromMinutes(1));
                }

                provider.SlowToAnswer = TimeSpan.Zero;
                await run.Perdure.Queue(silent).ResumeAsync();
                await run.AdvanceAsync(TimeSpan.FromMinutes(10));       // and the provider answers the refund
            },
            facts =>
            {
                OrderFacts order = facts.ShouldHaveSingleItem();
                order.End.ShouldBe("cancelled");
                if (hasCharged)
                {
                    order.Charges.ShouldBe(1);
                }
            });
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
