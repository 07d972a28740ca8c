using Perdure.Worker;

namespace Perdure.Tests.Dependencies;

/// <summary>When a breaker opens, what it lets through, and when it closes.</summary>
public class BreakerTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);

    [Fact]
    public void It_opens_at_its_share_of_failures_and_not_before_so_many_attempts()
    {
        var few = new DependencyWorld();
        few.Pass(DependencyOutcome.Failed, 9);
        few.Kitchen.IsOpen.ShouldBeFalse();
        few.Pass(DependencyOutcome.Failed);
        few.Kitchen.IsOpen.ShouldBeTrue();

        var mixed = new DependencyWorld();
        mixed.Pass(DependencyOutcome.Answered, 6);
        mixed.Pass(DependencyOutcome.Failed, 5);
        mixed.Kitchen.IsOpen.ShouldBeFalse();
        mixed.Pass(DependencyOutcome.None, 20);
        mixed.Kitchen.IsOpen.ShouldBeFalse();
        mixed.Pass(DependencyOutcome.Failed);
        mixed.Kitchen.IsOpen.ShouldBeTrue();
    }

    [Fact]
    public void What_is_older_than_the_window_does_not_count()
    {
        var world = new DependencyWorld();
        world.Pass(DependencyOutcome.Failed, 9);
        world.Advance(world.Options.Window);
        world.Pass(DependencyOutcome.Failed, 9);
        world.Kitchen.IsOpen.ShouldBeFalse();
    }

    [Fact]
    public void When_its_time_is_over_one_probe_goes_whose_answer_lets_the_others_go_little_by_little()
    {
        DependencyWorld world = Opened();
        List<DependencyWait> waits = [.. Enumerable.Range(0, 7).Select(_ => world.Enter()!)];
        DateTimeOffset at = world.Kitchen.NextChange(world.Now)!.Value;
        (at - world.Now).ShouldBeInRange(world.Options.OpenFor * 0.8, world.Options.OpenFor);

        world.Advance(at - world.Now - Tick);
        Gone(waits).ShouldBe(0);
        world.Advance(Tick);
        Gone(waits).ShouldBe(1);
        world.Advance(TimeSpan.FromDays(1));
        Gone(waits).ShouldBe(1);
        world.Kitchen.NextChange(world.Now).ShouldBeNull();

        world.Kitchen.Leave(waits[0].EnteredAt!.Value, DependencyOutcome.Answered, world.Now);
        world.Kitchen.IsOpen.ShouldBeFalse();
        Gone(waits).ShouldBe(3);
        world.Kitchen.Leave(world.Now, DependencyOutcome.Answered, world.Now);
        Gone(waits).ShouldBe(5);
        world.Kitchen.Leave(world.Now, DependencyOutcome.Answered, world.Now);
        Gone(waits).ShouldBe(7);
    }

    [Fact]
    public void Each_probe_that_fails_doubles_the_time_up_to_the_longest()
    {
        DependencyWorld world = Opened();
        List<double> times = [];
        for (int i = 0; i < 6; i++)
        {
            TimeSpan open = world.Kitchen.NextChange(world.Now)!.Value - world.Now;
            times.Add(open.TotalSeconds);
            world.Advance(open);
            world.Pass(DependencyOutcome.Failed);
        }

        double[] longest = [5, 10, 20, 40, 60, 60];
        times.Zip(longest).ShouldAllBe(t => t.First <= t.Second && t.First >= t.Second * 0.8);
        times.Zip(longest).Select(t => t.First / t.Second).Distinct().Count().ShouldBeGreaterThan(1);
    }

    [Fact]
    public void After_it_has_closed_it_opens_again_for_the_first_time()
    {
        DependencyWorld world = Opened();
        world.Advance(world.Options.OpenFor);
        world.Pass(DependencyOutcome.Failed);
        world.Advance(world.Options.OpenForMax);
        world.Pass(DependencyOutcome.Answered);
        world.Pass(DependencyOutcome.Failed, 9);
        world.Kitchen.IsOpen.ShouldBeFalse();
        world.Pass(DependencyOutcome.Failed);
        (world.Kitchen.NextChange(world.Now)!.Value - world.Now).ShouldBeLessThanOrEqualTo(world.Options.OpenFor);
    }

    [Fact]
    public void A_probe_that_is_cancelled_says_nothing_and_the_next_one_goes()
    {
        DependencyWorld world = Opened();
        world.Advance(world.Options.OpenFor);
        world.Enter().ShouldBeNull();
        DependencyWait next = world.Enter()!;

        world.Kitchen.Leave(world.Now, DependencyOutcome.None, world.Now);

        next.EnteredAt.ShouldBe(world.Now);
        world.Kitchen.IsOpen.ShouldBeTrue();
    }

    [Theory]
    [InlineData(nameof(DependencyOutcome.Answered))]
    [InlineData(nameof(DependencyOutcome.Failed))]
    public void What_went_before_it_opened_neither_closes_it_nor_keeps_it_open(string outcome)
    {
        var world = new DependencyWorld(o => o.Concurrency = null);
        DateTimeOffset before = world.Now;
        Enumerable.Range(0, 20).ToList().ForEach(_ => world.Enter().ShouldBeNull());
        world.Pass(DependencyOutcome.Failed, 10);
        DateTimeOffset at = world.Kitchen.NextChange(world.Now)!.Value;

        Enumerable.Range(0, 19).ToList().ForEach(_ => world.Kitchen.Leave(before, Enum.Parse<DependencyOutcome>(outcome), world.Now));
        world.Kitchen.IsOpen.ShouldBeTrue();
        world.Kitchen.NextChange(world.Now).ShouldBe(at);

        world.Advance(at - world.Now);
        world.Enter().ShouldBeNull();
        world.Kitchen.Leave(before, Enum.Parse<DependencyOutcome>(outcome), world.Now);
        world.Kitchen.IsOpen.ShouldBeTrue();
        world.Kitchen.Leave(world.Now, DependencyOutcome.Answered, world.Now);
        world.Kitchen.IsOpen.ShouldBeFalse();
        world.Kitchen.Inside.ShouldBe(0);
    }

    [Fact]
    public void A_probe_needs_no_budget_for_retries()
    {
        var world = new DependencyWorld(o => (o.RetryBudget, o.RetriesPerSecond, o.OpenFor) = (0, 1, Tick));
        for (int i = 0; i < 10; i++)
        {
            world.Enter(isRetry: true).ShouldBeNull();
            world.Kitchen.Leave(world.Now, DependencyOutcome.Failed, world.Now);
        }

        DependencyWait retry = world.Enter(isRetry: true)!;
        world.Advance(Tick);
        retry.EnteredAt.ShouldNotBeNull();
    }

    [Fact]
    public void Without_a_share_it_never_opens()
    {
        var world = new DependencyWorld(o => o.OpenAt = null);
        world.Pass(DependencyOutcome.Failed, 1000);
        world.Kitchen.IsOpen.ShouldBeFalse();
    }

    private static int Gone(IEnumerable<DependencyWait> waits) => waits.Count(wait => wait.EnteredAt is not null);

    private static DependencyWorld Opened()
    {
        var world = new DependencyWorld();
        world.Pass(DependencyOutcome.Failed, 10);
        world.Kitchen.IsOpen.ShouldBeTrue();
        return world;
    }
}
