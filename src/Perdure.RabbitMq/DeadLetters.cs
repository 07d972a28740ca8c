using RabbitMQ.Client;

namespace Perdure.RabbitMq;

/// <summary>Where messages go that cannot be events: as they came, with the reason in headers.</summary>
/// <remarks>The bridge publishes them itself: a broker that dead-letters what was rejected has no place for a reason.</remarks>
internal sealed class DeadLetters(IChannel channel, RabbitMqIn @in)
{
    public const string CodeHeader = "perdure-code";
    public const string ReasonHeader = "perdure-reason";
    public const string QueueHeader = "perdure-queue";

    private const int ReasonLengthMax = 1_000;

    /// <summary>Headers that would send the copy elsewhere, and one that the client library puts for itself.</summary>
    private static readonly string[] LeftOut = ["CC", "BCC", Constants.PublishSequenceNumberHeader];

    public string Name => @in.DeadLetters;

    /// <summary>Completes when the broker has confirmed it.</summary>
    public async Task AddAsync(Delivery delivery, string code, string reason, CancellationToken cancellationToken)
    {
        Dictionary<string, object?> headers = new(delivery.Properties.Headers ?? new Dictionary<string, object?>(), StringComparer.Ordinal);
        foreach (string header in LeftOut)
        {
            headers.Remove(header);
        }

        headers[CodeHeader] = code;
        headers[ReasonHeader] = reason.Length <= ReasonLengthMax ? reason : reason[..ReasonLengthMax];
        headers[QueueHeader] = @in.Queue;
        var properties = new BasicProperties(delivery.Properties) { Headers = headers, Persistent = true };
        properties.ClearExpiration(); // it waits for a person
        properties.ClearUserId(); // a broker refuses a message in another user's name
        await channel.BasicPublishAsync(@in.DeadLetters, delivery.RoutingKey, mandatory: true, properties, delivery.Body, cancellationToken);
    }
}
