using Microsoft.Extensions.DependencyInjection;
using Perdure.Diagnostics;
using Perdure.Engine;

namespace Perdure.Hosting;

/// <summary>Finds scoped services in flows at start: a flow lives for days, and no request's scope does.</summary>
internal static class ConstructorCheck
{
    public static void Check(FlowRegistry registry, IServiceCollection services)
    {
        ILookup<Type, ServiceDescriptor> byType = services.Where(d => !d.IsKeyedService).ToLookup(d => d.ServiceType);
        foreach (FlowDefinition flow in registry.All)
        {
            IEnumerable<Type> taken = flow.FlowClass is { } type ? Parameters(type) : flow.Takes;
            foreach (Type service in taken)
            {
                Check(flow, service, byType, path: service.Name, depth: 0);
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

    private static IEnumerable<Type> Parameters(Type type)
        => type.GetConstructors().SelectMany(c => c.GetParameters()).Select(p => p.ParameterType).Distinct();
}
