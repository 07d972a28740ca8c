using Fulfilment.Choreography;
using Perdure;

namespace Fulfilment.Tests;

public sealed class ChoreographyTests : IAsyncLifetime
{
    private World _world = null!;

    public async Task InitializeAsync() => _world = await World.StartAsync(new FulfilmentOptions { Style = Style.Choreographed });

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task An_order_is_handed_from_one_service_to_the_next()
    {
        foreach (Order order in (Order[])[Some.Good, Some.ByInvoice, Some.OfBob, Some.OfCarol])
        {
            await _world.PlaceAsync(order);
            _world.Facts(order).End.ShouldBe("completed");
        }

        _world.ShouldBeInOrder();
        _world.Heard(Some.Good).ShouldBe([nameof(OrderPlaced), nameof(PaymentReceived), nameof(GoodsFetched), nameof(GoodsShipped), nameof(OrderCompleted)]);
    }

    [Fact]
    public async Task A_no_goes_back_the_way_that_the_order_came()
    {
        await _world.PlaceAsync(Some.OfUnicorns);
        await _world.PlaceAsync(Some.ToNowhere);
        await _world.PlaceAsync(Some.WithExpiredCard);
        await _world.PassAsync(TimeSpan.FromDays(8));

        _world.ShouldBeInOrder();
        foreach (Order order in (Order[])[Some.OfUnicorns, Some.ToNowhere, Some.WithExpiredCard])
        {
            _world.Facts(order).End.ShouldBe("cancelled");
        }
    }

    [Fact]
    public async Task A_customers_new_card_is_waited_for()
    {
        await _world.PlaceAsync(Some.WithExpiredCard);
        await _world.PassAsync(TimeSpan.FromDays(3));
        await _world.Test.CrashAsync();
        await _world.UpdateCardAsync(Some.WithExpiredCard, "visa-9");

        _world.ShouldBeInOrder();
        _world.Facts(Some.WithExpiredCard).End.ShouldBe("completed");
    }

    [Fact]
    public async Task Nobody_sets_a_limit_so_an_order_whose_goods_are_forgotten_stays_open_for_ever()
    {
        await _world.PauseAsync("inventory");
        await _world.PlaceAsync(Some.Good);
        await _world.PassAsync(TimeSpan.FromDays(300));

        _world.Facts(Some.Good).ShouldSatisfyAllConditions(facts => facts.End.ShouldBeNull(), facts => facts.Paid.ShouldBe(50));
    }

    [Fact]
    public async Task The_tracking_flow_says_what_is_missing_and_since_when()
    {
        await _world.PauseAsync("inventory");
        DateTimeOffset placed = _world.Test.Now;
        await _world.PlaceAsync(Some.Good);
        await _world.PassAsync(TimeSpan.FromHours(25));
        await _world.Test.CrashAsync();

        OrderTrack track = await TrackAsync(Some.Good);
        track.Heard.Select(heard => heard.Event).ShouldBe(["order-placed", "payment-received"]);
        track.Missing.Select(missing => missing.Event).ShouldBe(["goods-fetched", "goods-not-fetched"]);
        track.Missing.ShouldAllBe(missing => missing.Since - placed < TimeSpan.FromSeconds(1));
        _world.Log.Count(line => line.Contains("order 1 has heard nothing from Inventory since 2026-01-01 12:00:00Z", StringComparison.Ordinal)).ShouldBe(2);

        await _world.ResumeAsync("inventory");
        (await _world.Perdure.Flow<TrackFulfilment>().Get(Some.Good.Id).ResultAsync()).ShouldBe(nameof(OrderCompleted));
        (await TrackAsync(Some.Good)).Missing.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("3", nameof(PaymentFailed))]
    [InlineData("6", nameof(GoodsNotFetched))]
    [InlineData("7", nameof(GoodsNotShipped))]
    public async Task The_tracking_flow_ends_with_the_order(string id, string end)
    {
        await _world.PlaceAsync(((Order[])[Some.WithExpiredCard, Some.OfUnicorns, Some.ToNowhere]).Single(order => order.Id == id));
        await _world.PassAsync(TimeSpan.FromDays(8));

        (await _world.Perdure.Flow<TrackFulfilment>().Get(id).ResultAsync()).ShouldBe(end);
    }

    [Fact]
    public async Task The_tracking_flow_only_listens_so_all_ends_the_same_without_it()
    {
        await _world.PauseAsync("tracking");
        await _world.PlaceAsync(Some.Good);

        _world.ShouldBeInOrder();
        (await _world.Perdure.ListAsync(new FlowFilter { Type = "track-fulfilment" }).CountAsync()).ShouldBe(0);
    }

    private async Task<OrderTrack> TrackAsync(Order order) => OrderTrack.Of(await _world.Perdure.Flow<TrackFulfilment>().Get(order.Id).DescribeAsync());
}
