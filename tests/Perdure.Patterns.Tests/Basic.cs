namespace Perdure.Patterns.Tests;

// pattern 1
public sealed class SendOrder(Shop shop) : IFlow<string>
{
    public async Task RunAsync(string order, FlowContext flow)
    {
        await flow.Step(() => shop.PackAsync(order));
        await flow.Step(() => shop.ShipAsync(order));
        await flow.Step(() => shop.BillAsync(order));
    }
}
// end

// pattern 2
public sealed class FulfilOrder(Shop shop) : IFlow<string>
{
    public Task RunAsync(string order, FlowContext flow)
    {
        return Task.WhenAll(Goods(), Money());   // both branches begin here, side by side

        async Task Goods()
        {
            await flow.Step(() => shop.PackAsync(order));
            await flow.Step(() => shop.ShipAsync(order));
        }

        async Task Money()
        {
            await flow.Step(() => shop.BillAsync(order));
            await flow.Step(() => shop.BookAsync(order));
        }
    }
}
// end

// pattern 3
public sealed class ShipWhenPaid(Shop shop) : IFlow<string>
{
    public async Task RunAsync(string order, FlowContext flow)
    {
        Task<int> weight = flow.Step(() => shop.WeighAsync(order));
        Task<string> receipt = flow.Step(() => shop.ChargeAsync(order));
        (int grams, string number) = await flow.All(weight, receipt);   // goes on when both are done
        await flow.Step(() => shop.LabelAsync($"{order}, {grams} g, paid by {number}"));
    }
}
// end

// pattern 4
public sealed class AnswerClaim(Insurer insurer) : IFlow<string>
{
    public async Task RunAsync(string claim, FlowContext flow)
    {
        if (await flow.Step(() => insurer.IsCoveredAsync(claim)))
        {
            await flow.Step(() => insurer.PayAsync(claim));
        }
        else
        {
            await flow.Step(() => insurer.DeclineAsync(claim));
        }
    }
}
// end

// pattern 5
public sealed class SettleClaim(Insurer insurer) : IFlow<string>
{
    public async Task RunAsync(string claim, FlowContext flow)
    {
        string answer = await flow.Step(() => insurer.IsCoveredAsync(claim))
            ? await flow.Step(() => insurer.AcceptAsync(claim))
            : await flow.Step(() => insurer.RefuseAsync(claim));
        await flow.Step(() => insurer.WriteAsync(answer));   // whichever branch was taken
    }
}
// end

public class Basic
{
    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Sequence(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<SendOrder>(restarts, flow => flow.StartAsync("tea", "1"));
        await host.EndEachAsync("Pack tea", "Ship tea", "Bill tea");

        host.Events.ShouldBe(["begin Pack tea", "end Pack tea", "begin Ship tea", "end Ship tea", "begin Bill tea", "end Bill tea", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Parallel_split(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<FulfilOrder>(restarts, flow => flow.StartAsync("tea", "1"));
        host.Running.ShouldBe(["Bill tea", "Pack tea"]);
        await host.EndEachAsync("Bill tea", "Book tea", "Pack tea", "Ship tea");

        host.Events.ShouldBe([
            "begin Bill tea", "begin Pack tea",
            "end Bill tea", "begin Book tea", "end Book tea",
            "end Pack tea", "begin Ship tea", "end Ship tea", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never)]
    [InlineData(Restarts.AfterEveryInput)]
    public async Task Synchronization(Restarts restarts)
    {
        await using PatternHost host = await PatternHost.StartAsync<ShipWhenPaid>(restarts, flow => flow.StartAsync("tea", "1"));
        await host.EndAsync("Charge tea", "R7");
        host.Running.ShouldBe(["Weigh tea"]);   // one of two is not enough
        await host.EndAsync("Weigh tea", 250);
        await host.EndAsync("Label tea, 250 g, paid by R7");

        host.Events.ShouldBe([
            "begin Charge tea", "begin Weigh tea", "end Charge tea", "end Weigh tea",
            "begin Label tea, 250 g, paid by R7", "end Label tea, 250 g, paid by R7", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never, true, "Pay")]
    [InlineData(Restarts.Never, false, "Decline")]
    [InlineData(Restarts.AfterEveryInput, true, "Pay")]
    [InlineData(Restarts.AfterEveryInput, false, "Decline")]
    public async Task Exclusive_choice(Restarts restarts, bool isCovered, string chosen)
    {
        await using PatternHost host = await PatternHost.StartAsync<AnswerClaim>(restarts, flow => flow.StartAsync("hail", "1"));
        await host.EndAsync("IsCovered hail", isCovered);
        await host.EndAsync($"{chosen} hail");

        host.Events.ShouldBe(["begin IsCovered hail", "end IsCovered hail", $"begin {chosen} hail", $"end {chosen} hail", "completed"]);
    }

    [Theory]
    [InlineData(Restarts.Never, true, "Accept")]
    [InlineData(Restarts.Never, false, "Refuse")]
    [InlineData(Restarts.AfterEveryInput, true, "Accept")]
    [InlineData(Restarts.AfterEveryInput, false, "Refuse")]
    public async Task Simple_merge(Restarts restarts, bool isCovered, string chosen)
    {
        await using PatternHost host = await PatternHost.StartAsync<SettleClaim>(restarts, flow => flow.StartAsync("hail", "1"));
        await host.EndAsync("IsCovered hail", isCovered);
        await host.EndAsync($"{chosen} hail", "Dear Ada");
        await host.EndAsync("Write Dear Ada");

        host.Events.ShouldBe([
            "begin IsCovered hail", "end IsCovered hail", $"begin {chosen} hail", $"end {chosen} hail",
            "begin Write Dear Ada", "end Write Dear Ada", "completed"]);
    }
}
