using Microsoft.Extensions.DependencyInjection;
using Perdure.Diagnostics;
using Perdure.Engine;

namespace Perdure.Hosting;

/// <summary>Finds scoped services in flows at start, since a flow lives for days, and no request's scope does; and services that are not registered.</summary>
internal static class ConstructorCheck
{
    public static void Check(FlowRegistry registry, IServiceCollection services, IServiceProviderIsService? known)
    {
        ILookup<Type, ServiceDescriptor> byType = services.Where(d => !d.IsKeyedService).ToLookup(d => d.ServiceType);
        foreach (FlowDefinition flow in registry.All)
        {
            IEnumerable<Type> taken = flow.FlowClass is { } type ? Parameters(type) : flow.Takes;
            foreach (Type service in taken)
            {
                Check(flow, service, byType, path: service.Name, depth: 0);
            }

            if (known is not null && Missing(flow, known) is { } missing)
            {
                throw new PerdureException(ErrorCodes.MissingService, $"flow {flow} takes {missing.Name}, which is not registered: add it to the services.");
            }
        }
    }

    private static void Check(FlowDefinition flow, Type service, ILookup<Type, ServiceDescriptor> services, string path, int depth)
    {
        Type open = service.IsGenericType ? service.GetGenericTypeDefinition() : service;
        ServiceDescriptor? descriptor = services[service].LastOrDefault() ?? services[open].LastOrDefault();
        if (descriptor?.Lifetime == ServiceLifetime.Scoped)
        {
            throw new PerdureException(ErrorCodes.ScopedInFlow, $"flow {flow} takes the scoped service {path} in its constructor, but a flow outlives every scope: take it in the step instead, flow.Step(({service.Name} s) => s....).");
        }

        // A transient one is made from the root, so what it takes itself counts.
        if (descriptor is { Lifetime: ServiceLifetime.Transient, ImplementationType: { IsGenericTypeDefinition: false } made } && depth < 8)
        {
            foreach (Type parameter in Parameters(made))
            {
                Check(flow, parameter, services, $"{path} > {parameter.Name}", depth + 1);
            }
        }
    }

    /// <summary>A service that a flow cannot be made without, and that nobody registered; null if there is none, or if a class could be made in several ways.</summary>
    private static Type? Missing(FlowDefinition flow, IServiceProviderIsService known)
    {
        if (flow.FlowClass is null)
        {
            return flow.Takes.FirstOrDefault(t => !known.IsService(t));
        }

        return flow.FlowClass.GetConstructors() is [var only]
            ? only.GetParameters().FirstOrDefault(p => !p.HasDefaultValue && !p.GetCustomAttributes(inherit: true).OfType<FromKeyedServicesAttribute>().Any() && !known.IsService(p.ParameterType))?.ParameterType
            : null;
    }

    private static IEnumerable<Type> Parameters(Type type)
        => type.GetConstructors().SelectMany(c => c.GetParameters()).Select(p => p.ParameterType).Distinct();
}
