using RabbitMQ.Client;

namespace Fulfilment.Tests.Processes;

/// <summary>The tests share a broker, and each finds it as if it were the first.</summary>
internal static class CleanBroker
{
    private static readonly string[] Services = ["checkout", "order", "payment", "inventory", "shipment"];

    public static async Task AsNewAsync(Uri uri)
    {
        await using IConnection connection = await new ConnectionFactory { Uri = uri }.CreateConnectionAsync();
        await using IChannel channel = await connection.CreateChannelAsync();
        foreach (string name in (string[])[.. Services, .. Services.Select(service => $"{service}.dead-letters")])
        {
            await channel.QueueDeleteAsync(name);
            await channel.ExchangeDeleteAsync(name);
        }
    }
}
