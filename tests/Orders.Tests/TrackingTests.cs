using Orders.Choreography;
using Orders.Services;
using Perdure;

namespace Orders.Tests;

/// <summary>I7: nobody leads a choreography, and yet it can be said where an order is.</summary>
public sealed class TrackingTests : IAsyncLifetime
{
    private static readonly Order Order = Some.GoodOrder;
    private ChoreographyWorld _world = null!;

    public async Task InitializeAsync() => _world = await ChoreographyWorld.StartAsync();

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task I7_it_says_who_has_said_nothing_and_since_when()
    {
        await _world.PauseAsync("kitchen");
        DateTimeOffset placed = _world.Test.Now;
        await _world.RunAsync(Order);
        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(5));
        await _world.Test.CrashAsync();

        OrderTrack track = await _world.TrackAsync(Order);
        track.Heard.Select(heard => heard.Event).ShouldBe(["order-created", "consumer-verified"]);
        track.Missing.Select(missing => missing.Service).ShouldBe(["Kitchen", "Order"], ignoreOrder: true);
        track.Missing.ShouldAllBe(missing => missing.Since - placed < TimeSpan.FromSeconds(1));
        _world.Log.Count(line => line.Contains("order 1 has heard nothing from Kitchen", StringComparison.Ordinal)).ShouldBeInRange(4, 5);
        _world.Log.ShouldNotContain(line => line.Contains("nothing from Consumer", StringComparison.Ordinal));
    }

    [Fact]
    public async Task I7_Accounting_is_missing_from_the_moment_on_at_which_it_could_have_charged()
    {
        await _world.PauseAsync("kitchen");
        await _world.PauseAsync("accounting");
        await _world.RunAsync(Order);
        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(3));
        DateTimeOffset ticket = _world.Test.Now;
        await _world.ResumeAsync("kitchen");

        Missing accounting = (await _world.TrackAsync(Order)).Missing.Single(missing => missing.Service == "Accounting");
        (accounting.Since - ticket).ShouldBeInRange(TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData("1", "OrderApproved")]
    [InlineData("2", "OrderRejected")]
    [InlineData("3", "OrderRejected")]
    [InlineData("4", "OrderRejected")]
    public async Task I7_it_ends_with_the_order_and_nothing_is_missing_then(string id, string end)
    {
        Order order = ((Order[])[Order, Some.OfBlockedConsumer, Some.FromClosedRestaurant, Some.WithDeclinedCard]).Single(some => some.Id == id);
        await _world.RunAsync(order);

        (await _world.Perdure.Flow<TrackOrder>().Get(order.Id).ResultAsync()).ShouldBe(end);
        OrderTrack track = await _world.TrackAsync(order);
        track.Missing.ShouldBeEmpty();
        track.Heard.ShouldContain(heard => heard.Event == (end == "OrderApproved" ? "order-approved" : "order-rejected"));
    }

    [Fact]
    public async Task I7_it_only_listens_so_all_ends_the_same_without_it()
    {
        await _world.PauseAsync("tracking");
        await _world.RunAsync(Order);

        _world.Facts(Order).Violation().ShouldBeNull();
        _world.Facts(Order).Order.ShouldBe(OrderState.Approved);
        (await _world.Perdure.CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task I7_an_order_that_times_out_is_tracked_to_its_end()
    {
        await _world.PauseAsync("consumer");
        await _world.RunAsync(Order);
        await _world.Test.AdvanceAsync(TimeSpan.FromMinutes(16));

        FlowDescription run = await _world.Perdure.Flow<TrackOrder>().Get(Order.Id).DescribeAsync();
        run.Status.ShouldBe(FlowStatus.Completed);
        (run.EndedAt - run.StartedAt).ShouldNotBeNull().ShouldBeInRange(TimeSpan.FromMinutes(14.9), TimeSpan.FromMinutes(15.1));
    }
}
