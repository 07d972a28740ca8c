using Fulfilment.Ladder;
using Fulfilment.Participants;
using Fulfilment.Payment;
using Perdure;

namespace Fulfilment.Tests;

/// <summary>The ladder, rung by rung: what the caller is told, and when. A latency is exact: a moment before there is no answer, and then there is.</summary>
public sealed class LadderTests : IAsyncLifetime
{
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(5);
    private static readonly Due Bill = new("request-1", "1", 50, "bob", "visa-1");
    private static readonly Due Expired = Bill with { RequestId = "request-2", Card = "expired-visa" };

    /// <summary>Of twenty cards the provider says that these have expired, whenever it is asked and in whatever process.</summary>
    private static readonly string[] OneInFive = ["visa-4", "visa-5", "visa-9", "visa-17"];
    private World _world = null!;

    private PaymentLadder Ladder => _world.Service<PaymentLadder>();

    public async Task InitializeAsync() => _world = await World.StartAsync(new FulfilmentOptions { Charge = Retry.Fixed(3, TimeSpan.FromMilliseconds(100)) }, PaymentLadder.Register);

    public async Task DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task V1_a_plain_call_blocks_its_caller()
    {
        (await At(0, Ladder.PlainAsync(Bill))).Status.ShouldBe(200);
        (await At(0, Ladder.PlainAsync(Expired))).Status.ShouldBe(402);
        _world.Provider.Slow = TimeSpan.FromSeconds(5);
        (await At(5, Ladder.PlainAsync(Next(1)))).Status.ShouldBe(200);
        _world.Provider.IsDown = true;
        (await At(5, Ladder.PlainAsync(Next(2)))).Status.ShouldBe(503);
    }

    [Fact]
    public async Task V2_with_a_breaker_it_fails_fast_and_asks_once_in_5_seconds()
    {
        _world.Provider.Slow = TimeSpan.FromSeconds(5);
        (await At(1, Ladder.FailFastAsync(Next(1)))).Status.ShouldBe(503);
        (await At(1, Ladder.FailFastAsync(Next(2)))).Status.ShouldBe(503);      // it has seen enough
        for (int i = 3; i < 10; i++)
        {
            (await At(0, Ladder.FailFastAsync(Next(i)))).ShouldBe(new Answer(503, "the card provider is not asked for now"));
        }

        _world.Provider.Slow = TimeSpan.Zero;
        await _world.PassAsync(TimeSpan.FromSeconds(3.9));
        (await At(0, Ladder.FailFastAsync(Next(10)))).Status.ShouldBe(503);
        await _world.PassAsync(TimeSpan.FromSeconds(1.2));
        (await At(0, Ladder.FailFastAsync(Next(11)))).Status.ShouldBe(200);     // the probe
        (await At(0, Ladder.FailFastAsync(Next(12)))).Status.ShouldBe(200);
        (await At(0, Ladder.FailFastAsync(Expired))).Status.ShouldBe(402);

        await _world.PassAsync(TimeSpan.FromDays(1));
        Charges().ShouldBe(["again-11", "again-12"], ignoreOrder: true);    // of those who were told 503 nobody thinks any more
    }

    [Fact]
    public async Task V2_one_probe_goes_and_the_others_fail_fast_beside_it()
    {
        _world.Provider.Slow = TimeSpan.FromSeconds(5);
        await At(1, Ladder.FailFastAsync(Next(1)));
        await At(1, Ladder.FailFastAsync(Next(2)));
        await _world.PassAsync(TimeSpan.FromSeconds(5));

        Task<Answer> probe = Ladder.FailFastAsync(Next(3));
        await _world.PassAsync(Moment);
        (await At(0, Ladder.FailFastAsync(Next(4)))).Status.ShouldBe(503);
        (await At(1, probe, already: Moment)).Status.ShouldBe(503);
    }

    [Fact]
    public async Task V2b_three_tries_hide_what_is_over_in_2_seconds_and_nothing_takes_longer_than_5()
    {
        _world.Provider.IsDown = true;
        Task<Answer> answer = Ladder.TryThriceAsync(Bill);
        await _world.PassAsync(TimeSpan.FromSeconds(0.5));
        _world.Provider.IsDown = false;
        (await At(1, answer, already: TimeSpan.FromSeconds(0.5))).Status.ShouldBe(200);
        (await At(0, Ladder.TryThriceAsync(Expired))).Status.ShouldBe(402);

        _world.Provider.Slow = TimeSpan.FromSeconds(5);
        (await At(5, Ladder.TryThriceAsync(Next(1)))).Status.ShouldBe(503);
        _world.Provider.Slow = TimeSpan.Zero;
        await _world.PassAsync(TimeSpan.FromDays(1));
        Charges().ShouldBe([Bill.RequestId]);
    }

    [Fact]
    public async Task V3_stateful_retry_answers_pending_at_once_whatever_the_provider_does()
    {
        (await At(0, Ladder.LaterAsync(Bill))).Status.ShouldBe(202);
        await _world.Test.IdleAsync();
        _world.Provider.IsDown = true;
        (await At(0, Ladder.LaterAsync(Next(1)))).Status.ShouldBe(202);
        await _world.PassAsync(TimeSpan.FromDays(1));
        await _world.Test.CrashAsync();
        Charges().ShouldBe([Bill.RequestId]);

        _world.Provider.IsDown = false;
        await _world.PassAsync(TimeSpan.FromMinutes(1));
        Charges().ShouldBe([Bill.RequestId, "again-1"], ignoreOrder: true);
    }

    [Fact]
    public async Task V4_tried_for_2_seconds_it_is_paid_or_pending_and_finished_behind()
    {
        (await At(0, Ladder.NowOrLaterAsync(Bill))).Status.ShouldBe(200);
        (await At(0, Ladder.NowOrLaterAsync(Expired))).Status.ShouldBe(402);
        _world.Provider.Slow = TimeSpan.FromSeconds(1.9);
        (await At(1.9, Ladder.NowOrLaterAsync(Next(1)))).Status.ShouldBe(200);
        _world.Provider.Slow = TimeSpan.FromSeconds(5);
        (await At(2, Ladder.NowOrLaterAsync(Next(2)))).Status.ShouldBe(202);
        _world.Provider.IsDown = true;
        _world.Provider.Slow = TimeSpan.Zero;
        (await At(0, Ladder.NowOrLaterAsync(Next(3)))).Status.ShouldBe(202);

        _world.Provider.IsDown = false;
        await _world.PassAsync(TimeSpan.FromMinutes(1));
        Charges().ShouldBe([Bill.RequestId, "again-1", "again-2", "again-3"], ignoreOrder: true);
    }

    [Fact]
    public async Task V5_workers_pull_and_what_one_leaves_behind_another_does_once()
    {
        _world.Provider.Slow = TimeSpan.FromSeconds(5);
        (await At(0, Ladder.PullAsync(Bill))).Status.ShouldBe(202);     // the caller does not meet the provider
        _world.Provider.Slow = TimeSpan.Zero;
        _world.Provider.LosesAnswers = true;
        await Should.ThrowAsync<TimeoutException>(() => Ladder.WorkAsync("van 1", TimeSpan.Zero));        // it charges, does not hear so, and is seen no more
        Charges().ShouldBe([Bill.RequestId]);
        _world.Provider.LosesAnswers = false;

        (await Ladder.WorkAsync("van 2", TimeSpan.Zero)).ShouldBe(0);
        await _world.PassAsync(TimeSpan.FromSeconds(31));
        (await Ladder.WorkAsync("van 2", TimeSpan.Zero)).ShouldBe(1);
        (await Ladder.WorkAsync("van 2", TimeSpan.Zero)).ShouldBe(0);
        Charges().ShouldBe([Bill.RequestId]);
    }

    [Fact]
    public async Task V6_credit_is_given_back_when_the_card_cannot_be_charged()
    {
        (await At(0, Ladder.CompensateAsync(Expired))).Status.ShouldBe(402);
        _world.Credit.Balance("bob").ShouldBe(20);
        (await At(0, Ladder.CompensateAsync(Bill))).Status.ShouldBe(200);
        _world.Credit.Balance("bob").ShouldBe(0);
    }

    /// <summary>What V7 is for: the last step's undo comes first, and it needs the provider that is down.</summary>
    [Fact]
    public async Task V6_while_the_provider_is_down_the_customer_waits_for_the_credit()
    {
        _world.Provider.IsDown = true;
        (await At(2, Ladder.CompensateAsync(Bill))).Status.ShouldBe(202);
        await _world.PassAsync(TimeSpan.FromMinutes(30));
        _world.Credit.Balance("bob").ShouldBe(0);

        _world.Provider.IsDown = false;
        await _world.PassAsync(TimeSpan.FromMinutes(1));
        _world.Credit.Balance("bob").ShouldBe(20);
    }

    [Fact]
    public async Task V6_where_the_provider_is_back_in_time_for_the_undo_only_the_caller_hears_at_once_that_nothing_was_paid()
    {
        _world.Provider.IsDown = true;
        Task<Answer> answer = Ladder.CompensateAsync(Bill);
        await _world.PassAsync(TimeSpan.FromMilliseconds(250));
        _world.Provider.IsDown = false;
        await _world.PassAsync(PaymentLadder.Budget);

        (await At(0, answer)).Status.ShouldBe(503);
        _world.Credit.Balance("bob").ShouldBe(20);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task V6_and_V7_keep_no_caller_of_a_slow_provider_for_longer_than_2_seconds(bool kindly)
    {
        _world.Provider.Slow = TimeSpan.FromSeconds(5);
        (await At(2, kindly ? Ladder.CompensateFirstAsync(Bill) : Ladder.CompensateAsync(Bill))).Status.ShouldBe(202);
        await _world.PassAsync(TimeSpan.FromSeconds(4));
        Charges().ShouldBe([Bill.RequestId]);
        _world.Credit.Balance("bob").ShouldBe(0);
    }

    [Fact]
    public async Task V7_credit_is_given_back_first_and_the_uncertain_charge_cleaned_up_afterwards()
    {
        _world.Provider.LosesAnswers = true;                                    // it charges, and nobody hears so
        Task<Answer> answer = Ladder.CompensateFirstAsync(Bill);
        await _world.PassAsync(TimeSpan.FromMilliseconds(150));
        _world.Credit.Balance("bob").ShouldBe(0);
        _world.Provider.IsDown = true;
        (await At(0.2, answer, already: TimeSpan.FromMilliseconds(150))).ShouldSatisfyAllConditions(
            no => no.Status.ShouldBe(503), no => no.Text.ShouldContain("the card provider is unavailable"));
        _world.Credit.Balance("bob").ShouldBe(20);
        Charges().ShouldBe([Bill.RequestId]);

        await _world.PassAsync(TimeSpan.FromDays(1));
        Charges().ShouldBe([Bill.RequestId]);
        (_world.Provider.IsDown, _world.Provider.LosesAnswers) = (false, false);
        await _world.PassAsync(TimeSpan.FromMinutes(11));
        Charges().ShouldBeEmpty();
        (await _world.Perdure.ListAsync(new FlowFilter { Type = "refund-payment" }).SingleAsync()).Status.ShouldBe(FlowStatus.Completed);
    }

    [Fact]
    public async Task V7_a_customer_who_is_asked_for_another_card_pays_with_it()
    {
        await _world.DeployAsync(options => options with { CustomersAnswer = true });
        (await At(0, Ladder.CompensateFirstAsync(Expired))).Status.ShouldBe(200);
        (await At(0, Ladder.CompensateFirstAsync(Expired with { RequestId = "request-3" }))).Status.ShouldBe(200);    // the same customer's next payment for the same thing
        Charges().ShouldBe(["request-2", "request-3"]);
    }

    /// <summary>The provider takes a while for each call, so the time of an answer tells how many there were: one.</summary>
    [Theory]
    [InlineData("v1")]
    [InlineData("v2")]
    [InlineData("v2b")]
    [InlineData("v4")]
    [InlineData("v6")]
    public async Task One_card_in_five_has_expired_and_the_caller_hears_so_by_the_first_call_and_for_good(string rung)
    {
        _world.Provider.Slow = TimeSpan.FromSeconds(0.3);
        _world.Provider.ExpiredPercent = 20;
        List<string> refused = [];
        foreach (string card in Enumerable.Range(1, 20).Select(i => $"visa-{i}").OrderByDescending(OneInFive.Contains))      // they come first, while bob has credit
        {
            Due due = Bill with { RequestId = card, Card = card };
            Answer answer = await At(0.3, Pay(rung, due));
            if (answer.Status == 402)
            {
                answer.Text.ShouldContain($"card {card} has expired");
                refused.Add(card);
                _world.Credit.Balance("bob").ShouldBe(20);
            }
            else
            {
                answer.Status.ShouldBe(200);
            }
        }

        await _world.PassAsync(TimeSpan.FromDays(1));
        refused.ShouldBe(OneInFive);
        Charges().Count.ShouldBe(16);
        Charges().ShouldNotContain(request => refused.Contains(request));
    }

    [Fact]
    public async Task V2_an_expired_card_is_an_answer_so_the_breaker_stays_closed()
    {
        _world.Provider.ExpiredPercent = 100;
        for (int i = 1; i <= 10; i++)
        {
            (await At(0, i % 2 == 0 ? Ladder.FailFastAsync(Next(i)) : Ladder.TryThriceAsync(Next(i)))).Status.ShouldBe(402);
        }

        _world.Provider.ExpiredPercent = 0;
        (await At(0, Ladder.FailFastAsync(Next(11)))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task V2_a_probe_that_hears_of_an_expired_card_closes_the_breaker()
    {
        _world.Provider.Slow = TimeSpan.FromSeconds(5);
        await At(1, Ladder.FailFastAsync(Next(1)));
        await At(1, Ladder.FailFastAsync(Next(2)));
        (await At(0, Ladder.FailFastAsync(Next(3)))).Status.ShouldBe(503);
        await _world.PassAsync(TimeSpan.FromSeconds(5));
        (_world.Provider.Slow, _world.Provider.ExpiredPercent) = (TimeSpan.Zero, 100);

        (await At(0, Ladder.FailFastAsync(Next(4)))).Status.ShouldBe(402);      // the probe

        _world.Provider.ExpiredPercent = 0;
        (await At(0, Ladder.FailFastAsync(Next(5)))).Status.ShouldBe(200);
        (await At(0, Ladder.FailFastAsync(Next(6)))).Status.ShouldBe(200);
    }

    [Fact]
    public async Task V2b_a_try_that_hears_of_an_expired_card_is_the_last()
    {
        _world.Provider.IsDown = true;
        Task<Answer> answer = Ladder.TryThriceAsync(Bill);
        await _world.PassAsync(TimeSpan.FromSeconds(0.5));
        (_world.Provider.IsDown, _world.Provider.ExpiredPercent) = (false, 100);

        (await At(1, answer, already: TimeSpan.FromSeconds(0.5))).Status.ShouldBe(402);
    }

    /// <summary>Where nobody waits, the job has the answer: the attempt that hears it is the last. V4's first was given up when its caller left.</summary>
    [Theory]
    [InlineData("v3", 0, 1)]
    [InlineData("v4", 2, 2)]
    [InlineData("v5", 0, 1)]
    public async Task What_was_to_be_done_later_is_refused_once_where_the_card_has_expired(string rung, double seconds, int attempts)
    {
        _world.Provider.Slow = TimeSpan.FromSeconds(5);
        _world.Provider.ExpiredPercent = 20;
        Answer answer = await At(seconds, Pay(rung, Bill with { Card = OneInFive[0] }));
        answer.Status.ShouldBe(202);
        if (rung == "v5")
        {
            _world.Provider.Slow = TimeSpan.Zero;
            (await Ladder.WorkAsync("van 1", TimeSpan.Zero)).ShouldBe(1);
        }

        await _world.PassAsync(TimeSpan.FromDays(1));

        (await Ladder.WorkAsync("van 2", TimeSpan.Zero)).ShouldBe(0);       // no other worker asks again
        JobInfo job = await _world.Perdure.ListAsync(new JobFilter { Status = JobStatus.Failed }).SingleAsync();
        job.Error.ShouldNotBeNull().Kind.ShouldBe(ErrorKind.Rejected);
        (answer.Text, job.Attempts).ShouldBe(($"it will be paid: {job.Id}", attempts));
        Charges().ShouldBeEmpty();
    }

    [Fact]
    public async Task V7_an_expired_card_is_no_no_yet_the_customer_is_asked_and_the_credit_is_given_back_when_the_wait_is_over()
    {
        _world.Provider.ExpiredPercent = 20;
        (await At(2, Ladder.CompensateFirstAsync(Bill with { Card = OneInFive[0] }))).Status.ShouldBe(202);
        _world.Messages.OfType<NewCardWantedEvent>().ShouldHaveSingleItem().Card.ShouldBe(OneInFive[0]);
        await _world.PassAsync(_world.Options.Limits.NewCard - TimeSpan.FromSeconds(3));
        _world.Credit.Balance("bob").ShouldBe(0);

        await _world.PassAsync(TimeSpan.FromSeconds(2));

        _world.Credit.Balance("bob").ShouldBe(20);
        _world.Messages.OfType<NewCardWantedEvent>().ShouldHaveSingleItem();
        JobInfo job = await _world.Perdure.ListAsync(new JobFilter { Status = JobStatus.Failed }).SingleAsync();
        job.Error.ShouldNotBeNull().ShouldSatisfyAllConditions(no => no.Kind.ShouldBe(ErrorKind.Rejected), no => no.Message.ShouldContain("no valid card in time"));
        Charges().ShouldBeEmpty();
    }

    [Fact]
    public async Task V7_a_customer_whose_next_card_has_expired_too_is_asked_again()
    {
        await _world.DeployAsync(options => options with { CustomersAnswer = true });
        _world.Provider.ExpiredPercent = 20;

        (await At(0, Ladder.CompensateFirstAsync(Bill with { Card = "visa-25" }))).Status.ShouldBe(200);

        _world.Messages.OfType<NewCardWantedEvent>().Select(wanted => wanted.Card).ShouldBe(["visa-25", "new-visa-25"]);
        _world.Service<Books>().Payment.Lines().Single(line => line.Kind == CardProvider.Charges).Note.ShouldBe("new-new-visa-25");
    }

    private Task<Answer> Pay(string rung, Due due) => rung switch
    {
        "v1" => Ladder.PlainAsync(due),
        "v2" => Ladder.FailFastAsync(due),
        "v2b" => Ladder.TryThriceAsync(due),
        "v3" => Ladder.LaterAsync(due),
        "v4" => Ladder.NowOrLaterAsync(due),
        "v5" => Ladder.PullAsync(due),
        _ => Ladder.CompensateAsync(due),
    };

    private static Due Next(int number) => Bill with { RequestId = $"again-{number}", Customer = "ada" };

    /// <summary>The answer, which comes after so many seconds and not a moment earlier.</summary>
    private async Task<Answer> At(double seconds, Task<Answer> answer, TimeSpan already = default)
    {
        TimeSpan left = TimeSpan.FromSeconds(seconds) - already;
        if (left > TimeSpan.Zero)
        {
            await _world.PassAsync(left - Moment);
            answer.IsCompleted.ShouldBeFalse();
            await _world.PassAsync(2 * Moment);
        }

        return await answer.WaitAsync(TimeSpan.FromMinutes(1));     // no time passes for the world meanwhile
    }

    /// <summary>What cards were charged and not refunded, by the provider's own book.</summary>
    private List<string> Charges() => [.. _world.Service<Books>().Payment.Lines().Where(line => line.Kind == CardProvider.Charges && line.IsDone).Select(line => line.Key)];
}
