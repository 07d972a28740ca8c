namespace Perdure.Patterns.Tests;

// pattern 23
public sealed class Greenhouse(Farm farm) : IFlow<string>
{
    public async Task RunAsync(string house, FlowContext flow)
    {
        await flow.Step(() => farm.WaterAsync(house));

        flow.DropSignals("open window");   // those that came while nobody waited are lost
        await flow.Signal<string>("open window", TimeSpan.FromDays(1));
        await flow.Step(() => farm.OpenWindowAsync(house));
    }
}
// end

// pattern 24
public sealed class Harvest(Farm farm) : IFlow<string>
{
    public async Task RunAsync(string field, FlowContext flow)
    {
        await flow.Step(() => farm.WaterAsync(field));

        await flow.Signal<string>("truck is there", TimeSpan.FromDays(1));   // kept, when it came before
        await flow.Step(() => farm.LoadAsync(field));
    }
}
// end

public class Triggers
{
    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Transient_trigger_is_lost_when_nobody_waits_for_it(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<Greenhouse>(restarts, flow => flow.StartAsync("tomatoes", "1"));
        await host.SignalAsync("open window");
        await host.SignalAsync("open window");
        await host.EndAsync("Water tomatoes");
        host.Waits.ShouldBe(["open window"]);
        await host.SignalAsync("open window");
        await host.EndAsync("OpenWindow tomatoes");

        host.Events.ShouldBe([
            "begin Water tomatoes", "signal open window", "signal open window", "end Water tomatoes",
            "signal open window", "begin OpenWindow tomatoes", "end OpenWindow tomatoes", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Persistent_trigger_waits_until_somebody_takes_it(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<Harvest>(restarts, flow => flow.StartAsync("maize", "1"));
        await host.SignalAsync("truck is there");
        await host.EndAsync("Water maize");
        host.Running.ShouldBe(["Load maize"]);
        await host.EndAsync("Load maize");

        host.Events.ShouldBe(["begin Water maize", "signal truck is there", "end Water maize", "begin Load maize", "end Load maize", "completed"]);
    }
}
