using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Perdure.RabbitMq.Tests;

/// <summary>The broker dies under load, and applications restart in the middle: nothing is lost, nothing comes twice.</summary>
[Collection(OneBroker.Name)]
public sealed class LossTests(RabbitServer server) : IDisposable
{
    private const int Keys = 40;

    private readonly string _folder = Directory.CreateTempSubdirectory("perdure-bridge-").FullName;

    [Theory]
    [InlineData(CloudEventMode.Binary)]
    [InlineData(CloudEventMode.Structured)]
    public async Task A_broker_that_is_killed_under_load_loses_nothing_and_no_effect_comes_twice(CloudEventMode mode)
    {
        var heard = new Notes<Placed>();
        var effects = new Notes<string>();
        string exchange = $"loss-{mode}";
        await using App shop = await ShopAsync(exchange, mode);
        App kitchen = await KitchenAsync(exchange, heard, effects);
        await kitchen.Log.SeenAsync(l => l.Contains($"rabbitmq/{exchange}-kitchen is connected", StringComparison.Ordinal), "the kitchen's connection");

        await PublishAsync(shop, 0, 800);
        await heard.CountAsync(200);
        await server.KillAsync(); // with events on their way out, and messages on their way in
        await PublishAsync(shop, 800, 1_300);
        await shop.Log.SeenAsync(IsLoss, "the loss in the shop's log");
        await kitchen.Log.SeenAsync(IsLoss, "the loss in the kitchen's log");
        (await shop.HealthAsync()).ShouldBe(HealthStatus.Degraded);
        await kitchen.DisposeAsync();
        kitchen = await KitchenAsync(exchange, heard, effects); // it starts without a broker
        await server.StartAsync();

        await PublishAsync(shop, 1_300, 2_000);
        await heard.CountAsync(1_400);
        await kitchen.DisposeAsync();
        await using App again = await KitchenAsync(exchange, heard, effects);
        await effects.UntilAsync("the effects of all 2,000 orders", all => all.Count >= 2_000 && all.Distinct().Count() == 2_000);

        (await shop.HealthAsync()).ShouldBe(HealthStatus.Healthy);
        List<EventInfo> events = await again.EventsAsync("order");
        events.Select(e => e.Id).ShouldBe((await shop.EventsAsync("order")).Select(e => e.Id), ignoreOrder: true);
        foreach (IGrouping<string?, EventInfo> ofKey in events.GroupBy(e => e.Key))
        {
            ofKey.Select(e => e.Data.GetProperty("number").GetInt32()).ShouldBeInOrder(SortDirection.Ascending);
        }

        (await again.EventsAsync("payment")).Select(e => e.Data.GetProperty("order").GetString()).Order().ShouldBe(Enumerable.Range(0, 2_000).Select(i => $"{i % Keys}/{i}").Order());
        await using Peer peer = await Peer.ConnectAsync(server);
        (await peer.Channel.MessageCountAsync($"{exchange}-kitchen.dead-letters")).ShouldBe(0u);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static bool IsLoss(string line) => line.StartsWith("PRD7001", StringComparison.Ordinal);

    private static async Task PublishAsync(App shop, int from, int to)
    {
        foreach (int[] chunk in Enumerable.Range(from, to - from).Chunk(100))
        {
            await shop.Perdure.PublishManyAsync(chunk.Select(i => new Placed($"{i % Keys}", i)));
        }
    }

    private Task<App> ShopAsync(string exchange, CloudEventMode mode) => App.StartAsync(p => p.UseSqlite(Path.Combine(_folder, "shop.db")), server, r =>
    {
        r.Mode = mode;
        r.Out("order", exchange, o => o.Queue.Retry = Retry.Forever with { Cap = TimeSpan.FromMilliseconds(500) });
    });

    private Task<App> KitchenAsync(string exchange, Notes<Placed> heard, Notes<string> effects) => App.StartAsync(p => p.UseSqlite(Path.Combine(_folder, "kitchen.db")), server, r => r.In($"{exchange}-kitchen", q =>
    {
        q.Prefetch = 64;
        q.Bind(exchange);
    }), heard, effects);
}
