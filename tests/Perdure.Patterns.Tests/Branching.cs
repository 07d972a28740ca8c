namespace Perdure.Patterns.Tests;

public sealed record Call(string Place, bool Burns, bool Hurts, bool Blocks);

public sealed record Trip(string Id, bool ByPlane, bool ByCar);

// pattern 6
public sealed class SendHelp(Dispatcher dispatcher) : IFlow<Call>
{
    public async Task RunAsync(Call call, FlowContext flow)
    {
        List<Task> sent = [];
        if (call.Burns)
        {
            sent.Add(flow.Step(() => dispatcher.FireBrigadeAsync(call.Place)));
        }

        if (call.Hurts)
        {
            sent.Add(flow.Step(() => dispatcher.AmbulanceAsync(call.Place)));
        }

        if (call.Blocks)
        {
            sent.Add(flow.Step(() => dispatcher.PoliceAsync(call.Place)));
        }

        await Task.WhenAll(sent);
    }
}
// end

// pattern 7
public sealed class BookTrip(Agency agency) : IFlow<Trip>
{
    public async Task RunAsync(Trip trip, FlowContext flow)
    {
        List<Task<string>> chosen = [];
        if (trip.ByPlane)
        {
            chosen.Add(flow.Step(() => agency.FlightAsync(trip.Id)));
        }

        if (trip.ByCar)
        {
            chosen.Add(flow.Step(() => agency.CarAsync(trip.Id)));
        }

        string[] tickets = await Task.WhenAll(chosen);   // waits for those that were chosen, one or both
        await flow.Step(() => agency.SendAsync(string.Join(" and ", tickets)));
    }
}
// end

// pattern 8
public sealed class PrepareSite(Site site) : IFlow<string>
{
    public Task RunAsync(string plot, FlowContext flow)
    {
        return Task.WhenAll(Clear(), Drain());

        async Task Clear()
        {
            await flow.Step(() => site.ClearAsync(plot));
            await Inspect("the ground");   // here the branches meet,
        }

        async Task Drain()
        {
            await flow.Step(() => site.DrainAsync(plot));
            await Inspect("the pipes");
        }

        async Task Inspect(string part)   // and this runs once for each, as it comes
        {
            await flow.Step(() => site.InspectAsync(part));
            await flow.Step(() => site.ReportAsync(part));
        }
    }
}
// end

// pattern 9
public sealed class Triage(Clinic clinic) : IFlow<string[]>
{
    public async Task RunAsync(string[] patients, FlowContext flow)
    {
        foreach (string patient in patients)
        {
            Task[] checks = [flow.Step(() => clinic.PulseAsync(patient)), flow.Step(() => clinic.BreathAsync(patient))];
            await Task.WhenAny(checks);   // the first goes on; the other runs to its end, and is ignored
            await flow.Step(() => clinic.TreatAsync(patient));
            await Task.WhenAll(checks);   // all have come: ready for the next round
        }
    }
}
// end

public class Branching
{
    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Multi_choice(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<SendHelp>(restarts, flow => flow.StartAsync(new Call("mill", Burns: true, Hurts: false, Blocks: true), "1"));
        host.Running.ShouldBe(["FireBrigade mill", "Police mill"]);
        await host.EndEachAsync("Police mill", "FireBrigade mill");

        host.Events.ShouldBe(["begin FireBrigade mill", "begin Police mill", "end Police mill", "end FireBrigade mill", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never, true, true, "AF1 and K2")]
    [InlineData(Restarts.AfterEveryInput, true, true, "AF1 and K2")]
    [InlineData(Restarts.AfterEveryInput, true, false, "AF1")]
    [InlineData(Restarts.AfterEveryInput, false, true, "K2")]
    public async Task Structured_synchronizing_merge_waits_for_the_branches_that_were_chosen(Restarts restarts, bool byPlane, bool byCar, string tickets)
    {
        await using PatternHost host = await PatternHost.StartAsync<BookTrip>(restarts, flow => flow.StartAsync(new Trip("Oslo", byPlane, byCar), "1"));
        if (byCar)
        {
            await host.EndAsync("Car Oslo", "K2");
        }

        if (byPlane)
        {
            host.Running.ShouldBe(["Flight Oslo"]);
            await host.EndAsync("Flight Oslo", "AF1");
        }

        await host.EndAsync($"Send {tickets}");

        host.Events.Count(e => e.StartsWith("begin Send", StringComparison.Ordinal)).ShouldBe(1);
        host.Events[^1].ShouldBe("completed");
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Multi_merge_goes_on_once_for_each_branch(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<PrepareSite>(restarts, flow => flow.StartAsync("plot 5", "1"));
        await host.EndEachAsync("Drain plot 5", "Inspect the pipes", "Clear plot 5");
        host.Running.ShouldBe(["Inspect the ground", "Report the pipes"]);   // two threads behind the merge
        await host.EndEachAsync("Inspect the ground", "Report the ground", "Report the pipes");

        host.Events.ShouldBe([
            "begin Clear plot 5", "begin Drain plot 5",
            "end Drain plot 5", "begin Inspect the pipes", "end Inspect the pipes", "begin Report the pipes",
            "end Clear plot 5", "begin Inspect the ground", "end Inspect the ground", "begin Report the ground", "end Report the ground",
            "end Report the pipes", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Structured_discriminator_fires_once_and_is_ready_again_when_all_have_come(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<Triage>(restarts, flow => flow.StartAsync(["Ada", "Bob"], "1"));
        await host.EndEachAsync("Breath Ada", "Treat Ada");
        host.Running.ShouldBe(["Pulse Ada"]);   // Bob's round waits for it
        await host.EndEachAsync("Pulse Ada", "Pulse Bob", "Breath Bob", "Treat Bob");

        host.Events.ShouldBe([
            "begin Breath Ada", "begin Pulse Ada", "end Breath Ada", "begin Treat Ada", "end Treat Ada", "end Pulse Ada",
            "begin Breath Bob", "begin Pulse Bob", "end Pulse Bob", "begin Treat Bob", "end Breath Bob", "end Treat Bob", "completed"]);
    }
}
