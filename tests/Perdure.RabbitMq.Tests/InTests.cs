using System.Globalization;
using System.Text;
using Perdure.Storage;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Perdure.RabbitMq.Tests;

/// <summary>Messages that come in.</summary>
[Collection(OneBroker.Name)]
public sealed class InTests(RabbitServer server)
{
    private const int BytesMax = 4_096;

    [Fact]
    public async Task Both_modes_come_in_with_all_that_they_say()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        await using App app = await StartAsync("in-modes");
        await app.Log.SeenAsync(l => l.Contains("rabbitmq/in-modes is connected", StringComparison.Ordinal), "the connection");

        await peer.SendAsync("in-modes-exchange", """{"order":"1","number":1}""", Binary("cloudEvents:", "b-1", ("subject", "1"), ("time", "2024-05-01T12:00:00+02:00"), ("tenant", "north"), ("priority", 7)));
        await peer.SendAsync("in-modes-exchange", """{"order":"2","number":2}""", Binary("cloudEvents_", "b-2"));
        await peer.SendAsync("in-modes-exchange", """{"specversion":"1.0","id":"s-1","source":"/web","type":"placed","tenant":"south","data":{"order":"3","number":3}}""");
        await app.Heard.CountAsync(3);

        app.Heard.All.ShouldBe([new Placed("1", 1), new Placed("2", 2), new Placed("3", 3)]);
        List<EventInfo> events = await app.EventsAsync("order");
        events.Select(e => (e.Id, e.Source, e.Key)).ShouldBe([("b-1", "/web", "1"), ("b-2", "/web", "2"), ("s-1", "/web", "3")]);
        events[0].Time.ShouldBe(new DateTimeOffset(2024, 5, 1, 10, 0, 0, TimeSpan.Zero));
        string written = Encoding.UTF8.GetString(events[0].ToCloudEvent());
        written.ShouldContain("\"tenant\":\"north\"");
        written.ShouldContain("\"priority\":7");
        written.ShouldContain("\"perdurebridge\":\"rabbitmq\"");
    }

    [Fact]
    public async Task What_cannot_be_an_event_is_set_aside_with_the_reason_and_the_rest_goes_on()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        await using App app = await StartAsync("in-poison", p => p.Options.PayloadBytesMax = BytesMax);
        await app.Log.SeenAsync(l => l.Contains("rabbitmq/in-poison is connected", StringComparison.Ordinal), "the connection");
        Tap letters = await peer.ReadAsync("in-poison.dead-letters");

        (string Code, string Body, BasicProperties Properties)[] bad =
        [
            ("PRD6005", "this is no JSON", Structured()),
            ("PRD6005", "[1]", Structured()),
            ("PRD6005", """{"order":"1"}""", new BasicProperties { ContentType = "application/json", Expiration = "60000", Headers = new Dictionary<string, object?> { ["mine"] = "kept", ["CC"] = new List<object> { "elsewhere" } } }),
            ("PRD6005", "not json either", Binary("cloudEvents:", "x")),
            ("PRD6005", "", Binary("cloudEvents:", "x")),
            ("PRD6005", """{"order":"1"}""", Binary("cloudEvents:", "x", ("odd", new List<object> { 1 }))),
            ("PRD6005", "[]", new BasicProperties { ContentType = "application/cloudevents-batch+json" }),
            ("PRD6005", Event("x", version: "0.3"), Structured()),
            ("PRD6001", Event("x", type: "unheard-of"), Structured()),
            ("PRD6002", Event("x", data: """{"order":""}"""), Structured()),
            ("PRD6003", Event("first", data: """{"order":"other"}"""), Structured()),
            ("PRD6004", Event("x", time: DateTimeOffset.UtcNow.AddDays(1).ToString("O")), Structured()),
            ("PRD1006", Event("x", data: """{"order":{"is":"no text"}}"""), Structured()),
            ("PRD1005", Event("x", data: $$"""{"order":"{{new string('x', BytesMax)}}"}"""), Structured()),
            ("PRD1007", Event("x", source: new string('x', 401)), Structured()),
        ];
        await peer.SendAsync("in-poison-exchange", Event("first"));
        foreach ((_, string body, BasicProperties properties) in bad)
        {
            await peer.SendAsync("in-poison-exchange", body, properties);
        }

        await peer.SendAsync("in-poison-exchange", Event("first")); // the same once more
        await peer.SendAsync("in-poison-exchange", Event("last"));
        List<BasicDeliverEventArgs> dead = await letters.NextAsync(bad.Length);
        await app.Heard.CountAsync(2);

        dead.Select(d => (d.Header("perdure-code"), d.Text())).ShouldBe(bad.Select(b => ((string?)b.Code, b.Body)), ignoreOrder: true);
        dead.ShouldAllBe(d => d.Header("perdure-reason")!.Length > 10 && d.Header("perdure-queue") == "in-poison" && d.RoutingKey == "any");
        dead.ShouldContain(d => d.Header("mine") == "kept" && !d.BasicProperties.IsExpirationPresent());
        (await app.EventsAsync("order")).Select(e => e.Id).ShouldBe(["first", "last"]);
        app.Heard.All.Count.ShouldBe(2);
        app.Log.All.Count(l => l.StartsWith("PRD7005", StringComparison.Ordinal)).ShouldBe(bad.Length);
    }

    [Fact]
    public async Task A_message_whose_headers_leave_no_room_for_the_reason_is_set_aside_without_them()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        await using App app = await StartAsync("in-headers");
        await app.Log.SeenAsync(l => l.Contains("rabbitmq/in-headers is connected", StringComparison.Ordinal), "the connection");
        Tap letters = await peer.ReadAsync("in-headers.dead-letters");

        await peer.SendAsync("in-headers-exchange", "no event", new BasicProperties { MessageId = "m-1", Headers = new Dictionary<string, object?> { ["mine"] = new string('x', 130_850) } });
        await peer.SendAsync("in-headers-exchange", Event("next"));
        BasicDeliverEventArgs dead = await letters.NextAsync();
        await app.Heard.CountAsync(1);

        (dead.Header("perdure-code"), dead.Header("mine")).ShouldBe(("PRD6005", null));
        int.Parse(dead.Header("perdure-headers")!, CultureInfo.InvariantCulture).ShouldBeGreaterThan(0); // client libraries add their own
        (dead.Text(), dead.BasicProperties.MessageId).ShouldBe(("no event", "m-1"));
    }

    [Fact]
    public async Task While_the_store_is_away_messages_wait()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        IStore store = FailingStore.Around(new MemoryStore(Guid.NewGuid()), out FailingStore faults);
        await using App app = await App.StartAsync(p => p.UseStore(_ => store), server, r => r.In("in-store", q => q.Bind("in-store-exchange")));
        await app.Log.SeenAsync(l => l.Contains("rabbitmq/in-store is connected", StringComparison.Ordinal), "the connection");

        faults.Fails = true;
        await peer.SendAsync("in-store-exchange", Event("e-1"));
        await app.Log.SeenAsync(l => l.Contains("cannot publish 1 messages", StringComparison.Ordinal), "a message that waits");
        faults.Fails = false;
        await app.Heard.CountAsync(1);

        (await app.EventsAsync("order")).Select(e => e.Id).ShouldBe(["e-1"]);
        (await peer.Channel.MessageCountAsync("in-store.dead-letters")).ShouldBe(0u);
    }

    [Fact]
    public async Task A_queue_that_the_broker_has_otherwise_is_said_and_holds_up_no_other_bridge()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        await peer.Channel.QueueDeclareAsync("in-other", durable: false, exclusive: false, autoDelete: false);
        await using App app = await App.StartAsync(p => p.UseMemory(new MemoryStore(Guid.NewGuid())), server, r => r.In("in-other", q => q.Bind("in-other-exchange")).In("in-fine", q => q.Bind("in-fine-exchange")));

        await app.Log.SeenAsync(l => l.StartsWith("PRD7003", StringComparison.Ordinal) && l.Contains("rabbitmq/in-other", StringComparison.Ordinal), "PRD7003 in the log");
        await app.Log.SeenAsync(l => l.Contains("rabbitmq/in-fine is connected", StringComparison.Ordinal), "the other's connection");
        await peer.SendAsync("in-fine-exchange", Event("e-1"));
        await app.Heard.CountAsync(1);
        await peer.Channel.QueueDeleteAsync("in-other");
        await app.Log.SeenAsync(l => l.Contains("rabbitmq/in-other is connected", StringComparison.Ordinal), "the connection, once the queue is gone");
    }

    [Fact]
    public async Task A_queue_that_is_deleted_is_declared_again()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        await using App app = await StartAsync("in-deleted");
        await app.Log.SeenAsync(l => l.Contains("rabbitmq/in-deleted is connected", StringComparison.Ordinal), "the connection");

        await peer.Channel.QueueDeleteAsync("in-deleted");
        await app.Log.UntilAsync("a second connection", all => all.Count(l => l.Contains("rabbitmq/in-deleted is connected", StringComparison.Ordinal)) == 2);
        await peer.SendAsync("in-deleted-exchange", Event("e-1"));

        await app.Heard.CountAsync(1);
    }

    private Task<App> StartAsync(string queue, Action<PerdureBuilder>? more = null)
        => App.StartAsync(p => p.UseMemory(new MemoryStore(Guid.NewGuid())), server, r => r.In(queue, q => q.Bind($"{queue}-exchange")), more: more);

    private static BasicProperties Structured() => new() { ContentType = "application/cloudevents+json; charset=utf-8" };

    private static BasicProperties Binary(string prefix, string id, params (string Name, object Value)[] more)
    {
        Dictionary<string, object?> headers = new() { [$"{prefix}specversion"] = "1.0", [$"{prefix}id"] = id, [$"{prefix}source"] = "/web", [$"{prefix}type"] = "placed" };
        foreach ((string name, object value) in more)
        {
            headers[prefix + name] = value;
        }

        return new BasicProperties { ContentType = "application/json", Headers = headers };
    }

    private static string Event(string id, string version = "1.0", string type = "placed", string source = "/web", string? time = null, string data = """{"order":"1"}""")
        => $$"""{"specversion":"{{version}}","id":"{{id}}","source":"{{source}}","type":"{{type}}"{{(time is null ? "" : $",\"time\":\"{time}\"")}},"data":{{data}}}""";
}
