using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing.Tests.Shop;

namespace Perdure.Testing.Tests.Guide;

/// <summary>The guide's pages on what goes wrong.</summary>
public sealed class FaultTests
{
    // docs: faults
    [Fact]
    public async Task A_bank_that_fails_and_is_slow_and_loses_its_answer_charges_once()
    {
        var cards = new Cards();
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddShop().AddSingleton(cards));
        test.Faults.Step("Charge").FailTimes(2).BeSlow(TimeSpan.FromMinutes(1)).Pass();
        test.Faults.Step("Invite").LoseAnswer();

        FlowHandle<Receipt> run = await test.Perdure.Flow<PlaceOrder>().StartAsync(new Order("42", 30), id: "42");
        await test.IdleAsync();

        (await run.ShouldHaveTriedAsync("Charge", attempts: 3)).ShouldHaveTried("Invite", attempts: 2);
        Assert.Equal(1, cards.Charged);
    }

    [Fact]
    public async Task An_order_whose_card_is_declined_is_taken_back()
    {
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddShop());
        test.Faults.Step("Charge").Reject("card declined");

        FlowHandle<Receipt> run = await test.Perdure.Flow<PlaceOrder>().StartAsync(new Order("42", 30), id: "42");
        await Assert.ThrowsAsync<FlowFailedException>(() => run.ResultAsync());

        await run.ShouldHaveUndoneInOrderAsync("Release");
    }
    // end

    // docs: crash
    [Fact]
    public async Task An_order_goes_on_after_a_crash()
    {
        var cards = new Cards();
        await using FlowTest test = await FlowTest.StartAsync(services => services.AddShop().AddSingleton(cards));
        FlowHandle<Receipt> run = await test.Perdure.Flow<PlaceOrder>().StartAsync(new Order("42", 30), id: "42");
        await test.IdleAsync();

        await test.CrashAsync();
        await run.SignalAsync(new PickedUp("ada"));

        Assert.Equal("42", (await run.ResultAsync()).OrderId);
        Assert.Equal(1, cards.Charged);
    }
    // end
}
