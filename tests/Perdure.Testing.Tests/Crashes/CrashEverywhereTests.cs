using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;

namespace Perdure.Testing.Tests.Crashes;

/// <summary>A scenario under all its schedules finds what is wrong, and names the smallest schedule that shows it.</summary>
public sealed partial class CrashEverywhereTests
{
    [Fact]
    public async Task A_bank_that_charges_at_every_call_is_found()
    {
        string message = (await Should.ThrowAsync<ExpectationException>(() => PlayAsync(new Scene { Charge = (bank, _) => bank.Charge() }))).Message;

        message.ShouldContain("The smallest is crash-");
        message.ShouldContain("the process dies");
        message.ShouldContain("twice-all");
        message.ShouldContain("lost-");
    }

    [Fact]
    public async Task The_seed_of_a_failure_plays_just_that_schedule()
    {
        var scene = new Scene { Charge = (bank, _) => bank.Charge() };
        string message = (await Should.ThrowAsync<ExpectationException>(() => PlayAsync(scene))).Message;
        string seed = Seed().Match(message).Groups[1].Value;
        string events = Events(message);
        scene.Played = 0;

        string again = (await Should.ThrowAsync<ExpectationException>(() => PlayAsync(scene, seed))).Message;

        scene.Played.ShouldBe(1);
        again.ShouldStartWith($"Schedule {seed} failed.");
        Events(again).ShouldBe(events);
    }

    [Fact]
    public async Task A_bank_that_knows_its_keys_passes_and_all_schedules_are_counted()
    {
        var scene = new Scene();

        CrashReport report = await PlayAsync(scene);

        report.Schedules.ShouldBe(scene.Played);
        report.Crashes.ShouldBeGreaterThan(10);
        (report.Repeats, report.LostAnswers, report.Failures, report.Signals).ShouldBe((3, 2, 2, 3));
        report.ToString().ShouldStartWith($"{scene.Played} schedules: 1 plain, {report.Crashes} with a crash, 3 with a step run twice");
    }

    [Fact]
    public async Task Crashes_can_be_followed_by_another_one()
    {
        CrashReport once = await PlayAsync(new Scene());

        CrashReport twice = await PlayAsync(new Scene(), options: new CrashOptions { CrashesAgain = true });

        twice.Crashes.ShouldBe(once.Crashes * 2);
    }

    [Fact]
    public async Task A_flow_that_takes_a_repeated_signal_for_the_next_one_is_found()
    {
        var scene = new Scene
        {
            AfterSignal = async flow => (await flow.TrySignal<string>("go", TimeSpan.FromMinutes(1))).HasValue ? throw new InvalidOperationException("two signals") : 0,
        };

        string message = (await Should.ThrowAsync<ExpectationException>(() => PlayAsync(scene))).Message;

        message.ShouldStartWith("1 of ");
        message.ShouldContain("The smallest is again-1.");
    }

    [Fact]
    public async Task A_late_signal_comes_before_the_limit_and_an_early_one_before_the_wait()
    {
        List<TimeSpan> waits = [];

        await PlayAsync(new Scene { Charged = waits.Add });

        waits.ShouldContain(wait => wait > TimeSpan.FromHours(23));
        waits.ShouldContain(wait => wait < TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_scenario_that_fails_by_itself_says_so()
        => (await Should.ThrowAsync<ExpectationException>(() => PlayAsync(new Scene { Charge = (_, _) => 0 }))).Message
            .ShouldStartWith("The scenario fails by itself, before anything goes wrong.");

    [Fact]
    public async Task A_run_that_is_stuck_at_the_end_fails_the_schedule()
    {
        var scene = new Scene { AfterSignal = _ => throw new InvalidOperationException("no way on"), Pivot = true };

        string message = (await Should.ThrowAsync<ExpectationException>(() => PlayAsync(scene))).Message;

        message.ShouldContain("a run is stuck.");
        message.ShouldContain("flow/1 Stuck: PRD3007");
    }

    [Fact]
    public async Task Without_an_outside_the_runs_are_looked_at()
    {
        CrashReport report = await FlowTest.CrashEverywhereAsync(
            Flows.Of(async (id, flow) =>
            {
                await flow.Step(() => Task.CompletedTask, name: "Do");
                await flow.Delay(TimeSpan.FromDays(1));
                return id;
            }),
            async run => Assert.Equal("1", await run.Perdure.Flow<string, string>("flow").RunAsync("1", id: "1")),
            run => run.Perdure.Get("flow", "1").ShouldHaveRunAsync("Do", times: 1));

        report.Crashes.ShouldBeGreaterThan(8);
    }

    [Theory]
    [InlineData("crush-1")]
    [InlineData("crash-x")]
    [InlineData("crash")]
    [InlineData("lost-0")]
    [InlineData("7")]
    public async Task A_seed_that_is_none_is_refused(string seed) => await Should.ThrowAsync<ArgumentException>(() => PlayAsync(new Scene(), seed));

    [Fact]
    public async Task A_seed_that_the_scenario_does_not_come_to_is_told()
        => (await Should.ThrowAsync<ExpectationException>(() => PlayAsync(new Scene(), "crash-9999"))).Message.ShouldStartWith("Nothing went wrong, since the scenario comes to ");

    [Fact]
    public async Task A_seed_plays_one_schedule() => (await PlayAsync(new Scene(), "crash-3")).ToString().ShouldStartWith("1 schedules: 0 plain, 1 with a crash");

    [Fact]
    public async Task A_failure_shows_what_went_wrong_and_what_came_after_and_has_the_check_s_own_exception()
    {
        ExpectationException failure = await Should.ThrowAsync<ExpectationException>(() => PlayAsync(new Scene { Charge = (bank, _) => bank.Charge() }, "twice-2"));

        failure.Message.ShouldContain("before step Charge of flow/1\n  it runs twice\n  after step Charge of flow/1");
        failure.InnerException.ShouldBeOfType<ShouldAssertException>();
    }

    [Fact]
    public async Task A_check_may_wait_for_answers()
    {
        CrashReport report = await FlowTest.CrashEverywhereAsync(
            Flows.Of((id, _) => Task.FromResult(id)),
            run => run.Perdure.Flow<string, string>("flow").StartAsync("1", id: "1"),
            async run => Assert.Equal("1", await run.Perdure.Flow<string, string>("flow").Get("1").ResultAsync()));

        report.Crashes.ShouldBeGreaterThan(2);
    }

    [Fact]
    public async Task A_run_that_never_ends_fails_the_schedule()
    {
        Task<CrashReport> play = FlowTest.CrashEverywhereAsync(Flows.Of<int>(async (_, flow) =>
        {
            while (true)
            {
                await flow.Delay(TimeSpan.FromDays(300));
            }
        }), run => run.Perdure.Flow<string, int>("flow").StartAsync("1", id: "1"), _ => Task.CompletedTask);

        (await Should.ThrowAsync<ExpectationException>(() => play)).Message.ShouldContain("after 1,000 days (CrashOptions.TimeMax) a run still goes on.\nflow/1 Running");
    }

    [Fact]
    public async Task A_flow_that_blocks_its_thread_is_found_before_anything_goes_wrong()
    {
        Task<CrashReport> play = FlowTest.CrashEverywhereAsync(Flows.Of<int>((_, flow) =>
        {
            flow.Step(() => Task.CompletedTask, name: "Do").Wait();
            return Task.FromResult(1);
        }), run => run.Perdure.Flow<string, int>("flow").StartAsync("1", id: "1"), _ => Task.CompletedTask);

        string message = (await Should.ThrowAsync<ExpectationException>(() => play)).Message;
        message.ShouldStartWith("The scenario fails by itself");
        message.ShouldContain("PRD3003");
    }

    private static Task<CrashReport> PlayAsync(Scene scene, string? seed = null, CrashOptions? options = null) => FlowTest.CrashEverywhereAsync(
        scene.NewBank,
        scene.AddTo,
        async (run, _) =>
        {
            FlowHandle<int> flow = await run.Perdure.Flow<string, int>("flow").StartAsync("1", id: "1");
            await run.SignalAsync(flow, "now", "go");
        },
        async (run, bank) =>
        {
            await run.Perdure.Get("flow", "1").ShouldHaveCompletedAsync();
            bank.Charges.ShouldBe(1);
        }, seed, options);

    private static string Events(string message) => message[message.IndexOf("The course of events", StringComparison.Ordinal)..];

    [GeneratedRegex("The smallest is ([a-z]+-[0-9]+)")]
    private static partial Regex Seed();

    private sealed class Bank
    {
        private readonly HashSet<string> _keys = [];

        public int Charges { get; private set; }

        public int Charge() => ++Charges;

        public int ChargeOnce(string key) => _keys.Add(key) ? Charge() : Charges;
    }

    /// <summary>A flow that charges when it is told to, and what differs from test to test.</summary>
    private sealed class Scene
    {
        public Func<Bank, string, int> Charge { get; init; } = (bank, key) => bank.ChargeOnce(key);

        public Func<FlowContext, Task<int>> AfterSignal { get; init; } = _ => Task.FromResult(0);

        public Action<TimeSpan> Charged { get; init; } = _ => { };

        public bool Pivot { get; init; }

        public int Played { get; set; }

        public Bank NewBank()
        {
            Played++;
            return new Bank();
        }

        public void AddTo(IServiceCollection services, Bank bank) => services.AddPerdure(perdure => perdure.UseMemory().AddFlow<string, int>("flow", async (_, flow) =>
        {
            DateTimeOffset start = flow.Now;
            await flow.Step(() => Task.CompletedTask, name: "Greet");
            await flow.Signal<string>("go", TimeSpan.FromDays(1));
            int result = await flow.Step(s =>
            {
                Charged(flow.Now - start);
                return Task.FromResult(Charge(bank, s.IdempotencyKey));
            }, name: "Charge", pivot: Pivot);
            await AfterSignal(flow);
            return result;
        }));
    }
}
