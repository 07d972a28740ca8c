using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing.Tests.Shop;
using Xunit.Abstractions;

namespace Perdure.Testing.Tests.Guide;

/// <summary>The guide's page on crashes everywhere.</summary>
public sealed class CrashEverywhereTests(ITestOutputHelper output)
{
    // docs: everywhere
    [Fact]
    public async Task Nobody_pays_twice_wherever_it_crashes()
    {
        CrashReport report = await FlowTest.CrashEverywhereAsync(
            outside: () => (Stock: new Stock(), Cards: new Cards()),
            services: (services, outside) => services.AddShop().AddSingleton(outside.Stock).AddSingleton(outside.Cards),
            scenario: async (run, _) =>
            {
                FlowHandle<Receipt> order = await run.Perdure.Flow<PlaceOrder>().StartAsync(new Order("42", 30), id: "42");
                await run.SignalAsync(order, new PickedUp("ada"));
                await run.Perdure.Flow<PlaceOrder>().StartAsync(new Order("43", 20), id: "43");      // nobody picks it up
            },
            check: async (run, outside) =>
            {
                await run.Perdure.Flow<PlaceOrder>().Get("42").ShouldHaveCompletedAsync();
                await run.Perdure.Flow<PlaceOrder>().Get("43").ShouldHaveUndoneInOrderAsync("Refund", "Release");
                Assert.Equal(2, outside.Cards.Charged);
                Assert.Equal(1, outside.Stock.Reserved);
            });

        output.WriteLine($"{report}");
    }
    // end
}
