using Perdure;
using Perdure.Testing;

namespace Fulfilment.Tests;

public sealed class OrchestratedTests : IAsyncLifetime
{
    private World _world = null!;

    public async Task InitializeAsync() => _world = await World.StartAsync(new FulfilmentOptions());

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task An_order_is_paid_fetched_and_shipped()
    {
        await _world.PlaceAsync(Some.Good);

        _world.ShouldBeInOrder();
        _world.Facts(Some.Good).End.ShouldBe("completed");
        _world.Heard(Some.Good).ShouldBe(
        [
            nameof(OrderPlacedEvent), nameof(RetrievePaymentCommand), nameof(PaymentReceivedEvent), nameof(FetchGoodsCommand), nameof(GoodsFetchedEvent),
            nameof(ShipGoodsCommand), nameof(GoodsShippedEvent), nameof(OrderCompletedEvent),
        ]);
    }
}
