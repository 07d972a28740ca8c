using Perdure.Queues;

namespace Perdure.Tests.Queues;

public class DispatcherTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 27, 12, 0, 0, TimeSpan.Zero);

    private readonly Dispatcher _dispatcher = new(Start);
    private long _number;

    [Fact]
    public void The_lowest_number_goes_first_and_ties_by_arrival()
    {
        Set("web", new() { Concurrency = 1 });
        Job me = Add("web", priority: 1);
        Job count = Add("web", priority: 3);
        Job groups = Add("web", priority: 4);
        Job posts = Add("web", priority: 2);
        Job more = Add("web", priority: 2);

        Drain(Start).ShouldBe([me, posts, more, count, groups]);
    }

    [Fact]
    public void A_job_whose_priority_changes_finds_its_new_place()
    {
        Set("web", new() { Concurrency = 1 });
        Job first = Add("web", priority: 1);
        Job second = Add("web", priority: 2);

        second.Priority = 0;
        _dispatcher.PriorityChanged(second);

        Drain(Start).ShouldBe([second, first]);
    }

    [Fact]
    public void A_job_counts_one_priority_better_after_each_time_of_ageing()
    {
        Set("q", new() { Concurrency = 1, Ageing = TimeSpan.FromMinutes(1) });
        Job old = Add("q", priority: 5, at: Start);
        Job justTooLate = Add("q", priority: 2, at: Start + TimeSpan.FromMinutes(3) + TimeSpan.FromTicks(1));
        Job justInTime = Add("q", priority: 2, at: Start + TimeSpan.FromMinutes(3) - TimeSpan.FromTicks(1));

        Drain(Start + TimeSpan.FromMinutes(4)).ShouldBe([justInTime, old, justTooLate]);
    }

    [Fact]
    public void A_job_that_is_tried_at_once_goes_before_all_others_however_they_age()
    {
        var policy = new QueuePolicy(new QueueOptions { Ageing = TimeSpan.FromDays(1) });
        var old = new Job(1, "work", "chore") { Priority = -QueueOptions.PriorityMax, CreatedAt = DateTimeOffset.UnixEpoch };
        var now = new Job(2, "work", "chore") { Priority = Job.BeforeAll, CreatedAt = new DateTimeOffset(2026, 1, 8, 12, 0, 0, TimeSpan.Zero) };

        policy.Level(now).ShouldBeLessThan(policy.Level(old));
    }

    [Fact]
    public void A_report_queued_at_17_59_overtakes_interactive_work_at_22_00_also_when_clocks_change()
    {
        var night = new TimeWindow(new TimeOnly(22, 0), new TimeOnly(6, 0), "Europe/Berlin");
        Set("q", new() { Concurrency = 1, PriorityRules = [new PriorityRule(night, -10) { Type = "report" }] });
        var queued = new DateTimeOffset(2026, 3, 28, 17, 59, 0, TimeSpan.FromHours(1));
        Job report = Add("q", priority: 5, type: "report", at: queued);
        List<Job> interactive = [.. Enumerable.Range(0, 5).Select(_ => Add("q", priority: 0, at: queued))];

        One(new DateTimeOffset(2026, 3, 28, 21, 59, 59, TimeSpan.FromHours(1))).ShouldBe(interactive[0]);
        One(new DateTimeOffset(2026, 3, 28, 22, 0, 0, TimeSpan.FromHours(1))).ShouldBe(report);
        Job again = Add("q", priority: 5, type: "report", at: queued);
        One(new DateTimeOffset(2026, 3, 29, 6, 0, 0, TimeSpan.FromHours(2))).ShouldBe(interactive[1]);
        One(new DateTimeOffset(2026, 3, 29, 21, 59, 59, TimeSpan.FromHours(2))).ShouldBe(interactive[2]);
        One(new DateTimeOffset(2026, 3, 29, 22, 0, 0, TimeSpan.FromHours(2))).ShouldBe(again);
    }

    [Fact]
    public void A_queue_starts_nothing_out_of_hours_and_says_when_it_opens()
    {
        Set("q", new() { OpenHours = OpenHours.Of(new TimeWindow(new TimeOnly(9, 0), new TimeOnly(17, 0), "UTC")) });
        Add("q");
        DateTimeOffset evening = Start + TimeSpan.FromHours(6);

        _dispatcher.Next(evening).ShouldBeNull();
        _dispatcher.NextChange(evening).ShouldBe(Start + TimeSpan.FromHours(21));
        _dispatcher.Next(Start + TimeSpan.FromHours(21)).ShouldNotBeNull();
    }

    [Fact]
    public void A_key_in_order_waits_for_its_job_to_come_back_and_does_it_first_whatever_the_priorities()
    {
        Set("q", new() { InOrder = true });
        Job first = Add("q", priority: 9, key: "a");
        Job second = Add("q", priority: 0, key: "a");
        Job other = Add("q", priority: 5, key: "b");
        Job free = Add("q", priority: 1);

        _dispatcher.Next(Start).ShouldBe(free);
        _dispatcher.Next(Start).ShouldBe(other);
        _dispatcher.Next(Start).ShouldBe(first);
        _dispatcher.Ended(first, comesBack: true);
        _dispatcher.Next(Start).ShouldBeNull();
        _dispatcher.Add(first);
        _dispatcher.Next(Start).ShouldBe(first);
        _dispatcher.Ended(first);
        _dispatcher.Next(Start).ShouldBe(second);
    }

    [Fact]
    public void A_key_in_order_goes_on_when_the_job_that_would_come_back_is_removed()
    {
        Set("q", new() { InOrder = true });
        Job first = Add("q", key: "a");
        Job second = Add("q", key: "a");
        _dispatcher.Next(Start).ShouldBe(first);
        _dispatcher.Ended(first, comesBack: true);

        _dispatcher.Remove(first);

        _dispatcher.Next(Start).ShouldBe(second);
    }

    [Fact]
    public void A_heavy_job_gets_its_units_while_light_ones_keep_coming()
    {
        _dispatcher.SetPool("gpu", new() { Capacity = 4 });
        Set("light", new() { Concurrency = null, Uses = [new PoolUse("gpu")] });
        Set("heavy", new() { Uses = [new PoolUse("gpu", 4)] });
        Set("elsewhere", new());
        List<Job> light = [.. Enumerable.Range(0, 8).Select(_ => Add("light"))];
        _dispatcher.Next(Start).ShouldBe(light[0]);
        Job heavy = Add("heavy", priority: -1);
        Job elsewhere = Add("elsewhere", priority: 9);

        _dispatcher.Next(Start).ShouldBe(elsewhere);
        _dispatcher.Next(Start).ShouldBeNull();
        _dispatcher.Ended(light[0]);
        _dispatcher.Next(Start).ShouldBe(heavy);
    }

    [Fact]
    public void A_better_job_behind_a_closed_gate_keeps_nobody_from_a_pool()
    {
        var gate = new TimedGate(TimeSpan.FromDays(10_000), places: 0);
        _dispatcher.SetPool("db", new() { Capacity = 2 });
        _dispatcher.SetQueue("gated", new() { Uses = [new PoolUse("db", 2)] }, gate);
        Set("open", new() { Uses = [new PoolUse("db")] });
        Job first = Add("open");
        Job second = Add("open");
        _dispatcher.Next(Start).ShouldBe(first);
        Add("gated", priority: -5);

        _dispatcher.Next(Start).ShouldBe(second);
    }

    [Fact]
    public void A_saturated_pool_admits_good_priorities_and_sheds_the_others()
    {
        _dispatcher.SetPool("crew", new() { Capacity = 3, SaturatedAt = 1, AdmittedPriority = 0, Sheds = true });
        Set("q", new() { Uses = [new PoolUse("crew")] });
        Job low = Add("q", priority: 1);
        _dispatcher.Sheds("q", 1).ShouldBeFalse();
        _dispatcher.Next(Start).ShouldBe(low);

        _dispatcher.Sheds("q", 1).ShouldBeTrue();
        _dispatcher.Sheds("q", 0).ShouldBeFalse();
        Job waits = Add("q", priority: 1);
        _dispatcher.Next(Start).ShouldBeNull();
        Job urgent = Add("q", priority: 0);
        _dispatcher.Next(Start).ShouldBe(urgent);
        _dispatcher.Ended(low);
        _dispatcher.Ended(urgent);
        _dispatcher.Next(Start).ShouldBe(waits);
    }

    [Fact]
    public void Queues_without_pools_take_turns()
    {
        Set("a", new() { Concurrency = null });
        Set("b", new() { Concurrency = null });
        List<Job> a = [.. Enumerable.Range(0, 3).Select(_ => Add("a", priority: -9))];
        List<Job> b = [.. Enumerable.Range(0, 2).Select(_ => Add("b"))];

        List<Job?> started = [.. Enumerable.Range(0, 6).Select(_ => _dispatcher.Next(Start))];

        started.ShouldBe([a[0], b[0], a[1], b[1], a[2], null]);
    }

    [Fact]
    public void A_job_gives_back_what_it_took_though_the_policy_changed_meanwhile()
    {
        _dispatcher.SetPool("gpu", new() { Capacity = 4 });
        Set("q", new() { Uses = [new PoolUse("gpu", 3)] });
        Job before = Add("q");
        _dispatcher.Next(Start).ShouldBe(before);
        Set("q", new() { Uses = [new PoolUse("gpu", 2)] });
        Job after = Add("q");
        _dispatcher.Next(Start).ShouldBeNull();

        _dispatcher.Ended(before);

        _dispatcher.Next(Start).ShouldBe(after);
        Add("q");
        _dispatcher.Next(Start).ShouldNotBeNull();
        _dispatcher.Running("q").ShouldBe(2);
    }

    [Fact]
    public void A_better_job_goes_when_it_is_given_credit_and_a_paused_queue_when_it_goes_on()
    {
        Set("q", new());
        _dispatcher.SetCredit("q", 1);
        Add("q");
        Add("q");
        _dispatcher.Next(Start).ShouldNotBeNull();
        _dispatcher.Next(Start).ShouldBeNull();
        _dispatcher.NextChange(Start).ShouldBeNull();
        _dispatcher.SetCredit("q", 1);
        _dispatcher.SetStopped("q", true);
        _dispatcher.Next(Start).ShouldBeNull();
        _dispatcher.SetStopped("q", false);
        _dispatcher.Next(Start).ShouldNotBeNull();
    }

    private void Set(string queue, QueueOptions policy) => _dispatcher.SetQueue(queue, policy, gate: null);

    private Job Add(string queue, int priority = 0, string? key = null, string type = "t", DateTimeOffset? at = null)
    {
        var job = new Job(++_number, queue, type) { Key = key, Priority = priority, CreatedAt = at ?? Start };
        _dispatcher.Add(job);
        return job;
    }

    private Job? One(DateTimeOffset now)
    {
        Job? job = _dispatcher.Next(now);
        _dispatcher.Ended(job!);
        return job;
    }

    private List<Job> Drain(DateTimeOffset now)
    {
        List<Job> started = [];
        while (_dispatcher.Next(now) is { } job)
        {
            started.Add(job);
            _dispatcher.Ended(job);
        }

        return started;
    }
}
