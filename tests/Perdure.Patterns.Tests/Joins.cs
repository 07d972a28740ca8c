namespace Perdure.Patterns.Tests;

// pattern 28
public sealed class StandBy(Dispatcher dispatcher) : IFlow<int>
{
    public async Task RunAsync(int rounds, FlowContext flow)
    {
        List<Task> responses = [];
        for (int round = 1; round <= rounds; round++)
        {
            Task[] sensors = [flow.Signal<string>("smoke", TimeSpan.FromDays(90)), flow.Signal<string>("heat", TimeSpan.FromDays(90))];
            await Task.WhenAny(sensors);
            responses.Add(Respond(round));   // the first fires
            await Task.WhenAll(sensors);     // ready again when each has come once; one that comes twice waits for that
        }

        await Task.WhenAll(responses);

        Task Respond(int alarm) => flow.Step(() => dispatcher.RespondAsync(alarm));
    }
}
// end

// pattern 29
public sealed class FindRoom(Agency agency) : IFlow<string>
{
    public async Task RunAsync(string town, FlowContext flow)
    {
        string room = await flow.First(
            () => flow.Step(s => agency.HotelAsync(town, s)),
            () => flow.Step(s => agency.HostelAsync(town, s)),
            () => flow.Signal<string>("a friend's sofa", TimeSpan.FromDays(2)));
        await flow.Step(() => agency.SendAsync(room));   // the others are withdrawn
    }
}
// end

// pattern 30
public sealed class JudgeDive(Jury jury) : IFlow<string[]>
{
    public async Task RunAsync(string[] divers, FlowContext flow)
    {
        foreach (string diver in divers)
        {
            Task[] marks = [Mark("Ada"), Mark("Bob"), Mark("Cleo")];
            List<Task> open = [.. marks];
            while (open.Count > 1)        // two of three go on
            {
                open.Remove(await Task.WhenAny(open));
            }

            await flow.Step(() => jury.AnnounceAsync(diver));
            await Task.WhenAll(marks);    // all have come: ready for the next round

            Task Mark(string judge) => flow.Step(() => jury.MarkAsync($"{diver} by {judge}"));
        }
    }
}
// end

// pattern 31
public sealed class Vote(Jury jury) : IFlow<int>
{
    public async Task RunAsync(int rounds, FlowContext flow)
    {
        List<Task> announced = [];
        for (int round = 1; round <= rounds; round++)
        {
            Task[] votes = [Voice("Ada"), Voice("Bob"), Voice("Cleo")];
            List<Task> open = [.. votes];
            while (open.Count > 1)
            {
                open.Remove(await Task.WhenAny(open));
            }

            announced.Add(Announce(round));   // the second of three fires
            await Task.WhenAll(votes);        // ready again when each has come once; one that comes twice waits for that
        }

        await Task.WhenAll(announced);

        Task Voice(string judge) => flow.Signal<string>(judge, TimeSpan.FromDays(1));
        Task Announce(int number) => flow.Step(() => jury.AnnounceAsync($"round {number}"));
    }
}
// end

// pattern 32
public sealed class ApproveCredit(Bank bank) : IFlow<string>
{
    public async Task RunAsync(string credit, FlowContext flow)
    {
        string[] names = await flow.First(2,
            () => flow.Signal<string>("director signs", TimeSpan.FromDays(9)),
            () => flow.Signal<string>("clerk signs", TimeSpan.FromDays(9)),
            () => flow.Step(s => bank.ApproveAsync(credit, s)));
        await flow.Step(() => bank.ArchiveAsync($"{credit} by {string.Join(" and ", names)}"));   // the third is withdrawn
    }
}
// end

// pattern 33
public sealed class BuildBikes(Site site) : IFlow<int>
{
    public async Task RunAsync(int bikes, FlowContext flow)
    {
        Queue<string> frames = [];
        Queue<string> wheels = [];
        await Task.WhenAll(Make("frame", frames), Make("wheels", wheels), Join());

        async Task Make(string part, Queue<string> made)
        {
            for (int i = 1; i <= bikes; i++)
            {
                string number = $"{part} {i}";
                await flow.Step(() => site.MakeAsync(number));
                made.Enqueue(number);   // one that is ahead is kept
            }
        }

        async Task Join()
        {
            for (int i = 1; i <= bikes; i++)
            {
                await flow.Until(() => frames.Count > 0 && wheels.Count > 0, TimeSpan.FromDays(9));
                string parts = $"{frames.Dequeue()} and {wheels.Dequeue()}";
                await flow.Step(() => site.JoinAsync(parts));
            }
        }
    }
}
// end

public class Joins
{
    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Blocking_discriminator_waits_for_the_rest_before_it_may_fire_again(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<StandBy>(restarts, flow => flow.StartAsync(2, "1"));
        await host.SignalAsync("heat");
        await host.SignalAsync("heat");   // blocked: smoke has not come yet
        host.Running.ShouldBe(["Respond 1"]);
        await host.SignalAsync("smoke");   // ready again, and heat is there; the first response still runs
        host.Running.ShouldBe(["Respond 1", "Respond 2"]);
        await host.EndAsync("Respond 2");
        await host.SignalAsync("smoke");
        await host.EndAsync("Respond 1");

        host.Events.ShouldBe([
            "signal heat", "begin Respond 1", "signal heat", "signal smoke", "begin Respond 2", "end Respond 2", "signal smoke", "end Respond 1", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Cancelling_discriminator_withdraws_the_rest(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<FindRoom>(restarts, flow => flow.StartAsync("Oslo", "1"));
        await host.EndAsync("Hostel Oslo", "room 7");
        host.Waits.ShouldBeEmpty();
        await host.EndAsync("Send room 7");

        host.Events.ShouldBe(["begin Hostel Oslo", "begin Hotel Oslo", "end Hostel Oslo", "begin Send room 7", "withdraw Hotel Oslo", "end Send room 7", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Structured_partial_join_fires_once_and_is_ready_again_when_all_have_come(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<JudgeDive>(restarts, flow => flow.StartAsync(["Dan", "Eve"], "1"));
        await host.EndEachAsync("Mark Dan by Cleo", "Mark Dan by Ada", "Announce Dan");
        host.Running.ShouldBe(["Mark Dan by Bob"]);   // Eve's round waits for it
        await host.EndEachAsync("Mark Dan by Bob", "Mark Eve by Ada", "Mark Eve by Bob", "Mark Eve by Cleo", "Announce Eve");

        host.Events.Where(e => e.Contains("Announce")).ShouldBe(["begin Announce Dan", "end Announce Dan", "begin Announce Eve", "end Announce Eve"]);
        host.Events.ShouldContain("end Mark Eve by Bob");
        host.Events[host.Events.ToList().IndexOf("begin Announce Eve") - 1].ShouldBe("end Mark Eve by Bob");
        host.Events[^1].ShouldBe("completed");
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Blocking_partial_join_waits_for_the_rest_before_it_may_fire_again(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<Vote>(restarts, flow => flow.StartAsync(2, "1"));
        await host.SignalAsync("Ada");
        await host.SignalAsync("Ada");    // blocked
        await host.SignalAsync("Cleo");
        await host.SignalAsync("Cleo");   // blocked, though two have come twice
        host.Running.ShouldBe(["Announce round 1"]);
        await host.SignalAsync("Bob");
        host.Running.ShouldBe(["Announce round 1", "Announce round 2"]);
        await host.EndEachAsync("Announce round 1", "Announce round 2");
        await host.SignalAsync("Bob");

        host.Events.ShouldBe([
            "signal Ada", "signal Ada", "signal Cleo", "begin Announce round 1", "signal Cleo", "signal Bob", "begin Announce round 2",
            "end Announce round 1", "end Announce round 2", "signal Bob", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Cancelling_partial_join_withdraws_the_rest(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<ApproveCredit>(restarts, flow => flow.StartAsync("C1", "1"));
        await host.SignalAsync("clerk signs", "Ada");
        host.Running.ShouldBe(["Approve C1"]);   // one of three is not enough
        await host.SignalAsync("director signs", "Bob");
        host.Waits.ShouldBeEmpty();
        await host.EndAsync("Archive C1 by Ada and Bob");

        host.Events.ShouldBe([
            "begin Approve C1", "signal clerk signs", "signal director signs", "begin Archive C1 by Ada and Bob", "withdraw Approve C1",
            "end Archive C1 by Ada and Bob", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Generalized_and_join_keeps_what_comes_ahead(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<BuildBikes>(restarts, flow => flow.StartAsync(2, "1"));
        await host.EndEachAsync("Make frame 1", "Make frame 2");
        host.Running.ShouldBe(["Make wheels 1"]);   // two frames, and no wheels
        await host.EndEachAsync("Make wheels 1", "Make wheels 2", "Join frame 1 and wheels 1", "Join frame 2 and wheels 2");

        host.Events.ShouldBe([
            "begin Make frame 1", "begin Make wheels 1", "end Make frame 1", "begin Make frame 2", "end Make frame 2",
            "end Make wheels 1", "begin Join frame 1 and wheels 1", "begin Make wheels 2", "end Make wheels 2",
            "end Join frame 1 and wheels 1", "begin Join frame 2 and wheels 2", "end Join frame 2 and wheels 2", "completed"]);
    }
}
