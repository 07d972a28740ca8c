using Perdure;

namespace Fulfilment.Tests;

/// <summary>What the choreography smells of, and the orchestration does not: read off the topology and the events, not off the code.</summary>
public sealed class SmellTests : IAsyncLifetime
{
    private World _choreographed = null!;
    private World _orchestrated = null!;
    private Topology _topology = null!;
    private Topology _led = null!;

    public async Task InitializeAsync()
    {
        _choreographed = await World.StartAsync(new FulfilmentOptions { Style = Style.Choreographed });
        _orchestrated = await World.StartAsync(new FulfilmentOptions());
        await _choreographed.PlaceAsync(Some.Good);
        await _orchestrated.PlaceAsync(Some.Good);
        _topology = await _choreographed.Perdure.TopologyAsync(new TopologyOptions { ChainMax = 3 });
        _led = await _orchestrated.Perdure.TopologyAsync(new TopologyOptions { ChainMax = 3 });
    }

    public async Task DisposeAsync()
    {
        await _choreographed.DisposeAsync();
        await _orchestrated.DisposeAsync();
    }

    [Fact]
    public void The_story_is_a_chain_that_no_service_sees_the_whole_of()
    {
        foreach (TopologySmellKind kind in (TopologySmellKind[])[TopologySmellKind.LongChain, TopologySmellKind.Cycle])
        {
            TopologySmell smell = _topology.Smells.Single(smell => smell.Kind == kind);
            ((string[])["payment", "inventory", "shipment"]).ShouldBeSubsetOf(smell.Nodes.Select(id => NameOf(_topology, id)));
        }

        string[] done = ["payment-received", "goods-fetched", "goods-shipped"];
        _topology.Nodes.Where(node => node.Kind is TopologyNodeKind.Flow or TopologyNodeKind.Subscription && node.Name is not ("heard" or "track-fulfilment"))
            .ShouldAllBe(service => done.Count(type => Touches(_topology, service, type)) < done.Length);
        TopologyNode leader = _led.Nodes.Single(node => node.Name == "fulfil-order");
        done.ShouldAllBe(type => Touches(_led, leader, $"{type}-event"));
    }

    [Fact]
    public void Payment_hears_of_a_foreign_event_and_must_know_its_shape()
    {
        Hearers(_topology, "order-placed").ShouldContain("payment");
        Hearers(_led, "order-placed-event").ShouldBe(["order"], ignoreOrder: true, customMessage: "Order alone knows orders");
        Hearers(_led, "retrieve-payment-command").ShouldContain("payment", "and commands Payment in Payment's own words");
    }

    [Fact]
    public async Task Nobody_owns_the_order_id()
    {
        _topology.Nodes.ShouldNotContain(node => node.Name == "order");
        (await KeysAsync(_choreographed, "payment-received", "goods-fetched", "goods-shipped")).ShouldAllBe(key => key == Some.Good.Id, "each service answers under an id that is not its own");
        (await KeysAsync(_orchestrated, "payment-received-event", "goods-fetched-event", "goods-shipped-event")).Distinct().Count().ShouldBe(3, "each under the request that it was sent");
    }

    [Fact]
    public async Task Payment_computes_the_orders_total()
    {
        (await DataAsync(_choreographed, "order-placed")).ShouldNotContain(":50");
        (await DataAsync(_choreographed, "credit-card-charged-event")).ShouldContain("\"amount\":50", customMessage: "which only the articles and their prices give");
        (await DataAsync(_orchestrated, "retrieve-payment-command")).ShouldContain("\"amount\":50");
    }

    [Fact]
    public async Task The_whole_order_travels_through_every_service()
    {
        foreach (string type in (string[])["order-placed", "payment-received", "goods-fetched", "goods-shipped", "order-completed"])
        {
            (await DataAsync(_choreographed, type)).ShouldContain("\"card\":\"visa-1\"", customMessage: type);
        }

        (await DataAsync(_orchestrated, "fetch-goods-command")).ShouldNotContain("visa");
        (await DataAsync(_orchestrated, "ship-goods-command")).ShouldNotContain("visa");
    }

    [Fact]
    public void Shipment_declares_the_order_complete()
    {
        Publishers(_topology, "order-completed").ShouldBe(["shipment"]);
        Publishers(_led, "order-completed-event").ShouldBe(["fulfil-order"]);
    }

    [Fact]
    public async Task Over_queues_no_command_is_heard_by_anybody_but_its_service()
    {
        await using World world = await World.StartAsync(new FulfilmentOptions { Style = Style.Queues });
        await world.PlaceAsync(Some.Good);

        Topology topology = await world.Perdure.TopologyAsync();

        topology.Nodes.Where(node => node.Kind == TopologyNodeKind.Event).Select(node => node.Name).ShouldBe(
        [
            "credit-card-charged-event", "credit-card-updated-event", "customer-credit-used-event", "new-card-wanted-event", "order-cancelled-event", "order-completed-event", "order-placed-event",
        ]);
    }

    private static string[] Hearers(Topology topology, string type)
        => [.. topology.Edges.Where(edge => edge.Kind == TopologyEdgeKind.HeardBy && edge.From == IdOf(topology, type)).Select(edge => NameOf(topology, edge.To)).Where(name => name is not ("heard" or "tracking"))];

    private static string[] Publishers(Topology topology, string type)
        => [.. topology.Edges.Where(edge => edge.Kind == TopologyEdgeKind.Publishes && edge.To == IdOf(topology, type)).Select(edge => NameOf(topology, edge.From))];

    private static bool Touches(Topology topology, TopologyNode service, string type)
        => topology.Edges.Any(edge => (edge.From, edge.To) == (service.Id, IdOf(topology, type)) || (edge.From, edge.To) == (IdOf(topology, type), service.Id));

    private static string IdOf(Topology topology, string type) => topology.Nodes.Single(node => node.Kind == TopologyNodeKind.Event && node.Name == type).Id;

    private static string NameOf(Topology topology, string id) => topology.Nodes.Single(node => node.Id == id).Name;

    private static async Task<List<string?>> KeysAsync(World world, params string[] types)
    {
        List<string?> keys = [];
        foreach (string type in types)
        {
            keys.Add((await world.Perdure.ListAsync(new EventFilter { Type = type }).SingleAsync()).Key);
        }

        return keys;
    }

    private static async Task<string> DataAsync(World world, string type) => (await world.Perdure.ListAsync(new EventFilter { Type = type }).SingleAsync()).Data.GetRawText();
}
