using Perdure;
using Perdure.Shared;
using Perdure.Testing;

namespace Fulfilment.Tests;

/// <summary>"Fetch the goods before the payment": one edit in one file, and orders that run finish the old way.</summary>
public sealed class ChangeTests
{
    private static readonly Order Running = Some.WithExpiredCard;
    private static readonly Order Untouched = Some.Good with { Id = "11" };
    private static readonly Order New = Some.WithExpiredCard with { Id = "12" };

    [Theory]
    [InlineData(Style.Orchestrated)]
    [InlineData(Style.Queues)]
    public async Task Orders_that_run_finish_the_old_way_and_new_ones_go_the_new_way(Style style)
    {
        await using World world = await World.StartAsync(new FulfilmentOptions { Style = style });
        await world.PlaceAsync(Running);                                    // waits for another card, before its goods
        world.Facts(Running).Picks.ShouldBe(0);
        await world.PauseAsync("order");
        await world.Shop.PlaceAsync(Untouched);                             // placed before, begun after

        await world.DeployAsync(options => options with { Leader = Changed.FulfilOrder.Register });
        await world.ResumeAsync("order");
        await world.PlaceAsync(New);
        (world.Facts(Running).Picks, world.Facts(New).Picks).ShouldBe((0, 1));

        await world.UpdateCardAsync(Running, "visa-9");
        await world.UpdateCardAsync(New, "visa-9");

        world.ShouldBeInOrder();
        foreach ((Order order, int version) in ((Order, int)[])[(Running, 1), (Untouched, 2), (New, 2)])
        {
            FlowDescription run = await world.Perdure.Get("fulfil-order", order.Id).DescribeAsync();
            run.ShouldHaveCompleted().Version.ShouldBe(version);
            string[] asked = [.. run.Asks.Where(ask => ask.Name is "retrieve-payment-command" or "fetch-goods-command").Select(ask => ask.Name)];
            asked.ShouldBe(version == 1 ? ["retrieve-payment-command", "fetch-goods-command"] : ["fetch-goods-command", "retrieve-payment-command"]);
            world.Facts(order).End.ShouldBe("completed");
        }
    }

    [Fact]
    public async Task The_new_way_puts_goods_back_when_nobody_pays()
    {
        await using World world = await World.StartAsync(new FulfilmentOptions { Leader = Changed.FulfilOrder.Register });
        await world.PlaceAsync(New);
        world.Facts(New).Picks.ShouldBe(1);

        await world.PassAsync(TimeSpan.FromDays(8));

        world.Facts(New).End.ShouldBe("cancelled");
        world.ShouldBeInOrder();
        world.Heard(New).ShouldContain(nameof(PutBackGoodsCommand));
        world.Heard(New).ShouldNotContain(nameof(RefundPaymentCommand));
    }

    /// <summary>What an author does: keep the class under another name for the orders that run, move a line, and raise the version. No other file knows the order of things.</summary>
    [Fact]
    public async Task The_change_is_one_edit_in_one_file()
    {
        const string Pay = "            await requests.RetrievePayment();\n";
        const string Fetch = "            GoodsFetchedEvent goods = await requests.FetchGoods();\n";
        string before = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "samples/Fulfilment/Ordering/FulfilOrder.cs"));
        string after = await File.ReadAllTextAsync(Path.Combine(SourceTree.Root, "tests/Fulfilment.Tests/Changed/FulfilOrder.cs"));
        string body = before[before.IndexOf("[Named", StringComparison.Ordinal)..];
        string register = body[body.IndexOf("    public static", StringComparison.Ordinal)..body.IndexOf("    public async", StringComparison.Ordinal)];

        string old = "\n/// <summary>Leads the orders that it began.</summary>\n" + body.Replace("FulfilOrder(", "FulfilOrder1(", StringComparison.Ordinal).Replace(register, "", StringComparison.Ordinal);
        string expected = before.Replace("using Perdure;", "using Fulfilment.Ordering;\nusing Perdure;", StringComparison.Ordinal)
            .Replace("namespace Fulfilment.Ordering;", "namespace Fulfilment.Tests.Changed;", StringComparison.Ordinal)
            .Replace("Version = 1", "Version = 2", StringComparison.Ordinal)
            .Replace(Pay + Fetch, Fetch + Pay, StringComparison.Ordinal)
            .Replace(".AddFlow", ".AddFlow<FulfilOrder1>().AddFlow", StringComparison.Ordinal) + old;
        after.ShouldBe(expected);
    }
}
