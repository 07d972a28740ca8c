using Perdure.Worker;

namespace Perdure.Tests.Dependencies;

/// <summary>What a dependency's limits let through, and who goes first.</summary>
public class LimitTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void No_more_than_the_limit_run_at_once_and_who_waits_goes_in_order()
    {
        var world = new DependencyWorld(o => o.Concurrency = 2);
        world.Enter().ShouldBeNull();
        world.Enter().ShouldBeNull();
        DependencyWait third = world.Enter()!;
        DependencyWait fourth = world.Enter()!;
        DependencyWait fifth = world.Enter()!;

        fourth.End();
        world.Kitchen.Leave(world.Now, DependencyOutcome.Answered, world.Now);

        third.EnteredAt.ShouldBe(world.Now);
        fifth.EnteredAt.ShouldBeNull();
        world.Kitchen.Leave(world.Now, DependencyOutcome.None, world.Now);
        fifth.EnteredAt.ShouldBe(world.Now);
        fourth.EnteredAt.ShouldBeNull();
        (world.Kitchen.Inside, world.Kitchen.Waiting).ShouldBe((2, 0));
    }

    [Fact]
    public void Starts_keep_to_the_rate_exactly()
    {
        var world = new DependencyWorld(o => o.Rate = new Rate(10, Second) { Burst = 3 });
        DateTimeOffset start = world.Now;
        List<DependencyWait?> all = [.. Enumerable.Range(0, 43).Select(_ => world.Enter())];

        world.Advance(TimeSpan.FromSeconds(10));

        all.Count(wait => wait is null).ShouldBe(3);
        all.OfType<DependencyWait>().Select(wait => (wait.EnteredAt!.Value - start).TotalMilliseconds).ShouldBe(Enumerable.Range(1, 40).Select(i => i * 100.0));
    }

    [Fact]
    public void Retries_beyond_their_budget_wait_and_hold_up_nobody()
    {
        var world = new DependencyWorld(o => (o.Concurrency, o.RetryBudget, o.RetriesPerSecond) = (null, 0.5, 1));
        List<DependencyWait?> firsts = [.. Enumerable.Range(0, 20).Select(_ => world.Enter())];
        List<DependencyWait?> retries = [.. Enumerable.Range(0, 30).Select(_ => world.Enter(isRetry: true))];

        firsts.ShouldAllBe(wait => wait == null);
        retries.Count(wait => wait is null).ShouldBe(20); // half of 20, and 10 in 10 s
        world.Enter().ShouldBeNull();
        world.Kitchen.TryEnter(world.Now, isRetry: true).ShouldBeFalse();
        world.Kitchen.TryEnter(world.Now, isRetry: false).ShouldBeTrue();

        world.Advance(world.Options.Window + Second); // a turn is kept for the job meanwhile
        retries.OfType<DependencyWait>().ShouldAllBe(wait => wait.EnteredAt != null);
    }

    [Fact]
    public void Jobs_and_steps_take_turns()
    {
        var world = new DependencyWorld(o => o.Concurrency = 1);
        world.Enter().ShouldBeNull();
        List<DependencyWait> steps = [.. Enumerable.Range(0, 3).Select(_ => world.Enter()!)];
        world.Kitchen.MayEnter(world.Now).ShouldBeFalse();

        string order = "";
        for (int i = 0; i < 5; i++)
        {
            int before = steps.Count(s => s.EnteredAt is not null);
            world.Kitchen.Leave(world.Now, DependencyOutcome.Answered, world.Now);
            bool job = world.Kitchen.TryEnter(world.Now);
            order += job ? "j" : steps.Count(s => s.EnteredAt is not null) > before ? "s" : "-";
        }

        order.ShouldBe("jsjsj");
        world.Calls.ShouldBe(3);
    }

    [Fact]
    public void A_turn_that_no_job_takes_goes_to_the_steps()
    {
        var world = new DependencyWorld(o => o.Concurrency = 1);
        world.Enter().ShouldBeNull();
        DependencyWait step = world.Enter()!;
        world.Kitchen.TryEnter(world.Now).ShouldBeFalse();

        world.Kitchen.Leave(world.Now, DependencyOutcome.Answered, world.Now);
        step.EnteredAt.ShouldBeNull();
        world.Advance(Second);

        step.EnteredAt.ShouldNotBeNull();
        world.Calls.ShouldBe(1);
    }

    [Fact]
    public void Jobs_are_told_when_to_ask_again()
    {
        var world = new DependencyWorld(o => (o.Concurrency, o.Rate) = (1, new Rate(1, Second)));
        world.Kitchen.TryEnter(world.Now).ShouldBeTrue();
        world.Kitchen.NextChange(world.Now).ShouldBeNull();
        world.Kitchen.TryEnter(world.Now).ShouldBeFalse();

        world.Kitchen.Leave(world.Now, DependencyOutcome.Answered, world.Now);
        world.Calls.ShouldBe(0);
        world.Kitchen.NextChange(world.Now).ShouldBe(world.Now + Second);
        world.Advance(Second);

        world.Calls.ShouldBe(1);
        world.Kitchen.TryEnter(world.Now).ShouldBeTrue();
    }

    [Theory]
    [InlineData(nameof(DependencyOptions.Concurrency), 0)]
    [InlineData(nameof(DependencyOptions.AtLeast), 0)]
    [InlineData(nameof(DependencyOptions.RetriesPerSecond), 0)]
    [InlineData(nameof(DependencyOptions.OpenAt), 1.5)]
    [InlineData(nameof(DependencyOptions.OpenAt), double.NaN)]
    [InlineData(nameof(DependencyOptions.RetryBudget), -0.1)]
    public void An_option_out_of_its_range_is_refused(string option, object value)
        => Should.Throw<PerdureException>(() => new DependencyWorld(o => typeof(DependencyOptions).GetProperty(option)!.SetValue(o, value)))
            .Message.ShouldStartWith($"PRD4004: dependency kitchen: {option} must be ");
}
