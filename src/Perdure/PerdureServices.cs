using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Perdure.Client;
using Perdure.Engine;
using Perdure.Events;
using Perdure.Hosting;
using Perdure.Replay;

namespace Perdure;

/// <summary>Adds the engine to an application.</summary>
public static class PerdureServices
{
    /// <summary>Adds durable flows: the engine starts and stops with the host, and clients (<see cref="IFlowClient{TFlow}"/>, <see cref="PerdureClient"/>) can be injected.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Chooses the store and names the flow types.</param>
    /// <exception cref="PerdureException">Two flow types have one name and version (PRD4002), or an option is out of its range (PRD4004).</exception>
    public static IServiceCollection AddPerdure(this IServiceCollection services, Action<PerdureBuilder> configure)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configure);
        var builder = new PerdureBuilder(services);
        configure(builder);
        builder.Options.Check();
        builder.Dependencies.Check();
        var registry = new FlowRegistry(builder.Flows);

        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(registry);
        EventRegistry events = builder.Events.Build(builder.Queues);
        services.AddSingleton(builder.Queues.Build(builder.Dependencies, events));
        services.AddSingleton(builder);
        services.AddSingleton<NodeHolder>();
        services.AddSingleton<FlowCalls>();
        services.AddSingleton<JobCalls>();
        services.AddSingleton<ReplayChecker>();
        services.AddSingleton(s => new PerdureClient(s.GetRequiredService<FlowCalls>(), s.GetRequiredService<JobCalls>(), registry, s.GetRequiredService<ReplayChecker>()));
        services.AddSingleton(typeof(IFlowClient<>), typeof(InjectedFlowClient<>));
        services.AddSingleton<PerdureHealthCheck>(s => new PerdureHealthCheck(s.GetRequiredService<NodeHolder>()));
        services.AddSingleton<PerdureHost>();
        services.AddSingleton<IHostedService>(s => s.GetRequiredService<PerdureHost>());
        return services;
    }
}

/// <summary>The client that is injected for a flow class.</summary>
internal sealed class InjectedFlowClient<TFlow>(FlowCalls calls, FlowRegistry registry) : IFlowClient<TFlow>, IClientOf
    where TFlow : IFlow
{
    public string Name { get; } = registry.OfClass<TFlow>().Name;

    public FlowCalls Calls => calls;
}
