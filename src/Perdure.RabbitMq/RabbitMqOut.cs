using Perdure.Diagnostics;

namespace Perdure;

/// <summary>How a topic's events go out.</summary>
public sealed class RabbitMqOut
{
    /// <summary>The longest name of an exchange, a queue or a routing key, in bytes of UTF-8.</summary>
    internal const int NameBytesMax = 255;

    internal RabbitMqOut(string topic, string exchange)
    {
        Topic = topic;
        Exchange = exchange;
    }

    /// <summary>The topic.</summary>
    public string Topic { get; }

    /// <summary>The exchange.</summary>
    public string Exchange { get; }

    /// <summary>The exchange's type; <c>topic</c> by default.</summary>
    public string ExchangeType { get; set; } = "topic";

    /// <summary>Whether the bridge declares the exchange, durable. True by default; false where others made it, with other settings.</summary>
    public bool Declare { get; set; } = true;

    /// <summary>An event's routing key, at most 255 bytes; its type by default.</summary>
    public Func<EventInfo, string> RoutingKey { get; set; } = static e => e.Type;

    /// <summary>Whether an event that no queue gets has not arrived: it is published again and again, and the log says so (PRD7004). True by default; with false the broker drops it.</summary>
    public bool Mandatory { get; set; } = true;

    /// <summary>How events look; null, the default, for what <see cref="RabbitMqOptions.Mode"/> says.</summary>
    public CloudEventMode? Mode { get; set; }

    /// <summary>How long the broker may take to confirm an event; then it is published again. 30 s by default, 1 s to 1 hour.</summary>
    public TimeSpan ConfirmTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The policy of the queue in which events wait for the broker, unless <c>AddQueue</c> gives it one. By default events of one key go one at a
    /// time, in order; 256 keys at once; and there is no end of attempts, at least every 10 s.
    /// </summary>
    public QueueOptions Queue { get; } = new()
    {
        InOrder = true,
        Concurrency = 256,
        Retry = Retry.Forever with { Cap = TimeSpan.FromSeconds(10) },
    };

    internal void Check(string bridge)
    {
        if (ConfirmTimeout < TimeSpan.FromSeconds(1) || ConfirmTimeout > TimeSpan.FromHours(1))
        {
            throw new PerdureException(ErrorCodes.BadOption, $"bridge {bridge}, topic {Topic}: {nameof(ConfirmTimeout)} must be 1 s to 1 hour.");
        }

        Engine.FlowNames.CheckType(Topic);
        RabbitMqIn.CheckName(bridge, "exchange", Exchange);
        RabbitMqIn.CheckName(bridge, "exchange type", ExchangeType);
    }
}
