using System.Text.RegularExpressions;
using System.Xml.Linq;
using Perdure.Testing;

namespace Perdure.Events.Tests;

/// <summary>Who publishes, who hears, who waits; and what looks like a mistake in it.</summary>
public sealed class TopologyTests
{
    [Fact]
    public async Task What_is_declared_and_what_is_seen_come_together()
    {
        await using Market market = await Market.OpenAsync((m, p) => p
            .Subscribe<Placed>("cashier", (e, job) =>
            {
                job.Publish(new Paid(e.Order));
                return Task.CompletedTask;
            })
            .AddFlow<FlowEventTests.Deliver>().StartOn<Placed, FlowEventTests.Deliver>()
            .AddFlow<string>("wait", (order, flow) => flow.Event<Paid>(order, TimeSpan.FromDays(1)), f => f.Awaits<Paid>())
            .AddFlow<string>("ship", (order, flow) =>
            {
                flow.Publish(new Shipped(order));
                return Task.CompletedTask;
            }, f => f.Publishes<Shipped>()));
        await market.Perdure.Flow<string, NoResult>("wait").StartAsync("2", "2");
        await market.PublishAsync("1");
        await market.Test.AdvanceAsync(TimeSpan.FromMinutes(1));

        Topology topology = await market.Perdure.TopologyAsync();

        topology.ToText().Split('\n').ShouldBe([
            "outside callers", "  publishes placed (not declared)",
            "flow deliver", "flow ship", "  publishes shipped (not seen)", "flow wait",
            "subscription cashier", "  publishes paid (not declared)",
            "subscription start-deliver", "  starts deliver",
            "event paid", "  is awaited by wait",
            "event placed", "  is heard by cashier", "  is heard by start-deliver",
            "event shipped",
            "! nobody hears of event shipped, and no flow waits for it: is a Subscribe missing, or the event not needed?",
        ]);
        topology.ToMermaid().ShouldStartWith("flowchart LR");
        XDocument.Parse(topology.ToSvg()).Root!.Name.LocalName.ShouldBe("svg");
    }

    [Fact]
    public async Task Circles_and_long_chains_are_found()
    {
        await using Market market = await Market.OpenAsync((m, p) => p
            .Subscribe<Placed>("one", Nothing).AddSubscription("one", s => s.Publishes<Paid>())
            .Subscribe<Paid>("two", Nothing).AddSubscription("two", s => s.Publishes<Shipped>())
            .Subscribe<Shipped>("three", Nothing).AddSubscription("three", s => s.Publishes<Paid>()));

        Topology topology = await market.Perdure.TopologyAsync(new TopologyOptions { ChainMax = 2 });

        TopologySmell circle = topology.Smells.Single(s => s.Kind == TopologySmellKind.Cycle);
        circle.Nodes.Order().ShouldBe(["event:paid", "event:shipped", "subscription:three", "subscription:two"]);
        topology.Smells.Single(s => s.Kind == TopologySmellKind.LongChain).Message.ShouldContain("one → paid → two → shipped → three");
        topology.Nodes.Single(n => n.Id == "subscription:two").IsSmelly.ShouldBeTrue();
    }

    [Fact]
    public async Task Runs_that_wait_for_ever_or_are_open_for_too_long_are_found()
    {
        await using Market market = await Market.OpenAsync((_, p) => p
            .AddFlow<string>("patient", (order, flow) => flow.Event<Paid>(order, TimeSpan.FromDays(100_000)))
            .AddFlow<string>("slow", (order, flow) => flow.Event<Paid>(order, TimeSpan.FromDays(200))), TestTime.ByHand);
        await market.Perdure.Flow<string, NoResult>("patient").StartAsync("1", "1");
        await market.Perdure.Flow<string, NoResult>("slow").StartAsync("1", "1");
        await market.Test.AdvanceAsync(TimeSpan.FromDays(100));

        Topology topology = await market.Perdure.TopologyAsync();

        topology.Smells.Where(s => s.Kind == TopologySmellKind.NoLimit).ShouldHaveSingleItem().Nodes.ShouldBe(["flow:patient"]);
        topology.Smells.Where(s => s.Kind == TopologySmellKind.NeverEnds).SelectMany(s => s.Nodes).ShouldBe(["flow:patient", "flow:slow"]);
    }

    [Theory]
    [InlineData("flow:x")]
    [InlineData("job:x")]
    [InlineData("event:order/1")]
    [InlineData("flow:")]
    [InlineData("anything")]
    public async Task What_an_event_from_outside_says_of_its_cause_may_be_anything(string cause)
    {
        await using Market market = await Market.OpenAsync((_, p) => p.Subscribe<Placed>("kitchen", Nothing));
        await market.Perdure.PublishCloudEventAsync(System.Text.Encoding.UTF8.GetBytes($$$"""{"specversion":"1.0","id":"1","source":"/","type":"placed","causationid":"{{{cause}}}","data":{"order":"1"}}"""));

        Topology topology = await market.Perdure.TopologyAsync();

        topology.ToText().ShouldContain("outside others\n  publishes placed");
        (await market.Perdure.TransactionAsync("1")).ToText().ShouldContain("event placed 1");
    }

    [Fact]
    public async Task The_picture_of_a_business_transaction_is_valid_whatever_its_names_are()
    {
        const string Odd = "end \"x\" <script>alert(1)</script>; # end %% `a` \u2028 \u202e $$x$$ ]]> &";
        await using Market market = await Market.OpenAsync((_, p) => p.Subscribe<Placed>("kitchen", Nothing).AddFlow<string>("shop", async (order, flow) =>
        {
            await flow.Step(() => Task.CompletedTask, name: "1. pay");
            await flow.Step(() => Task.CompletedTask, name: "- ship");
            flow.Publish(new Placed(order));
        }));
        await market.Perdure.Flow<string, NoResult>("shop").StartAsync(Odd, "1", new StartOptions { CorrelationId = Odd });
        await market.Test.IdleAsync();

        BusinessTransaction picture = await market.Perdure.TransactionAsync(Odd);

        string[] graph = picture.ToMermaidGraph().TrimEnd().Split('\n');
        graph.ShouldAllBe(line => Regex.IsMatch(line, """^(flowchart LR|    classDef .*|    n\d+ -?\.?-?->? ?n?.*|    n\d+[\[({/]+"[^"`;<>&%$]*((#\d+;|<br/>)[^"`;<>&%$]*)*"[\])}/]+(:::\w+)?)$"""));
        graph.ShouldContain(line => line.Contains("\"1#46; pay", StringComparison.Ordinal));
        graph.ShouldContain(line => line.Contains("\"#45; ship", StringComparison.Ordinal));
        picture.ToMermaidSequence().TrimEnd().Split('\n').ShouldAllBe(line => Regex.IsMatch(line, """^(sequenceDiagram|    participant p\d+ as .+|    p\d+(->>|-->>|-\))p\d+: ([^"`;<>&%$#]|#\d+;)+)$"""));
        picture.ToMermaidSequence().ShouldContain("#101;nd #34;x#34; #60;script#62;");
        XDocument.Parse(picture.ToGraphSvg()).Descendants().ShouldAllBe(e => e.Name.LocalName != "script");
        XDocument.Parse(picture.ToSequenceSvg()).Root!.Elements().First().Value.ShouldStartWith("end \"x\" <script>");
    }

    private static Task Nothing<TEvent>(TEvent e, JobContext job) => Task.CompletedTask;
}
