namespace Perdure.Patterns.Tests;

public sealed record Claim(string Id, bool IsRegistered);

public sealed record Part(string Name, params Part[] Parts);

// pattern 10
public sealed class HandleClaim(Insurer insurer) : IFlow<Claim, string>
{
    public async Task<string> RunAsync(Claim claim, FlowContext flow)
    {
        if (claim.IsRegistered)
        {
            goto check;   // another way in
        }

    register:
        await flow.Step(() => insurer.RegisterAsync(claim.Id));
    check:
        if (!await flow.Step(() => insurer.IsCoveredAsync(claim.Id)))
        {
            return "declined";   // one way out
        }

        if (!await flow.Step(() => insurer.IsCompleteAsync(claim.Id)))
        {
            goto register;   // around again, as often as it takes
        }

        return await flow.Step(() => insurer.AcceptAsync(claim.Id));   // another way out
    }
}
// end

// pattern 11
public sealed class AfterSale(Shop shop) : IFlow<string>
{
    public Task RunAsync(string order, FlowContext flow)
    {
        return Task.WhenAll(Deliver(), Ask());   // no branch is the last: the run ends when nothing is left to do

        Task Deliver() => flow.Step(() => shop.ShipAsync(order));

        async Task Ask()
        {
            await flow.Delay(TimeSpan.FromDays(7));
            await flow.Step(() => shop.AskForReviewAsync(order));
        }
    }
}
// end

// pattern 21
public sealed class WriteReport(Press press) : IFlow<string>
{
    public async Task RunAsync(string report, FlowContext flow)
    {
        while (await flow.Step(() => press.LacksFactsAsync(report)))   // maybe not at all
        {
            await flow.Step(() => press.ResearchAsync(report));
        }

        do
        {
            await flow.Step(() => press.DraftAsync(report));   // at least once
        }
        while (!await flow.Step(() => press.IsGoodAsync(report)));
    }
}
// end

// pattern 22
public sealed class BuildPart(Site site) : IFlow<Part, int>
{
    public async Task<int> RunAsync(Part part, FlowContext flow)
    {
        int[] weights = await Task.WhenAll(part.Parts.Select(p => flow.Child<BuildPart>().Run(p)));   // itself
        return weights.Sum() + await flow.Step(() => site.AssembleAsync(part.Name));
    }
}
// end

// pattern 43
public sealed class SellHouse(Broker broker) : IFlow<string, string>
{
    public async Task<string> RunAsync(string house, FlowContext flow)
    {
        string? sold = null;
        await flow.First(
            () => flow.Until(() => sold is not null, TimeSpan.FromDays(300)),   // the end, from wherever it is reached
            () => Task.WhenAll(Show("Ada"), Show("Bob"), Advertise()));
        return sold ?? "nobody wants it";

        async Task Show(string buyer)
        {
            if (await flow.Step(s => broker.ShowAsync(buyer, s)))
            {
                sold = $"sold to {buyer}";   // whatever else runs or waits is withdrawn
            }
        }

        async Task Advertise()
        {
            await flow.Step(s => broker.AdvertiseAsync(house, s));
            await flow.Delay(TimeSpan.FromDays(7));
        }
    }
}
// end

public class Iteration
{
    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Arbitrary_cycles_have_several_ways_in_and_out(Restarts restarts)
    {
        await using PatternHost early = await PatternHost.StartAsync<HandleClaim>(restarts, flow => flow.StartAsync(new Claim("hail", IsRegistered: false), "1"));
        await early.EndAsync("Register hail");
        await early.EndAsync("IsCovered hail", true);
        await early.EndAsync("IsComplete hail", false);
        await early.EndAsync("Register hail");
        await early.EndAsync("IsCovered hail", false);

        early.Events.Where(e => e.StartsWith("begin", StringComparison.Ordinal)).ShouldBe([
            "begin Register hail", "begin IsCovered hail", "begin IsComplete hail", "begin Register hail", "begin IsCovered hail"]);
        early.Result.ShouldBe("declined");

        await using PatternHost late = await PatternHost.StartAsync<HandleClaim>(restarts, flow => flow.StartAsync(new Claim("fire", IsRegistered: true), "1"));
        await late.EndAsync("IsCovered fire", true);
        await late.EndAsync("IsComplete fire", true);
        await late.EndAsync("Accept fire", "paid");

        late.Events.Where(e => e.StartsWith("begin", StringComparison.Ordinal)).ShouldBe(["begin IsCovered fire", "begin IsComplete fire", "begin Accept fire"]);
        late.Result.ShouldBe("paid");
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Implicit_termination_ends_with_whatever_is_the_last(Restarts restarts)
    {
        await using PatternHost slow = await PatternHost.StartAsync<AfterSale>(restarts, flow => flow.StartAsync("tea", "1"));
        await slow.PassAsync(TimeSpan.FromDays(8));
        await slow.EndEachAsync("AskForReview tea", "Ship tea");
        slow.Events.ShouldBe(["begin Ship tea", "pass 8 d", "begin AskForReview tea", "end AskForReview tea", "end Ship tea", "completed"]);

        await using PatternHost quick = await PatternHost.StartAsync<AfterSale>(restarts, flow => flow.StartAsync("tea", "1"));
        await quick.EndAsync("Ship tea");
        quick.Run.Status.ShouldBe(FlowStatus.Running);   // something can still happen
        await quick.PassAsync(TimeSpan.FromDays(8));
        await quick.EndAsync("AskForReview tea");
        quick.Events.ShouldBe(["begin Ship tea", "end Ship tea", "pass 8 d", "begin AskForReview tea", "end AskForReview tea", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Structured_loop(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<WriteReport>(restarts, flow => flow.StartAsync("bees", "1"));
        await host.EndAsync("LacksFacts bees", true);
        await host.EndAsync("Research bees");
        await host.EndAsync("LacksFacts bees", false);
        await host.EndAsync("Draft bees");
        await host.EndAsync("IsGood bees", false);
        await host.EndAsync("Draft bees");
        await host.EndAsync("IsGood bees", true);

        host.Events.Where(e => e.StartsWith("begin", StringComparison.Ordinal)).ShouldBe([
            "begin LacksFacts bees", "begin Research bees", "begin LacksFacts bees",
            "begin Draft bees", "begin IsGood bees", "begin Draft bees", "begin IsGood bees"]);
        host.Events[^1].ShouldBe("completed");
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Recursion(Restarts restarts)
    {
        var bike = new Part("bike", new Part("frame"), new Part("wheel", new Part("spoke")));
        await using PatternHost host = await PatternHost.StartAsync<BuildPart>(restarts, flow => flow.StartAsync(bike, "1"));
        host.Running.ShouldBe(["Assemble frame", "Assemble spoke"]);
        await host.EndAsync("Assemble spoke", 1);
        await host.EndAsync("Assemble wheel", 10);
        await host.EndAsync("Assemble frame", 100);
        await host.EndAsync("Assemble bike", 1000);

        host.Events.ShouldBe([
            "begin Assemble frame", "begin Assemble spoke", "end Assemble spoke", "begin Assemble wheel", "end Assemble wheel",
            "end Assemble frame", "begin Assemble bike", "end Assemble bike", "completed"]);
        host.Result.ShouldBe("1111");
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Explicit_termination_withdraws_what_is_left_and_completes(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<SellHouse>(restarts, flow => flow.StartAsync("villa", "1"));
        await host.EndAsync("Show Ada", false);   // the end of a branch is not the end
        await host.EndAsync("Advertise villa");
        host.Waits.ShouldBe(["condition", "delay"]);
        await host.EndAsync("Show Bob", true);   // this is: the delay is withdrawn

        host.Events.ShouldBe([
            "begin Advertise villa", "begin Show Ada", "begin Show Bob", "end Show Ada", "end Advertise villa", "end Show Bob", "completed"]);
        host.Result.ShouldBe("sold to Bob");

        await using PatternHost soon = await PatternHost.StartAsync<SellHouse>(restarts, flow => flow.StartAsync("villa", "1"));
        await soon.EndAsync("Show Ada", true);

        soon.Events.ShouldBe([
            "begin Advertise villa", "begin Show Ada", "begin Show Bob", "end Show Ada",
            "withdraw Advertise villa", "withdraw Show Bob", "completed"]);
        soon.Result.ShouldBe("sold to Ada");
    }
}
