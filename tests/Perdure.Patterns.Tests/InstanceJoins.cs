namespace Perdure.Patterns.Tests;

// pattern 34
public sealed class CountSurvey(Office office) : IFlow<string[]>
{
    public async Task RunAsync(string[] people, FlowContext flow)
    {
        List<Task<string>> open = [.. people.Select(person => flow.Step(() => office.SurveyAsync(person)))];
        while (open.Count > people.Length / 2)   // half of them are enough
        {
            open.Remove(await Task.WhenAny(open));
        }

        await flow.Step(() => office.PublishAsync());
        await Task.WhenAll(open);   // the others come in, and change nothing
    }
}
// end

// pattern 35
public sealed class BuyCheap(Shop shop) : IFlow<string[]>
{
    public async Task RunAsync(string[] suppliers, FlowContext flow)
    {
        int[] offers = await flow.First(3, suppliers, supplier => flow.Step(s => shop.OfferAsync(supplier, s)));
        await flow.Step(() => shop.BuyAsync(offers.Min()));   // after three offers; the others are withdrawn
    }
}
// end

// pattern 36
public sealed class CollectBlood(Clinic clinic) : IFlow<string[]>
{
    public async Task RunAsync(string[] donors, FlowContext flow)
    {
        int bags = 0;
        List<Task> asked = [.. donors.Select(Ask)];
        while (bags < 3)
        {
            string? another = await flow.First<string?>(
                async () => { await flow.Until(() => bags >= 3, TimeSpan.FromDays(2)); return null; },   // asked after each
                async () => await flow.Signal<string>("donor", TimeSpan.FromDays(2)));                    // until then there may be more
            if (another is not null)
            {
                asked.Add(Ask(another));
            }
        }

        await flow.Step(() => clinic.OperateAsync());
        await Task.WhenAll(asked);   // the others come in, and change nothing

        async Task Ask(string donor)
        {
            int given = await flow.Step(() => clinic.DonateAsync(donor));
            bags += given;   // not `bags += await ...`, which reads bags before it waits
        }
    }
}
// end

public class InstanceJoins
{
    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Static_partial_join_for_multiple_instances(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<CountSurvey>(restarts, flow => flow.StartAsync(["Ada", "Bob", "Cleo", "Dan"], "1"));
        await host.EndEachAsync("Survey Dan", "Survey Bob");
        host.Running.ShouldBe(["Publish", "Survey Ada", "Survey Cleo"]);
        await host.EndEachAsync("Survey Ada", "Publish", "Survey Cleo");

        host.Events.Skip(4).ShouldBe(["end Survey Dan", "end Survey Bob", "begin Publish", "end Survey Ada", "end Publish", "end Survey Cleo", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Cancelling_partial_join_for_multiple_instances(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<BuyCheap>(restarts, flow => flow.StartAsync(["A", "B", "C", "D", "E"], "1"));
        await host.EndAsync("Offer D", 40);
        await host.EndAsync("Offer A", 10);
        await host.EndAsync("Offer C", 30);
        await host.EndAsync("Buy 10");

        host.Events.Skip(5).ShouldBe([
            "end Offer D", "end Offer A", "end Offer C", "begin Buy 10", "withdraw Offer B", "withdraw Offer E", "end Buy 10", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Dynamic_partial_join_for_multiple_instances(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<CollectBlood>(restarts, flow => flow.StartAsync(["Ada", "Bob"], "1"));
        await host.EndAsync("Donate Ada", 1);
        await host.SignalAsync("donor", "Cleo");
        await host.SignalAsync("donor", "Dan");
        await host.EndAsync("Donate Dan", 1);
        host.Running.ShouldBe(["Donate Bob", "Donate Cleo"]);   // two bags are not enough
        await host.EndAsync("Donate Cleo", 1);
        host.Running.ShouldBe(["Donate Bob", "Operate"]);   // the condition holds
        await host.SignalAsync("donor", "Eve");   // too late
        await host.EndAsync("Operate");
        await host.EndAsync("Donate Bob", 1);

        host.Events.ShouldBe([
            "begin Donate Ada", "begin Donate Bob", "end Donate Ada", "signal donor", "begin Donate Cleo", "signal donor", "begin Donate Dan",
            "end Donate Dan", "end Donate Cleo", "begin Operate", "signal donor", "end Operate", "end Donate Bob", "completed"]);
    }
}
