using RabbitMQ.Client;

namespace Perdure.RabbitMq;

/// <summary>Where messages go that cannot be events: as they came, with the reason in headers.</summary>
/// <remarks>The bridge publishes them itself: a broker that dead-letters what was rejected has no place for a reason.</remarks>
internal sealed class DeadLetters(IChannel channel, RabbitMqIn @in)
{
    public const string CodeHeader = "perdure-code";
    public const string ReasonHeader = "perdure-reason";
    public const string QueueHeader = "perdure-queue";

    /// <summary>How many headers the message had, where they have no room beside the reason and are left out.</summary>
    public const string LeftOutHeader = "perdure-headers";

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

        Dictionary<string, object?> own = new(StringComparer.Ordinal)
        {
            [CodeHeader] = code,
            [ReasonHeader] = reason.Length <= ReasonLengthMax ? reason : reason[..ReasonLengthMax],
            [QueueHeader] = @in.Queue,
        };
        foreach ((string header, object? value) in own)
        {
            headers[header] = value;
        }

        var properties = new BasicProperties(delivery.Properties) { Headers = headers, Persistent = true };
        if (EventMessage.BytesOf(properties) > EventMessage.PropertiesBytesMax)
        {
            own[LeftOutHeader] = delivery.Properties.Headers!.Count; // with them the copy would end the connection each time that the message comes
            properties.Headers = own;
        }

        properties.ClearExpiration(); // it waits for a person
        properties.ClearUserId(); // a broker refuses a message in another user's name
        await channel.BasicPublishAsync(@in.DeadLetters, delivery.RoutingKey, mandatory: true, properties, delivery.Body, cancellationToken);
    }
}
