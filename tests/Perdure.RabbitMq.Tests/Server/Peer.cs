using System.Text;
using System.Threading.Channels;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Perdure.RabbitMq.Tests;

/// <summary>Another program at the broker: it publishes and gets messages without this library.</summary>
internal sealed class Peer : IAsyncDisposable
{
    private readonly IConnection _connection;

    private Peer(IConnection connection, IChannel channel)
    {
        _connection = connection;
        Channel = channel;
    }

    public IChannel Channel { get; }

    public static async Task<Peer> ConnectAsync(RabbitServer server)
    {
        IConnection connection = await new ConnectionFactory { Uri = server.Uri }.CreateConnectionAsync();
        return new Peer(connection, await connection.CreateChannelAsync(new CreateChannelOptions(true, true)));
    }

    /// <summary>All messages that come to an exchange from now on.</summary>
    public async Task<Tap> TapAsync(string exchange)
    {
        await Channel.ExchangeDeclareAsync(exchange, "topic", durable: true, autoDelete: false);
        string queue = (await Channel.QueueDeclareAsync()).QueueName;
        await Channel.QueueBindAsync(queue, exchange, "#");
        return await ReadAsync(queue);
    }

    /// <summary>The messages of a queue.</summary>
    public async Task<Tap> ReadAsync(string queue)
    {
        Channel<BasicDeliverEventArgs> messages = System.Threading.Channels.Channel.CreateUnbounded<BasicDeliverEventArgs>();
        var consumer = new AsyncEventingBasicConsumer(Channel);
        consumer.ReceivedAsync += (_, m) =>
        {
            messages.Writer.TryWrite(new BasicDeliverEventArgs(m.ConsumerTag, m.DeliveryTag, m.Redelivered, m.Exchange, m.RoutingKey, m.BasicProperties, m.Body.ToArray()));
            return Task.CompletedTask;
        };
        await Channel.BasicConsumeAsync(queue, autoAck: true, consumer);
        return new Tap(messages.Reader);
    }

    /// <summary>Publishes, and completes when a queue has it.</summary>
    public async Task SendAsync(string exchange, string body, BasicProperties properties)
        => await Channel.BasicPublishAsync(exchange, "any", mandatory: true, properties, Encoding.UTF8.GetBytes(body));

    public Task SendAsync(string exchange, string cloudEvent)
        => SendAsync(exchange, cloudEvent, new BasicProperties { ContentType = "application/cloudevents+json", Persistent = true });

    public async ValueTask DisposeAsync() => await _connection.DisposeAsync();
}

/// <summary>Messages as they come.</summary>
internal sealed class Tap(ChannelReader<BasicDeliverEventArgs> messages)
{
    public async Task<BasicDeliverEventArgs> NextAsync() => await messages.ReadAsync().AsTask().WaitAsync(App.Patience);

    public async Task<List<BasicDeliverEventArgs>> NextAsync(int count)
    {
        List<BasicDeliverEventArgs> all = [];
        while (all.Count < count)
        {
            all.Add(await NextAsync());
        }

        return all;
    }
}

internal static class MessageExtensions
{
    public static string Text(this BasicDeliverEventArgs message) => Encoding.UTF8.GetString(message.Body.Span);

    public static string? Header(this BasicDeliverEventArgs message, string name)
        => message.BasicProperties.Headers is { } headers && headers.TryGetValue(name, out object? value) ? value is byte[] text ? Encoding.UTF8.GetString(text) : value?.ToString() : null;
}
