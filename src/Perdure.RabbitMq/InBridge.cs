using System.Threading.Channels;
using RabbitMQ.Client;

namespace Perdure.RabbitMq;

/// <summary>
/// Brings a queue's messages in. They are acknowledged when their events are durable, or when they are safe among the dead letters; the broker
/// delivers again what was not, and events are known by source and id.
/// </summary>
internal sealed class InBridge(RabbitMqOptions options, RabbitMqIn @in) : Bridge($"{options.Name}/{@in.Queue}", options)
{
    private const string DeadLetterExchange = "x-dead-letter-exchange";

    /// <summary>How many events one commit takes at most.</summary>
    private const int BatchMax = 500;

    protected override async Task ServeAsync(Session session)
    {
        IChannel letters = await session.OpenChannelAsync(confirms: true);
        IChannel channel = await session.OpenChannelAsync(confirms: false);
        if (@in.Declare)
        {
            await DeclareAsync(channel, session.Ended);
        }

        await channel.BasicQosAsync(0, (ushort)@in.Prefetch, global: false, session.Ended);
        Channel<Delivery> arrived = Channel.CreateUnbounded<Delivery>(new() { SingleReader = true, SingleWriter = true }); // the prefetch bounds it
        await channel.BasicConsumeAsync(@in.Queue, autoAck: false, new Consumer(channel, session, arrived.Writer), session.Ended);
        IsUp();

        var intake = new Intake(this, new DeadLetters(letters, @in));
        List<Delivery> batch = [];
        while (await arrived.Reader.WaitToReadAsync(session.Ended))
        {
            batch.Clear();
            while (batch.Count < BatchMax && arrived.Reader.TryRead(out Delivery? delivery))
            {
                batch.Add(delivery);
            }

            await intake.TakeAsync(batch, session.Ended);
            await channel.BasicAckAsync(batch[^1].Tag, multiple: true, session.Ended);
        }
    }

    /// <summary>The client's events, for the intake.</summary>
    internal Client.EventCalls Events => Perdure.Events;

    internal string Mark => Options.Name;

    internal Microsoft.Extensions.Logging.ILogger Logger => Log;

    internal Task PauseAsync(TimeSpan pause, CancellationToken cancellationToken) => Task.Delay(pause, Time, cancellationToken);

    internal TimeSpan PauseOf(int failures) => PauseAfter(failures);

    private async Task DeclareAsync(IChannel channel, CancellationToken cancellationToken)
    {
        await channel.ExchangeDeclareAsync(@in.DeadLetters, "fanout", durable: true, autoDelete: false, cancellationToken: cancellationToken);
        await channel.QueueDeclareAsync(@in.DeadLetters, durable: true, exclusive: false, autoDelete: false, cancellationToken: cancellationToken);
        await channel.QueueBindAsync(@in.DeadLetters, @in.DeadLetters, "", cancellationToken: cancellationToken);

        // What the broker itself gives up (a limit on deliveries, on age, on length) is set aside, too.
        Dictionary<string, object?> arguments = new(@in.Arguments, StringComparer.Ordinal);
        arguments.TryAdd(DeadLetterExchange, @in.DeadLetters);
        await channel.QueueDeclareAsync(@in.Queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
        foreach (RabbitMqBinding binding in @in.Bindings)
        {
            await channel.ExchangeDeclareAsync(binding.Exchange, binding.ExchangeType, durable: true, autoDelete: false, cancellationToken: cancellationToken);
            await channel.QueueBindAsync(@in.Queue, binding.Exchange, binding.RoutingKey, cancellationToken: cancellationToken);
        }
    }

    /// <summary>Keeps what the broker delivers until it is taken.</summary>
    private sealed class Consumer(IChannel channel, Session session, ChannelWriter<Delivery> arrived) : AsyncDefaultBasicConsumer(channel)
    {
        public override Task HandleBasicDeliverAsync(string consumerTag, ulong deliveryTag, bool redelivered, string exchange, string routingKey, IReadOnlyBasicProperties properties, ReadOnlyMemory<byte> body, CancellationToken cancellationToken = default)
        {
            arrived.TryWrite(new Delivery(deliveryTag, exchange, routingKey, properties, body.ToArray())); // the body's memory is the client's again after this
            return Task.CompletedTask;
        }

        /// <summary>The broker takes the queue away: it was deleted, or moved to another node.</summary>
        public override Task HandleBasicCancelAsync(string consumerTag, CancellationToken cancellationToken = default)
        {
            session.End(new InvalidOperationException("the broker cancelled the consumer: its queue was deleted or moved"));
            return base.HandleBasicCancelAsync(consumerTag, cancellationToken);
        }
    }
}

/// <summary>A message that came.</summary>
internal sealed record Delivery(ulong Tag, string Exchange, string RoutingKey, IReadOnlyBasicProperties Properties, byte[] Body)
{
    /// <summary>What people know it by.</summary>
    public string Name => Properties.MessageId is { Length: > 0 } id ? id : $"{Exchange}/{RoutingKey}";
}
