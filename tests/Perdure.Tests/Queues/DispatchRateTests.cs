using Perdure.Queues;

namespace Perdure.Tests.Queues;

public class DispatchRateTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 27, 12, 0, 0, TimeSpan.Zero);

    private long _number;

    [Fact]
    public void Starts_come_exactly_as_the_rate_allows_in_every_window_also_when_the_clock_stands_or_steps_back()
    {
        int full = 0;
        for (int seed = 1; seed <= 300; seed++)
        {
            var random = new Random(seed);
            var rate = new Rate(random.Next(1, 6), TimeSpan.FromMilliseconds(random.Next(1, 5_000))) { Burst = random.Next(1, 5) };
            bool perKey = seed % 2 == 0;
            var dispatcher = new Dispatcher(Start);
            dispatcher.SetQueue("q", perKey ? new() { Concurrency = null, RatePerKey = rate } : new() { Concurrency = null, Rate = rate }, null);
            List<long> starts = [];
            DateTimeOffset clock = Start;
            long latest = clock.UtcTicks;
            for (int i = 0; i < 200; i++)
            {
                dispatcher.Add(new Job(++_number, "q", "t") { Key = "a" });
                clock += TimeSpan.FromTicks(random.NextInt64(-rate.Per.Ticks / 4, rate.Per.Ticks));
                latest = Math.Max(latest, clock.UtcTicks);
                while (dispatcher.Next(clock) is not null)
                {
                    MayStart(starts, latest, rate).ShouldBeTrue($"seed {seed}: too many starts");
                    starts.Add(latest);
                }

                full += dispatcher.Waiting("q") > 0 ? 1 : 0;
                (dispatcher.Waiting("q") > 0 && MayStart(starts, latest, rate)).ShouldBeFalse($"seed {seed}: too few starts");
            }
        }

        full.ShouldBeGreaterThan(10_000);
    }

    [Fact]
    public void What_a_rate_remembers_survives_a_restart_and_is_told_to_be_gone_once()
    {
        Dispatcher before = New(new Rate(1, TimeSpan.FromSeconds(10)));
        before.Next(Start).ShouldNotBeNull();
        before.TakeChangedRates().ShouldBe([new ChangedRate("q", Start.AddSeconds(10)), new ChangedRate("q/a", Start.AddSeconds(10))]);
        before.TakeChangedRates().ShouldBeEmpty();

        Dispatcher after = New(new Rate(1, TimeSpan.FromSeconds(10)));
        after.RestoreRate("q", Start.AddSeconds(10));
        after.RestoreRate("q/a", Start.AddSeconds(10));
        after.RestoreRate("other/b", Start.AddSeconds(10));
        after.Next(Start.AddSeconds(9)).ShouldBeNull();
        after.NextChange(Start.AddSeconds(9)).ShouldBe(Start.AddSeconds(10));
        after.TakeChangedRates().ShouldBe([new ChangedRate("other/b", null)]);
        after.Next(Start.AddSeconds(10)).ShouldNotBeNull();
        after.TakeChangedRates().Count.ShouldBe(2);
        after.Next(Start.AddSeconds(20)).ShouldBeNull();
        after.TakeChangedRates().ShouldBe([new ChangedRate("q", null), new ChangedRate("q/a", null)]);
        after.TakeChangedRates().ShouldBeEmpty();
    }

    [Fact]
    public void What_is_over_within_a_second_is_not_told_and_waited_for_after_a_restart()
    {
        var fast = new Rate(2, TimeSpan.FromSeconds(1));
        Dispatcher before = New(fast);
        before.Next(Start).ShouldNotBeNull();
        before.TakeChangedRates().ShouldBeEmpty();
        DateTimeOffset last = Start.AddMilliseconds(500);
        before.Add(new Job(++_number, "q", "t") { Key = "a" });
        before.Next(last).ShouldNotBeNull();
        before.TakeChangedRates().ShouldBeEmpty();

        Dispatcher after = New(fast, last);
        after.Next(last).ShouldBeNull();
        after.NextChange(last).ShouldBe(last + Dispatcher.Brief);
        after.SetQueue("free", new() { Concurrency = 1 }, null);
        after.Add(new Job(++_number, "free", "t"));
        after.Next(last).ShouldNotBeNull().Queue.ShouldBe("free");
        after.Next(last + Dispatcher.Brief).ShouldNotBeNull().Queue.ShouldBe("q");
    }

    [Fact]
    public void A_faster_rate_is_not_held_up_by_what_a_slower_one_left()
    {
        Dispatcher dispatcher = New(new Rate(1, TimeSpan.FromDays(1)));
        dispatcher.Next(Start).ShouldNotBeNull();
        dispatcher.Add(new Job(++_number, "q", "t") { Key = "a" });
        dispatcher.Next(Start).ShouldBeNull();

        dispatcher.SetQueue("q", Policy(new Rate(1, TimeSpan.FromSeconds(1))), null);

        dispatcher.NextChange(Start).ShouldBe(Start.AddSeconds(1));
        dispatcher.Next(Start.AddSeconds(1)).ShouldNotBeNull();
    }

    /// <summary>Counts from every earlier start on.</summary>
    private static bool MayStart(List<long> starts, long now, Rate rate)
    {
        long spacing = (rate.Per.Ticks + rate.Count - 1) / rate.Count;
        for (int i = 0; i < starts.Count; i++)
        {
            if (starts.Count - i + 1 > rate.Burst + ((now - starts[i]) / spacing))
            {
                return false;
            }
        }

        return true;
    }

    private static QueueOptions Policy(Rate rate) => new() { Rate = rate, RatePerKey = rate };

    private Dispatcher New(Rate rate, DateTimeOffset before = default)
    {
        var dispatcher = new Dispatcher(Start, before);
        dispatcher.SetQueue("q", Policy(rate), null);
        dispatcher.Add(new Job(++_number, "q", "t") { Key = "a" });
        return dispatcher;
    }
}
