using Perdure.Diagnostics;
using RabbitMQ.Client;

namespace Perdure;

/// <summary>How an event looks as a message.</summary>
public enum CloudEventMode
{
    /// <summary>The body is the event's data; its attributes are headers, each with <c>cloudEvents:</c> before its name.</summary>
    Binary = 0,

    /// <summary>The body is the whole event in the JSON format of CloudEvents (<c>application/cloudevents+json</c>).</summary>
    Structured = 1,
}

/// <summary>The bridges between this application's topics and one RabbitMQ broker.</summary>
public sealed class RabbitMqOptions
{
    private readonly List<RabbitMqOut> _outs = [];
    private readonly List<RabbitMqIn> _ins = [];

    /// <summary>Where the broker is: <c>amqp://user:password@host:5672/vhost</c>, or <c>amqps:</c> with TLS. <c>amqp://localhost</c> by default.</summary>
    public Uri Uri { get; set; } = new("amqp://localhost");

    /// <summary>The name of these bridges, <c>rabbitmq</c> by default. Subscriptions are named after it, and events that came in carry it so that they do not go out again. Two brokers have two names.</summary>
    public string Name { get; set; } = "rabbitmq";

    /// <summary>How events look that go out, where <see cref="RabbitMqOut.Mode"/> says nothing; binary by default. Both come in.</summary>
    public CloudEventMode Mode { get; set; } = CloudEventMode.Binary;

    /// <summary>The longest pause before a bridge tries to connect again; 10 s by default, 10 ms to 10 minutes. The first is a fiftieth of it.</summary>
    public TimeSpan ReconnectPauseMax { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>After which silence a connection counts as dead: twice this; 10 s by default, 1 s to 10 minutes.</summary>
    public TimeSpan Heartbeat { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Sets what else the client library has, such as certificates and credentials that change. Its recovery stays off: a bridge has its own.</summary>
    public Action<ConnectionFactory>? Connection { get; set; }

    internal IReadOnlyList<RabbitMqOut> Outs => _outs;

    internal IReadOnlyList<RabbitMqIn> Ins => _ins;

    /// <summary>Sends all events of a topic to an exchange.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="exchange">The exchange.</param>
    /// <param name="configure">Sets the rest.</param>
    public RabbitMqOptions Out(string topic, string exchange, Action<RabbitMqOut>? configure = null)
    {
        RabbitMqOut one = new(topic, exchange);
        configure?.Invoke(one);
        _outs.Add(one);
        return this;
    }

    /// <summary>Brings the messages of a queue in as events. Their types say to which topics they go.</summary>
    /// <param name="queue">The broker's queue.</param>
    /// <param name="configure">Sets the rest: what is bound to the queue, above all.</param>
    public RabbitMqOptions In(string queue, Action<RabbitMqIn>? configure = null)
    {
        RabbitMqIn one = new(queue);
        configure?.Invoke(one);
        _ins.Add(one);
        return this;
    }

    internal void Check()
    {
        Engine.FlowNames.CheckType(Name);
        Within(ReconnectPauseMax, TimeSpan.FromMilliseconds(10), nameof(ReconnectPauseMax), "10 ms to 10 minutes");
        Within(Heartbeat, TimeSpan.FromSeconds(1), nameof(Heartbeat), "1 s to 10 minutes");
        Sound(Uri is { IsAbsoluteUri: true, Scheme: "amqp" or "amqps" }, "Uri is no amqp: or amqps: address");
        Sound(_outs.Count + _ins.Count > 0, "there is nothing to bridge: say what goes Out and In");
        Once(_outs.Select(o => o.Topic), "topic {0} goes out twice: keep one Out, and bind the other exchange to its exchange");
        Once(_ins.Select(i => i.Queue), "queue {0} comes in twice: keep one In");
        Once(_ins.SelectMany(i => new[] { i.Queue, i.DeadLetters }), "{0} would be a queue and its dead letters, or those of two queues");
        _outs.ForEach(o => o.Check(Name));
        _ins.ForEach(i => i.Check(Name));

        void Once(IEnumerable<string> names, string problem)
        {
            if (names.GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
            {
                Sound(false, string.Format(System.Globalization.CultureInfo.InvariantCulture, problem, twice.Key));
            }
        }

        void Within(TimeSpan value, TimeSpan least, string option, string range)
        {
            if (value < least || value > TimeSpan.FromMinutes(10))
            {
                throw new PerdureException(ErrorCodes.BadOption, $"{nameof(RabbitMqOptions)}.{option} must be {range}.");
            }
        }

        void Sound(bool holds, string problem)
        {
            if (!holds)
            {
                throw new PerdureException(ErrorCodes.BadBridge, $"bridge {Name}: {problem}.");
            }
        }
    }

    internal ConnectionFactory Factory()
    {
        ConnectionFactory factory = new() { Uri = Uri, RequestedHeartbeat = Heartbeat };
        Connection?.Invoke(factory);
        factory.AutomaticRecoveryEnabled = false;
        factory.TopologyRecoveryEnabled = false;
        factory.MaxInboundMessageBodySize = BodyBytesMax; // a message over it would end the connection each time it is delivered
        return factory;
    }

    /// <summary>The largest message that any broker can be set to take: 512 MiB.</summary>
    private const uint BodyBytesMax = 512 * 1024 * 1024;
}
