using System.Text;
using Perdure.Diagnostics;

namespace Perdure;

/// <summary>How a queue's messages come in.</summary>
public sealed class RabbitMqIn
{
    private readonly List<RabbitMqBinding> _bindings = [];

    internal RabbitMqIn(string queue)
    {
        Queue = queue;
        DeadLetters = $"{queue}.dead-letters";
    }

    /// <summary>The broker's queue.</summary>
    public string Queue { get; }

    /// <summary>The name of the exchange, and of the queue bound to it, where messages are set aside that cannot be events; the queue's with <c>.dead-letters</c> by default.</summary>
    public string DeadLetters { get; set; }

    /// <summary>Whether the bridge declares the queues, the exchanges and the bindings, all durable. True by default; false where others made them, with other settings.</summary>
    public bool Declare { get; set; } = true;

    /// <summary>Arguments of the queue when it is declared, such as <c>x-queue-type</c>. None by default.</summary>
    public Dictionary<string, object?> Arguments { get; } = new(StringComparer.Ordinal);

    /// <summary>How many messages may be under way that are not acknowledged; 256 by default, 1 to 65,535. Those that have come are published in one go.</summary>
    public int Prefetch { get; set; } = 256;

    internal IReadOnlyList<RabbitMqBinding> Bindings => _bindings;

    /// <summary>Binds the queue to an exchange, which is declared.</summary>
    /// <param name="exchange">The exchange.</param>
    /// <param name="routingKey">Which messages; all by default.</param>
    /// <param name="exchangeType">The exchange's type; <c>topic</c> by default.</param>
    public RabbitMqIn Bind(string exchange, string routingKey = "#", string exchangeType = "topic")
    {
        _bindings.Add(new RabbitMqBinding(exchange, routingKey, exchangeType));
        return this;
    }

    internal void Check(string bridge)
    {
        if (Prefetch is < 1 or > ushort.MaxValue)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"bridge {bridge}, queue {Queue}: {nameof(Prefetch)} must be 1 to 65,535.");
        }

        CheckName(bridge, "queue", Queue);
        CheckName(bridge, "exchange", DeadLetters);
        foreach (RabbitMqBinding binding in _bindings)
        {
            CheckName(bridge, "exchange", binding.Exchange);
            CheckName(bridge, "exchange type", binding.ExchangeType);
        }
    }

    internal static void CheckName(string bridge, string what, string name)
    {
        if (string.IsNullOrWhiteSpace(name) || Encoding.UTF8.GetByteCount(name) > RabbitMqOut.NameBytesMax)
        {
            throw new PerdureException(ErrorCodes.BadBridge, $"bridge {bridge}: the name of an {what} has 1 to {RabbitMqOut.NameBytesMax} bytes, not `{name}`.");
        }
    }
}

/// <summary>What a queue is bound to.</summary>
internal sealed record RabbitMqBinding(string Exchange, string RoutingKey, string ExchangeType);
