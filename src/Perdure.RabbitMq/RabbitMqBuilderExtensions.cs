using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Perdure.RabbitMq;

namespace Perdure;

/// <summary>Bridges topics to RabbitMQ.</summary>
public static class RabbitMqBuilderExtensions
{
    /// <summary>Carries topics' events out to a RabbitMQ broker, and messages in as events. Each bridge starts and stops with the host, and comes back by itself when the broker was away.</summary>
    /// <param name="builder">What is being configured.</param>
    /// <param name="configure">Says where the broker is, and what goes out and in.</param>
    /// <exception cref="PerdureException">Here or at the end of AddPerdure: the bridges cannot work as configured (PRD7002), an option is out of its range (PRD4004), or a name is taken (PRD4010).</exception>
    /// <remarks>
    /// Out: each event is published until the broker has confirmed it, so at least once. In: a message is acknowledged once its event is durable,
    /// and the same id from the same source is one event; what cannot be an event is set aside with the reason. docs/guides/rabbitmq.md has the rest.
    /// </remarks>
    public static PerdureBuilder UseRabbitMq(this PerdureBuilder builder, Action<RabbitMqOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configure);
        RabbitMqOptions options = new();
        configure(options);
        options.Check();

        BridgeSet bridges = new(options);
        foreach (OutBridge bridge in bridges.Out)
        {
            builder.Events.Bridge(bridge.Subscription);
        }

        builder.Services.AddSingleton(bridges);
        builder.Services.TryAddSingleton(s => new RabbitMqHealthCheck(s.GetServices<BridgeSet>()));
        builder.Services.AddSingleton<IHostedService>(s => new BridgeHost(bridges, s.GetRequiredService<PerdureClient>(), s.GetRequiredService<ILoggerFactory>(), s.GetRequiredService<TimeProvider>()));
        return builder;
    }
}
