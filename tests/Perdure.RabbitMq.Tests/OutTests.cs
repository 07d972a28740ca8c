using System.Text.Json;
using Perdure.Storage;
using RabbitMQ.Client.Events;

namespace Perdure.RabbitMq.Tests;

/// <summary>Topics that go out.</summary>
[Collection(OneBroker.Name)]
public sealed class OutTests(RabbitServer server)
{
    private static readonly DateTimeOffset At = new(2024, 5, 1, 10, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Binary_messages_have_the_data_as_body_and_the_attributes_as_headers()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        Tap tap = await peer.TapAsync("out-binary");
        await using App app = await App.StartAsync(p => p.UseMemory(new MemoryStore(Guid.NewGuid())), server, r => r.Out("order", "out-binary"));

        await app.Perdure.PublishAsync(new Placed("7", 3), new PublishOptions { Id = "e-1", Source = "/shop", Time = At, CorrelationId = "deal 7" });
        BasicDeliverEventArgs message = await tap.NextAsync();

        message.Text().ShouldBe("""{"order":"7","number":3}""");
        message.RoutingKey.ShouldBe("placed");
        (message.BasicProperties.ContentType, message.BasicProperties.MessageId, message.BasicProperties.CorrelationId, message.BasicProperties.Persistent).ShouldBe(("application/json", "e-1", "deal 7", true));
        message.Header("cloudEvents:specversion").ShouldBe("1.0");
        message.Header("cloudEvents:id").ShouldBe("e-1");
        message.Header("cloudEvents:source").ShouldBe("/shop");
        message.Header("cloudEvents:type").ShouldBe("placed");
        message.Header("cloudEvents:subject").ShouldBe("7");
        message.Header("cloudEvents:time").ShouldBe("2024-05-01T10:00:00Z");
        message.Header("cloudEvents:correlationid").ShouldBe("deal 7");
        message.BasicProperties.Headers!.Keys.ShouldNotContain("cloudEvents:datacontenttype");
    }

    [Fact]
    public async Task Structured_messages_are_the_whole_event()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        Tap tap = await peer.TapAsync("out-structured");
        await using App app = await App.StartAsync(p => p.UseMemory(new MemoryStore(Guid.NewGuid())), server, r =>
        {
            r.Mode = CloudEventMode.Structured;
            r.Out("order", "out-structured", o => o.RoutingKey = e => $"{e.Type}.{e.Key}");
        });

        await app.Perdure.PublishAsync(new Placed("7", 3), new PublishOptions { Id = "e-1", Source = "/shop", Time = At });
        BasicDeliverEventArgs message = await tap.NextAsync();

        message.RoutingKey.ShouldBe("placed.7");
        message.BasicProperties.ContentType.ShouldBe("application/cloudevents+json");
        JsonElement root = JsonDocument.Parse(message.Body).RootElement;
        root.GetProperty("id").GetString().ShouldBe("e-1");
        root.GetProperty("subject").GetString().ShouldBe("7");
        root.GetProperty("data").GetProperty("number").GetInt32().ShouldBe(3);
    }

    [Fact]
    public async Task Attributes_that_no_header_can_hold_go_out_in_the_body_and_hold_up_nothing()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        Tap tap = await peer.TapAsync("out-large");
        await using App app = await App.StartAsync(p => p.UseMemory(new MemoryStore(Guid.NewGuid())), server, r => r.Out("order", "out-large"));
        string name = new('x', 250);
        string value = new('x', 200_000);

        await app.Perdure.PublishCloudEventAsync(Event("1", $"\"{name}\":1"));
        await app.Perdure.PublishCloudEventAsync(Event("1", $"\"tenant\":\"{value}\""));
        await app.Perdure.PublishCloudEventAsync(Event("1", "\"tenant\":\"north\""));
        List<BasicDeliverEventArgs> messages = await tap.NextAsync(3);

        messages.Select(m => m.BasicProperties.ContentType).ShouldBe(["application/cloudevents+json", "application/cloudevents+json", "application/json"]);
        JsonDocument.Parse(messages[0].Body).RootElement.GetProperty(name).GetInt32().ShouldBe(1);
        JsonDocument.Parse(messages[1].Body).RootElement.GetProperty("tenant").GetString().ShouldBe(value);
        messages[2].Header("cloudEvents:tenant").ShouldBe("north");
    }

    private static byte[] Event(string order, string attribute)
        => System.Text.Encoding.UTF8.GetBytes($$$"""{"specversion":"1.0","id":"{{{Guid.NewGuid()}}}","source":"/web","type":"placed",{{{attribute}}},"data":{"order":"{{{order}}}"}}""");

    [Fact]
    public async Task An_event_that_no_queue_gets_is_published_again_until_one_does()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        await using App app = await App.StartAsync(p => p.UseMemory(new MemoryStore(Guid.NewGuid())), server, r => r.Out("order", "out-unbound", o => o.Queue.Retry = Retry.Forever with { Cap = TimeSpan.FromMilliseconds(100) }));

        await app.Perdure.PublishAsync(new Placed("7"));
        await app.Log.SeenAsync(l => l.StartsWith("PRD7004", StringComparison.Ordinal) && l.Contains("nothing is bound to exchange out-unbound", StringComparison.Ordinal), "PRD7004 in the log");
        Tap tap = await peer.TapAsync("out-unbound");

        (await tap.NextAsync()).Text().ShouldContain("\"order\":\"7\"");
    }

    [Fact]
    public async Task Events_of_types_that_the_process_does_not_know_go_out_too()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        Tap tap = await peer.TapAsync("out-unknown");
        MemoryStore store = new(Guid.NewGuid());
        await using (App before = await App.StartAsync(p => p.UseMemory(store), server, r => r.Out("order", "out-unknown").Uri = new Uri("amqp://127.0.0.1:1"), more: p => p.AddEvent<Cancelled>(e => e.Order, topic: "order")))
        {
            await before.Perdure.PublishAsync(new Cancelled("7", 1));
            await before.Log.SeenAsync(l => l.StartsWith("PRD7001", StringComparison.Ordinal), "PRD7001 in the log");
        }

        await using App app = await App.StartAsync(p => p.UseMemory(store), server, r => r.Out("order", "out-unknown"));
        BasicDeliverEventArgs message = await tap.NextAsync();

        (message.RoutingKey, message.Text()).ShouldBe(("cancelled", """{"order":"7","number":1}"""));
    }

    [Fact]
    public async Task Events_of_one_key_go_out_in_order_and_all_types_of_the_topic_do()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        Tap tap = await peer.TapAsync("out-order");
        MemoryStore store = new(Guid.NewGuid());
        await using App app = await App.StartAsync(p => p.UseMemory(store), server, r => r.Out("order", "out-order"), more: p => p.AddEvent<Cancelled>(e => e.Order, topic: "order"));
        await app.Perdure.PublishManyAsync(Enumerable.Range(0, 200).Select(i => i % 10 == 9 ? (object)new Cancelled($"{i % 2}", i) : new Placed($"{i % 2}", i)));
        List<BasicDeliverEventArgs> messages = await tap.NextAsync(200);

        var numbers = messages.Select(m => JsonDocument.Parse(m.Body).RootElement).Select(r => (Key: r.GetProperty("order").GetString(), Number: r.GetProperty("number").GetInt32())).ToList();
        numbers.Where(n => n.Key == "0").Select(n => n.Number).ShouldBe(Enumerable.Range(0, 100).Select(i => i * 2));
        numbers.Where(n => n.Key == "1").Select(n => n.Number).ShouldBe(Enumerable.Range(0, 100).Select(i => (i * 2) + 1));
        messages.Count(m => m.RoutingKey == "cancelled").ShouldBe(20);
    }

    [Fact]
    public async Task What_came_in_does_not_go_out_again_and_what_went_out_does_not_come_back()
    {
        await using Peer peer = await Peer.ConnectAsync(server);
        Tap tap = await peer.TapAsync("loop");
        await using App north = await BothWaysAsync("north");
        await using App south = await BothWaysAsync("south");
        await south.Log.SeenAsync(l => l.Contains("rabbitmq/south is connected", StringComparison.Ordinal), "the connection of south");
        await north.Log.SeenAsync(l => l.Contains("rabbitmq/north is connected", StringComparison.Ordinal), "the connection of north");

        await north.Perdure.PublishManyAsync(Enumerable.Range(1, 5).Select(i => new Placed("7", i)));
        await south.Heard.CountAsync(5);
        await south.Perdure.PublishAsync(new Placed("7", 6)); // of the same key: behind what south might have sent back
        await north.Heard.CountAsync(6);
        await north.Perdure.PublishAsync(new Placed("7", 7));
        await south.Heard.CountAsync(7);

        List<BasicDeliverEventArgs> passed = await tap.NextAsync(7);
        passed.Select(m => JsonDocument.Parse(m.Body).RootElement.GetProperty("number").GetInt32()).ShouldBe([1, 2, 3, 4, 5, 6, 7]);
        (await north.EventsAsync("order")).Count.ShouldBe(7);
        (await south.EventsAsync("order")).Count.ShouldBe(7);
        south.Heard.All.Select(p => p.Number).ShouldBe([1, 2, 3, 4, 5, 6, 7]);

        Task<App> BothWaysAsync(string name) => App.StartAsync(p => p.UseMemory(new MemoryStore(Guid.NewGuid())), server, r => r.Out("order", "loop").In(name, q => q.Bind("loop")));
    }
}

public sealed record Cancelled(string Order, int Number);
