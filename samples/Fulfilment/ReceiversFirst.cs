using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Fulfilment;

/// <summary>What a receiver hears: messages of a type that somebody sends to an exchange come to its queue.</summary>
internal sealed record Hearing(string Exchange, string Type, string Queue);

/// <summary>
/// Makes the queues of those whom this process sends to, before its bridges send anything. A bridge sees to it that somebody gets an event; of
/// several who are to hear of it, one who has never started would have no queue yet, and miss it.
/// </summary>
internal sealed class ReceiversFirst(Uri broker, IReadOnlyList<Hearing> hearings, ILogger<ReceiversFirst> log) : IHostedService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Hosted services start one after the other, so the bridges wait; and this one for the broker.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        for (bool isFirst = true; ; isFirst = false)
        {
            try
            {
                await DeclareAsync(cancellationToken);
                return;
            }
            catch (Exception e) when (e is BrokerUnreachableException or OperationInterruptedException or IOException or TimeoutException)
            {
                log.Log(isFirst ? LogLevel.Error : LogLevel.Debug, "this waits for the broker at {Broker}: {Reason}", broker.Authority, e.GetBaseException().Message);
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>As the receiver's own bridge does it when it starts: what is there the same is left as it is.</summary>
    private async Task DeclareAsync(CancellationToken cancellationToken)
    {
        await using IConnection connection = await new ConnectionFactory { Uri = broker }.CreateConnectionAsync(cancellationToken);
        await using IChannel channel = await connection.CreateChannelAsync(cancellationToken: cancellationToken);
        foreach ((string exchange, string type, string queue) in hearings)
        {
            var arguments = new Dictionary<string, object?> { ["x-dead-letter-exchange"] = $"{queue}.dead-letters" };
            await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: cancellationToken);
            await channel.ExchangeDeclareAsync(exchange, ExchangeType.Topic, durable: true, cancellationToken: cancellationToken);
            await channel.QueueBindAsync(queue, exchange, type, cancellationToken: cancellationToken);
        }
    }
}
