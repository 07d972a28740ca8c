using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing.Tests.Shop;

namespace Perdure.Testing.Tests.Guide;

/// <summary>The guide's first pages: a test, its services, its time.</summary>
public sealed class FirstTests
{
    // docs: first
    [Fact]
    public async Task An_order_that_is_picked_up_is_paid_once()
    {
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddShop());

        FlowHandle<Receipt> run = await test.Perdure.Flow<PlaceOrder>().StartAsync(new Order("42", 30), id: "42");
        await test.IdleAsync();
        await run.ShouldBeWaitingForAsync("picked-up");

        await run.SignalAsync(new PickedUp("ada"));
        Receipt receipt = await run.ResultAsync();

        Assert.Equal("42", receipt.OrderId);
        await run.ShouldHaveRunAsync("Charge", times: 1);
    }
    // end

    // docs: time
    [Fact]
    public async Task An_order_that_nobody_picks_up_is_taken_back_after_20_days()
    {
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddShop());
        FlowHandle<Receipt> run = await test.Perdure.Flow<PlaceOrder>().StartAsync(new Order("42", 30), id: "42");

        await Assert.ThrowsAsync<FlowFailedException>(() => run.ResultAsync());      // 20 days later, in milliseconds

        FlowDescription description = await run.ShouldHaveEndedAsAsync(FlowStatus.Failed);
        description.ShouldHaveUndoneInOrder("Refund", "Release").ShouldNotHaveRun("Thank");
        Assert.Equal(20, (description.EndedAt - description.StartedAt)!.Value.TotalDays, precision: 3);
    }
    // end

    // docs: by-hand
    [Fact]
    public async Task An_order_can_be_picked_up_on_the_last_day()
    {
        var byHand = new FlowTestOptions { Time = TestTime.ByHand };
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddShop(), byHand);
        FlowHandle<Receipt> run = await test.Perdure.Flow<PlaceOrder>().StartAsync(new Order("42", 30), id: "42");

        await test.AdvanceAsync(TimeSpan.FromDays(20) - TimeSpan.FromMinutes(1));
        await run.SignalAsync(new PickedUp("ada"));
        await test.IdleAsync();

        await run.ShouldHaveCompletedAsync();
    }
    // end

    // docs: services
    [Fact]
    public async Task A_card_is_charged_once()
    {
        var cards = new Cards();
        await using FlowTest test = await FlowTest.StartAsync(services => services
            .AddShop()
            .AddSingleton(cards));      // the last registration wins

        await test.Perdure.Flow<PlaceOrder>().StartAsync(new Order("42", 30), id: "42");
        await test.IdleAsync();

        Assert.Equal(1, cards.Charged);
    }
    // end
}
