using Perdure;
using Perdure.Testing;

namespace Fulfilment.Tests;

/// <summary>One flow, FulfilOrder, leads; and the same over both kinds of bus.</summary>
public sealed class OrchestratedTests
{
    [Fact]
    public async Task An_order_is_paid_fetched_and_shipped_by_commands_and_replies()
    {
        await using World world = await World.StartAsync(new FulfilmentOptions());
        await world.PlaceAsync(Some.Good);

        world.ShouldBeInOrder();
        world.Facts(Some.Good).End.ShouldBe("completed");
        world.Heard(Some.Good).ShouldBe(
        [
            nameof(OrderPlacedEvent), nameof(RetrievePaymentCommand), nameof(PaymentReceivedEvent), nameof(FetchGoodsCommand), nameof(GoodsFetchedEvent),
            nameof(ShipGoodsCommand), nameof(GoodsShippedEvent), nameof(OrderCompletedEvent),
        ]);
    }

    [Fact]
    public async Task Each_command_has_a_request_id_of_its_own_that_the_reply_echoes_and_all_belong_to_one_trace()
    {
        await using World world = await World.StartAsync(new FulfilmentOptions());
        await world.PlaceAsync(Some.Good);

        List<EventInfo> events = await world.Perdure.ListAsync(new EventFilter { Correlation = Checkout.Shop.CorrelationOf(Some.Good.Id) }).ToListAsync();
        ILookup<string?, string> byKey = events.ToLookup(e => e.Key, e => e.Type);
        byKey[KeyOf("retrieve-payment-command")].ShouldBe(["retrieve-payment-command", "payment-received-event"], ignoreOrder: true);
        byKey[KeyOf("fetch-goods-command")].ShouldBe(["fetch-goods-command", "goods-fetched-event"], ignoreOrder: true);
        byKey[KeyOf("ship-goods-command")].ShouldBe(["ship-goods-command", "goods-shipped-event"], ignoreOrder: true);
        byKey[Some.Good.Id].ShouldBe(["order-placed-event", "order-completed-event", "credit-card-charged-event"], ignoreOrder: true);

        string? KeyOf(string type) => events.Single(e => e.Type == type).Key;
    }

    [Theory]
    [InlineData(Style.Orchestrated)]
    [InlineData(Style.Queues)]
    public async Task Who_pays_by_invoice_waits_for_no_payment(Style style)
    {
        await using World world = await World.StartAsync(new FulfilmentOptions { Style = style });
        await world.PauseAsync("payment");
        await world.PlaceAsync(Some.ByInvoice);

        world.ShouldBeInOrder();
        world.Facts(Some.ByInvoice).ShouldSatisfyAllConditions(facts => facts.End.ShouldBe("completed"), facts => facts.Paid.ShouldBe(0));
    }

    [Theory]
    [InlineData(Style.Orchestrated)]
    [InlineData(Style.Queues)]
    public async Task Credit_is_used_first_and_the_card_pays_the_rest(Style style)
    {
        await using World world = await World.StartAsync(new FulfilmentOptions { Style = style });
        await world.PlaceAsync(Some.OfBob);
        await world.PlaceAsync(Some.OfCarol);

        world.ShouldBeInOrder();
        (world.Facts(Some.OfBob).Charges, world.Facts(Some.OfCarol).Charges).ShouldBe((1, 0));
        (world.Credit.Balance("bob"), world.Credit.Balance("carol")).ShouldBe((0, 950));
        (await world.Perdure.ListAsync(new EventFilter { Type = "customer-credit-used-event" }).CountAsync()).ShouldBe(2);
    }

    [Theory]
    [InlineData(Style.Orchestrated)]
    [InlineData(Style.Queues)]
    public async Task An_order_waits_for_the_customers_new_card_and_goes_on_with_it_days_later_and_after_a_crash(Style style)
    {
        await using World world = await World.StartAsync(new FulfilmentOptions { Style = style });
        await world.PlaceAsync(Some.WithExpiredCard);
        world.Heard(Some.WithExpiredCard)[^1].ShouldBe(nameof(NewCardWantedEvent));
        await world.PassAsync(TimeSpan.FromDays(3));
        await world.Test.CrashAsync();

        await world.UpdateCardAsync(Some.WithExpiredCard, "expired-too");
        world.Facts(Some.WithExpiredCard).End.ShouldBeNull();
        await world.UpdateCardAsync(Some.WithExpiredCard, "visa-9");

        world.ShouldBeInOrder();
        world.Facts(Some.WithExpiredCard).End.ShouldBe("completed");
    }

    [Theory]
    [InlineData(Style.Orchestrated)]
    [InlineData(Style.Queues)]
    public async Task A_no_of_Inventory_or_Shipment_cancels_the_order_and_gives_the_money_back(Style style)
    {
        await using World world = await World.StartAsync(new FulfilmentOptions { Style = style });
        await world.PlaceAsync(Some.OfUnicorns);
        await world.PlaceAsync(Some.ToNowhere);

        world.ShouldBeInOrder();
        foreach (Order order in (Order[])[Some.OfUnicorns, Some.ToNowhere])
        {
            world.Facts(order).ShouldSatisfyAllConditions(facts => facts.End.ShouldBe("cancelled"), facts => facts.Charges.ShouldBe(1));
        }
    }

    /// <summary>Wherever it is, the same verbs undo it: the undo of a request that has no answer yet is to give it up.</summary>
    [Theory]
    [InlineData(Style.Orchestrated, "payment")]
    [InlineData(Style.Orchestrated, "inventory")]
    [InlineData(Style.Orchestrated, "shipment")]
    [InlineData(Style.Queues, "payment")]
    [InlineData(Style.Queues, "inventory")]
    [InlineData(Style.Queues, "shipment")]
    public async Task An_order_that_somebody_cancels_is_undone_also_when_the_reply_comes_after_that(Style style, string silent)
    {
        await using World world = await World.StartAsync(new FulfilmentOptions { Style = style });
        await world.PauseAsync(silent);
        await world.PlaceAsync(Some.Good);
        FlowHandle run = world.Perdure.Get("fulfil-order", Some.Good.Id);

        (await run.CancelAsync("the customer has changed her mind")).ShouldBe(CancelAnswer.Accepted);
        await world.Test.IdleAsync();
        await world.ResumeAsync(silent);
        await world.PassAsync(TimeSpan.FromDays(1));

        await run.ShouldHaveEndedAsAsync(FlowStatus.Cancelled);
        world.ShouldBeInOrder();
        world.Facts(Some.Good).End.ShouldBe("cancelled");
    }

    [Fact]
    public async Task Over_queues_a_job_that_somebody_cancels_cancels_its_order()
    {
        await using World world = await World.StartAsync(new FulfilmentOptions { Style = Style.Queues });
        await world.PauseAsync("inventory");
        await world.PlaceAsync(Some.Good);

        await world.Perdure.CancelJobsAsync(new JobFilter { Queue = "inventory" });
        await world.ResumeAsync("inventory");

        world.ShouldBeInOrder();
        world.Facts(Some.Good).End.ShouldBe("cancelled");
    }

    /// <summary>Over queues no reply is late: at the limit the job is withdrawn, and with it what Payment does for it.</summary>
    [Theory]
    [InlineData("inventory", 12, "goods not fetched in time")]
    [InlineData("shipment", 24, "goods not shipped in time")]
    [InlineData("payment", 20 * 24, "not paid in time")]
    public async Task Over_queues_the_limits_withdraw_the_jobs(string silent, int hours, string reason)
    {
        await using World world = await World.StartAsync(new FulfilmentOptions { Style = Style.Queues });
        await world.PauseAsync(silent);
        await world.PlaceAsync(Some.Good);
        await world.PassAsync(TimeSpan.FromHours(hours) - TimeSpan.FromSeconds(1));
        world.Facts(Some.Good).End.ShouldBeNull();

        await world.PassAsync(TimeSpan.FromSeconds(2));
        await world.ResumeAsync(silent);

        (await world.Perdure.Flow<Ordering.FulfilOrder>().Get(Some.Good.Id).ResultAsync()).ShouldBe(new Ordering.OrderOutcome("cancelled", reason));
        world.ShouldBeInOrder();
    }

    [Fact]
    public async Task Over_queues_a_payment_that_waits_for_a_card_is_withdrawn_at_the_limit()
    {
        await using World world = await World.StartAsync(new FulfilmentOptions { Style = Style.Queues, Limits = new FulfilmentLimits { NewCard = TimeSpan.FromDays(50) } });
        Order order = Some.OfBob with { Card = "expired-visa" };
        await world.PlaceAsync(order);
        world.Credit.Balance("bob").ShouldBe(0);

        await world.PassAsync(TimeSpan.FromDays(20) + TimeSpan.FromSeconds(1));

        world.Credit.Balance("bob").ShouldBe(20);
        world.ShouldBeInOrder();
        world.Facts(order).End.ShouldBe("cancelled");
    }
}
