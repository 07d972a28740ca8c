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
        Lines(host.Log, Back).ShouldHaveSingleItem().ShouldEndWith("in which 1 tries failed");
        host.Log.Lines.Count(l => l.StartsWith("Error", StringComparison.Ordinal)).ShouldBe(1);
    }

    [Fact]
    public void An_outage_lasts_until_all_who_try_have_got_through_and_each_code_is_said_once()
    {
        using var log = new TestLog();
        var outage = new StoreOutage(log, TimeProvider.System);
        (object a, object b, object c) = (new(), new(), new());
        outage.Counts(new IOException("nobody tries again")).ShouldBeFalse();
        outage.Hold(c);
        outage.Failed(a, "PRD8005: unknown");
        outage.Failed(b, "PRD8001: refused");
        outage.Hold(c);
        outage.Failed(b, "PRD8001: starting up");
        outage.Counts(new IOException("another one")).ShouldBeTrue();
        outage.Ended(a);
        outage.Ended(b);
        Lines(log, Back).ShouldBeEmpty();
        outage.Ended(c);
        outage.Ended(c);

        Lines(log, Out).Select(l => l[(l.IndexOf("does: ", StringComparison.Ordinal) + 6)..]).ShouldBe(["PRD8005: unknown", "PRD8001: refused", "another one"]);
        Lines(log, Back).ShouldHaveSingleItem().ShouldEndWith("in which 4 tries failed");

        outage.Failed(a, "PRD8005: unknown");
        outage.Ended(a);
        Lines(log, Out).Count.ShouldBe(4);
        Lines(log, Back).Last().ShouldEndWith("in which 1 tries failed");
    }

    private static List<string> Lines(TestLog log, string start) => [.. log.Lines.Where(l => l.StartsWith(start, StringComparison.Ordinal))];
}
