using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing.Tests.Shop;

namespace Perdure.Testing.Tests.Guide;

/// <summary>The guide's page on changed code and recorded runs.</summary>
public sealed class ReplayTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("perdure-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // docs: deploy
    [Fact]
    public async Task An_order_that_is_open_when_the_new_build_comes_goes_on()
    {
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddShop());
        FlowHandle<Receipt> run = await test.Perdure.Flow<PlaceOrder>().StartAsync(new Order("42", 30), id: "42");
        await test.IdleAsync();

        await test.RestartAsync(services => services.AddNextShop());
        await run.SignalAsync(new PickedUp("ada"));

        Assert.Equal("42", (await run.ResultAsync()).OrderId);
    }
    // end

    [Fact]
    public async Task Histories_of_a_folder_are_checked()
    {
        string histories = Path.Combine(_folder, "histories");
        await using (FlowTest test = await FlowTest.StartAsync(services => services.AddShop()))
        {
            await test.Perdure.Flow<PlaceOrder>().StartAsync(new Order("42", 30), id: "42");
            await test.IdleAsync();
            Assert.Equal(1, await ExportAsync(test.Perdure, histories));
        }

        await CheckAsync(histories);
    }

    // docs: export
    private static Task<int> ExportAsync(PerdureClient perdure, string folder)
        => perdure.ExportAsync(folder, new FlowFilter { Type = "place-order", Limit = 100 });
    // end

    // docs: check
    private static async Task CheckAsync(string histories)
    {
        ReplayReport report = await ReplayCheck.FolderAsync(services => services.AddNextShop(), histories);

        report.ShouldPass();
    }
    // end

    [Fact]
    public async Task A_store_is_checked_before_the_start()
    {
        var store = new Storage.MemoryStore();
        await using ServiceProvider provider = new ServiceCollection().AddLogging().AddPerdure(perdure => perdure.UseMemory(store)).BuildServiceProvider();
        await MustFitAsync(provider);
    }

    // docs: check-store
    private static async Task MustFitAsync(IServiceProvider services)       // in Program, before app.Run()
    {
        ReplayReport report = await services.GetRequiredService<PerdureClient>().CheckReplayAsync();
        if (!report.Passes)
        {
            throw new InvalidOperationException($"This build does not fit the runs that are open. {report}");
        }
    }
    // end
}
