using Perdure.Diagnostics;

namespace Perdure.Tests;

/// <summary>What is logged of a store that does not do what is asked of it.</summary>
public sealed class StoreOutageTests
{
    private const string Out = "Error: The store does not do what is asked of it since ";
    private const string Back = "Information: The store does what is asked of it again, after ";

    [Fact]
    public async Task A_store_without_room_is_one_line_and_so_is_its_end()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        int tries = 0;
        host.Store.IsFull = _ => ++tries <= 3;
        (await host.Perdure.Flow<int, int>("f").RunAsync(1, "1").Soon()).ShouldBe(1);

        Lines(host.Log, Out).ShouldHaveSingleItem().ShouldEndWith("until it does: no room");
        await Deadline.UntilAsync("its end", () => Task.FromResult(Lines(host.Log, Back).Count > 0));
        Lines(host.Log, Back).ShouldHaveSingleItem().ShouldEndWith("in which 3 tries failed");
    }

    [Fact]
    public async Task A_commit_of_unknown_outcome_is_one_line_and_over_when_its_shard_is_back()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow("f", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        int commits = 0;
        host.Store.Answer = (_, answers) => ++commits == 2 ? throw new IOException("the answer was lost") : answers;
        (await host.Perdure.Flow<int, int>("f").RunAsync(1, "1").Soon()).ShouldBe(1);

        Lines(host.Log, Out).ShouldHaveSingleItem().ShouldContain("PRD5005: the store failed in a commit: the answer was lost");
        await Deadline.UntilAsync("its end", () => Task.FromResult(Lines(host.Log, Back).Count > 0));
        Lines(host.Log, Back).ShouldHaveSingleItem().ShouldEndWith("in which 1 tries failed");
        host.Log.Lines.Count(l => l.StartsWith("Error", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public void An_outage_lasts_until_all_who_try_have_got_through_and_each_reason_is_said_once()
    {
        using var log = new TestLog();
        var time = new ManualTime();
        var outage = new StoreOutage(log, time);
        (object a, object b, object c) = (new(), new(), new());
        outage.Hold(c); // there is none yet
        outage.Failed(a, "PRD8005: unknown");
        outage.Failed(b, "PRD8001: refused");
        outage.Hold(c);
        outage.Failed(b, "PRD8001: not found");
        outage.Failed(b, "PRD8001: no host (failed to connect to 127.0.0.1:5432)");
        outage.Failed(b, "PRD8001: starting up (57P03)");
        outage.Failed(new IOException("nobody's"));
        outage.Ended(a);
        outage.Ended(b);
        PassAndLook(StoreOutage.Quiet);
        Lines(log, Back).ShouldBeEmpty("one has not got through");
        outage.Ended(c);
        PassAndLook(StoreOutage.Quiet / 2);
        outage.Failed(a, "PRD8001: again");
        outage.Ended(a);
        outage.Ended(c);
        PassAndLook(StoreOutage.Quiet / 2);
        Lines(log, Back).ShouldBeEmpty("it is not quiet");
        PassAndLook(StoreOutage.Quiet / 2);
        PassAndLook(StoreOutage.Quiet);

        Lines(log, Out).Select(l => l[(l.IndexOf("does: ", StringComparison.Ordinal) + 6)..]).ShouldBe(["PRD8005: unknown", "PRD8001: refused", "PRD8001: starting up (57P03)", "nobody's"]);
        Lines(log, Back).ShouldBe([$"{Back}{StoreOutage.Quiet * 1.5}, in which 7 tries failed"]);

        outage.Failed(new IOException("nobody's"));
        PassAndLook(StoreOutage.Quiet);
        Lines(log, Out).Count.ShouldBe(5);
        Lines(log, Back).Last().ShouldBe($"{Back}00:00:00, in which 1 tries failed");

        void PassAndLook(TimeSpan pass)
        {
            time.Advance(pass);
            outage.Look();
        }
    }

    private static List<string> Lines(TestLog log, string start) => [.. log.Lines.Where(l => l.StartsWith(start, StringComparison.Ordinal))];
}
