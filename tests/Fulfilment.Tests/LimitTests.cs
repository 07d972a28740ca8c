using Fulfilment.Ordering;
using Microsoft.Extensions.DependencyInjection;
using Perdure;

namespace Fulfilment.Tests;

/// <summary>The four limits, each from both sides: what comes a moment before it counts, what comes a moment after it is undone.</summary>
public sealed class LimitTests : IAsyncLifetime
{
    private static readonly TimeSpan Moment = TimeSpan.FromSeconds(1);
    private static readonly FulfilmentLimits Limits = new();
    private World _world = null!;

    public async Task InitializeAsync() => _world = await World.StartAsync(new FulfilmentOptions());

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public void The_limits_are_20_days_12_hours_24_hours_and_7_days()
    {
        (Limits.Payment, Limits.Goods, Limits.Shipment, Limits.NewCard)
            .ShouldBe((TimeSpan.FromDays(20), TimeSpan.FromHours(12), TimeSpan.FromHours(24), TimeSpan.FromDays(7)));
    }

    [Fact]
    public void A_limit_that_is_over_before_it_begins_is_refused_at_the_start()
    {
        FulfilmentLimits[] bad = [Limits with { Payment = TimeSpan.Zero }, Limits with { Goods = -Moment }, Limits with { Shipment = TimeSpan.Zero }, Limits with { NewCard = TimeSpan.Zero }];
        foreach (FulfilmentLimits limits in bad)
        {
            Should.Throw<ArgumentOutOfRangeException>(() => new ServiceCollection().AddFulfilment(Path.GetTempPath(), new FulfilmentOptions { Limits = limits }));
        }
    }

    [Theory]
    [InlineData("payment")]
    [InlineData("inventory")]
    [InlineData("shipment")]
    public async Task A_reply_a_moment_before_the_limit_is_in_time(string service)
    {
        await SilenceAsync(service);
        await _world.PassAsync(LimitOf(service) - Moment);

        await _world.ResumeAsync(service);

        _world.Facts(Some.Good).End.ShouldBe("completed");
        await _world.PassAsync(TimeSpan.FromDays(100));
        _world.ShouldBeInOrder();
        _world.Facts(Some.Good).End.ShouldBe("completed");
    }

    [Theory]
    [InlineData("payment", "not paid in time")]
    [InlineData("inventory", "goods not fetched in time")]
    [InlineData("shipment", "goods not shipped in time")]
    public async Task At_the_limit_the_order_is_cancelled_and_what_was_done_is_undone(string service, string reason)
    {
        await SilenceAsync(service);
        await _world.PassAsync(LimitOf(service) - Moment);
        _world.Facts(Some.Good).End.ShouldBeNull();

        await _world.PassAsync(2 * Moment);

        (await OutcomeAsync(Some.Good)).ShouldBe(new OrderOutcome("cancelled", reason));
        _world.ShouldBeInOrder();
        _world.Facts(Some.Good).Charges.ShouldBe(service == "payment" ? 0 : 1);    // charged, and given back
        FlowDescription run = await _world.Perdure.Flow<FulfilOrder>().Get(Some.Good.Id).DescribeAsync();
        (run.EndedAt - run.StartedAt).ShouldNotBeNull().ShouldBeInRange(LimitOf(service), LimitOf(service) + Moment);
    }

    [Theory]
    [InlineData("inventory", nameof(GoodsFetchedEvent), nameof(PutBackGoodsCommand))]
    [InlineData("shipment", nameof(GoodsShippedEvent), nameof(RecallShipmentCommand))]
    public async Task A_reply_a_moment_after_the_limit_is_answered_by_its_undo(string service, string late, string undo)
    {
        await SilenceAsync(service);
        await _world.PassAsync(LimitOf(service) + Moment);

        await _world.ResumeAsync(service);

        _world.Heard(Some.Good).SkipWhile(heard => heard != late).ShouldBe([late, undo]);
        _world.ShouldBeInOrder();
        _world.Facts(Some.Good).End.ShouldBe("cancelled");
        (await LateRepliesAsync()).ShouldBe([late]);
        _world.Log.ShouldContain(line => line.Contains($"{late} came too late for order 1: {undo} goes out", StringComparison.Ordinal));
    }

    [Fact]
    public async Task At_the_limit_Payment_is_told_and_stops_to_wait_for_a_card()
    {
        await _world.DeployAsync(options => options with { Limits = Limits with { NewCard = TimeSpan.FromDays(50) } });
        Order order = Some.OfBob with { Card = "expired-visa" };
        await _world.PlaceAsync(order);
        _world.Credit.Balance("bob").ShouldBe(0);

        await _world.PassAsync(Limits.Payment + Moment);
        await _world.UpdateCardAsync(order, "visa-9");

        _world.Credit.Balance("bob").ShouldBe(20);
        _world.ShouldBeInOrder();
        _world.Facts(order).Charges.ShouldBe(0);
        (await LateRepliesAsync()).ShouldBe([nameof(PaymentCancelledEvent)]);
    }

    [Theory]
    [InlineData(Style.Orchestrated)]
    [InlineData(Style.Queues)]
    public async Task A_payment_that_crosses_its_cancel_is_refunded(Style style)
    {
        await _world.DeployAsync(options => options with { Style = style });
        _world.Provider.SlowToAnswer = TimeSpan.FromMinutes(1);
        await SilenceAsync("payment");
        await _world.PassAsync(Limits.Payment - TimeSpan.FromSeconds(30));
        await _world.Perdure.Queue("payment").ResumeAsync();
        await _world.PassAsync(TimeSpan.FromSeconds(29));
        await _world.PauseAsync("payment");                 // what it does it goes on with; a command to cancel it hears later
        _world.Facts(Some.Good).Paid.ShouldBe(50);          // and Order has not heard so
        await _world.PassAsync(TimeSpan.FromMinutes(1));

        await _world.ResumeAsync("payment");
        await _world.PassAsync(TimeSpan.FromMinutes(5));

        (await OutcomeAsync(Some.Good)).ShouldBe(new OrderOutcome("cancelled", "not paid in time"));
        _world.ShouldBeInOrder();
        _world.Facts(Some.Good).Charges.ShouldBe(1);
        string?[] late = style == Style.Queues ? [] : [nameof(PaymentReceivedEvent)];
        (await LateRepliesAsync()).ShouldBe(late);
        FlowDescription run = await _world.Perdure.Flow<FulfilOrder>().Get(Some.Good.Id).DescribeAsync();
        run.Asks.Count(ask => ask.Name == "refund-payment-command").ShouldBe(style == Style.Queues ? 1 : 0, "over queues Order itself sends the undo, since no reply can be late");
    }

    [Fact]
    public async Task A_reply_may_be_late_for_90_days_and_is_reported_after_that()
    {
        await SilenceAsync("inventory");
        await _world.PassAsync(Limits.Goods + Limits.LateReply + Moment);
        (await LateRepliesAsync()).ShouldBe([null]);

        await _world.ResumeAsync("inventory");
        await _world.PassAsync(TimeSpan.FromDays(31));

        EventInfo late = await _world.Perdure.ListAsync(new EventFilter { Type = "goods-fetched-event", Fates = [EventFate.Unclaimed] }).SingleAsync();
        _world.Log.ShouldContain(line => line.Contains(late.Key!, StringComparison.Ordinal) && line.Contains("PRD6007", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_new_card_a_moment_before_the_7_days_are_over_is_charged()
    {
        await _world.PlaceAsync(Some.WithExpiredCard);
        await _world.PassAsync(Limits.NewCard - Moment);

        await _world.UpdateCardAsync(Some.WithExpiredCard, "visa-9");

        _world.ShouldBeInOrder();
        _world.Facts(Some.WithExpiredCard).End.ShouldBe("completed");
    }

    [Fact]
    public async Task After_7_days_without_a_card_the_payment_has_failed_and_the_order_does_not_wait_for_its_20_days()
    {
        Order order = Some.OfBob with { Card = "expired-visa" };
        await _world.PlaceAsync(order);
        await _world.PassAsync(Limits.NewCard - Moment);
        _world.Credit.Balance("bob").ShouldBe(0);
        _world.Facts(order).End.ShouldBeNull();

        await _world.PassAsync(2 * Moment);
        await _world.UpdateCardAsync(order, "visa-9");

        (await OutcomeAsync(order)).ShouldBe(new OrderOutcome("cancelled", "no valid card in time"));
        _world.Credit.Balance("bob").ShouldBe(20);
        _world.ShouldBeInOrder();
        _world.Facts(order).Charges.ShouldBe(0);
    }

    [Fact]
    public async Task The_7_days_begin_with_the_first_question_however_many_bad_cards_come()
    {
        await _world.PlaceAsync(Some.WithExpiredCard);
        for (int day = 1; day <= 6; day++)
        {
            await _world.PassAsync(TimeSpan.FromDays(1));
            await _world.UpdateCardAsync(Some.WithExpiredCard, $"expired-{day}");
        }

        _world.Heard(Some.WithExpiredCard).Count(heard => heard == nameof(NewCardWantedEvent)).ShouldBe(7);
        await _world.PassAsync(TimeSpan.FromDays(1) - Moment);
        _world.Facts(Some.WithExpiredCard).End.ShouldBeNull();
        await _world.PassAsync(2 * Moment);
        _world.Facts(Some.WithExpiredCard).End.ShouldBe("cancelled");
    }

    private static TimeSpan LimitOf(string service) => service switch
    {
        "payment" => Limits.Payment,
        "inventory" => Limits.Goods,
        _ => Limits.Shipment,
    };

    /// <summary>Places an order that one of the services will not hear of.</summary>
    private async Task SilenceAsync(string service)
    {
        await _world.PauseAsync(service);
        await _world.PlaceAsync(Some.Good);
    }

    private Task<OrderOutcome> OutcomeAsync(Order order) => _world.Perdure.Flow<FulfilOrder>().Get(order.Id).ResultAsync();

    private async Task<List<string?>> LateRepliesAsync()
    {
        List<string?> late = [];
        await foreach (FlowInfo run in _world.Perdure.ListAsync(new FlowFilter { Type = "answer-late-reply" }))
        {
            late.Add(await _world.Perdure.Flow<AnswerLateReply>().Get(run.Id).ResultAsync());
        }

        return late;
    }
}
