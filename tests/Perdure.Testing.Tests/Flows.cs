using Microsoft.Extensions.DependencyInjection;

namespace Perdure.Testing.Tests;

/// <summary>Starts tests of flows that are lambdas.</summary>
internal static class Flows
{
    /// <summary>Starts a test with one flow, named <c>flow</c>.</summary>
    public static Task<FlowTest> StartAsync<TOut>(Func<string, FlowContext, Task<TOut>> flow, FlowTestOptions? options = null)
        => FlowTest.StartAsync(Of(flow), options);

    /// <summary>The registrations of one flow, named <c>flow</c>.</summary>
    public static Action<IServiceCollection> Of<TOut>(Func<string, FlowContext, Task<TOut>> flow)
        => services => services.AddPerdure(perdure => perdure.UseMemory().AddFlow("flow", flow));

    public static Task<FlowHandle<TOut>> StartFlowAsync<TOut>(this FlowTest test, string id = "1")
        => test.Perdure.Flow<string, TOut>("flow").StartAsync(id, id: id);
}
