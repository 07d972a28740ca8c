using Orders.Choreography;
using Orders.Services;

namespace Orders.Tests;

/// <summary>What must be so at the end of every Create Order, over random answers, faults, delays, repeats and crashes.</summary>
public sealed class InvariantTests
{
    private const int Seeds = 25;

    [Fact]
    public async Task I6_both_styles_end_alike_for_the_same_answers_and_I1_to_I5_hold_in_both()
    {
        List<OrderFacts> all = [];
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var plan = new RandomPlan(seed);
            (IReadOnlyList<OrderFacts> Facts, IReadOnlyList<StateChange> Changes) led = await plan.RunAsync(null), heard = await plan.RunAsync(new ChoreographyOptions { IsSequential = seed % 3 == 0 });

            CheckInvariants(led, $"{plan}, orchestration");
            CheckInvariants(heard, $"{plan}, choreography");
            heard.Facts.Select(End).ShouldBe(led.Facts.Select(End), $"{plan}: {string.Join(", ", plan.Orders)}");
            all.AddRange(heard.Facts);
        }

        // The plans are worth something only if they come to all of it.
        all.Count(facts => facts.Order == OrderState.Approved).ShouldBeInRange(Seeds / 5, 3 * Seeds);
        all.Select(facts => facts.Authorization).Distinct().Order().ShouldBe([AuthorizationState.Authorized, AuthorizationState.Failed, AuthorizationState.Voided]);
    }

    [Fact]
    public async Task I1_to_I5_hold_also_when_the_time_is_up_at_any_moment()
    {
        List<OrderFacts> all = [];
        for (int seed = 1; seed <= Seeds; seed++)
        {
            var plan = new RandomPlan(1_000 + seed);
            var run = await plan.RunAsync(new ChoreographyOptions { Limit = TimeSpan.FromSeconds(2 + seed) });
            CheckInvariants(run, $"{plan}, with time-outs");
            all.AddRange(run.Facts);
        }

        all.ShouldContain(facts => facts.Order == OrderState.Approved);
        all.ShouldContain(facts => facts.Order == OrderState.Rejected && facts.Refunds == 1);   // a late authorization was reversed
    }

    private static void CheckInvariants((IReadOnlyList<OrderFacts> Facts, IReadOnlyList<StateChange> Changes) run, string where)
    {
        run.Facts.Count.ShouldBe(4, where);
        foreach (OrderFacts facts in run.Facts)
        {
            string what = $"{where}: {facts}";
            facts.Violation().ShouldBeNull($"I1, {what}");
            facts.Charges.ShouldBeLessThanOrEqualTo(1, $"I2, {what}");
            (facts.Authorization == AuthorizationState.Authorized).ShouldBe(facts.Order == OrderState.Approved, $"I3, {what}");
            facts.Refunds.ShouldBe(facts.Order == OrderState.Approved ? 0 : facts.Charges, $"I4, {what}");
        }

        run.Changes.ShouldNotContain(change => change.LeavesFinal, $"I5, {where}");
        run.Changes.Count(change => change.To == OrderState.Rejected).ShouldBe(run.Facts.Count(facts => facts.Order == OrderState.Rejected), $"I4, {where}");
    }

    /// <summary>What both styles must agree on. A tombstone and nothing at all are the same: there is no ticket.</summary>
    private static (string Id, string Order, bool HasTicket, bool IsAuthorized, decimal Paid) End(OrderFacts facts)
        => (facts.Id, facts.Order, facts.Ticket == TicketState.AwaitingAcceptance, facts.Authorization == AuthorizationState.Authorized, facts.Paid);
}
