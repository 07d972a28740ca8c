using Microsoft.Extensions.DependencyInjection;
using Perdure.Engine;
using Perdure.Queues;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure;

/// <summary>A flow type as the engine knows it: durable name, version, and how to run it.</summary>
public abstract class FlowDefinition
{
    private protected FlowDefinition(string name, int version, Type? flowClass)
    {
        Name = FlowNames.CheckType(name);
        Version = version;
        FlowClass = flowClass;
    }

    /// <summary>The durable name.</summary>
    public string Name { get; }

    /// <summary>The version, at least 1.</summary>
    public int Version { get; }

    /// <summary>The class; null for a lambda.</summary>
    internal Type? FlowClass { get; }

    /// <summary>The services that a lambda takes.</summary>
    internal IReadOnlyList<Type> Takes { get; init; } = [];

    /// <summary>The events that it was declared to publish.</summary>
    internal IReadOnlyList<Type> Published { get; set; } = [];

    /// <summary>The events that it was declared to wait for.</summary>
    internal IReadOnlyList<Type> Awaited { get; set; } = [];

    internal abstract Type InputType { get; }

    internal abstract Type ResultType { get; }

    /// <inheritdoc/>
    public override string ToString() => Version == 1 ? Name : $"{Name} version {Version}";

    /// <summary>The same flow type under another name or version.</summary>
    internal abstract FlowDefinition With(string name, int version);

    /// <summary>The contract of jobs that the flow does.</summary>
    internal abstract JobType JobTypeOf(string name, string queue);

    /// <summary>Makes the flow and runs it until it first waits. Throws when it cannot be made; errors of its code are in the task.</summary>
    internal abstract Task<byte[]> Run(FlowRun run, HistoryRow input, object? live);
}

/// <summary>A flow type with its input and result.</summary>
internal sealed class FlowDefinition<TIn, TOut> : FlowDefinition
{
    private readonly Func<IServiceProvider, Func<TIn, FlowContext, Task<TOut>>> _make;

    public FlowDefinition(string name, int version, Type? flowClass, Func<IServiceProvider, Func<TIn, FlowContext, Task<TOut>>> make)
        : base(name, version, flowClass)
    {
        _make = make;
    }

    internal override Type InputType => typeof(TIn);

    internal override Type ResultType => typeof(TOut);

    public static FlowDefinition OfClass<TSelf>()
        where TSelf : class, IFlow
    {
        ObjectFactory<TSelf> factory = ActivatorUtilities.CreateFactory<TSelf>([]);
        return new FlowDefinition<TIn, TOut>(FlowNames.Of(typeof(TSelf)), FlowNames.VersionOf(typeof(TSelf)), typeof(TSelf),
            services => ((IFlow<TIn, TOut>)(object)factory(services, [])).RunAsync);
    }

    internal override FlowDefinition With(string name, int version) => new FlowDefinition<TIn, TOut>(name, version, FlowClass, _make) { Takes = Takes };

    internal override JobType JobTypeOf(string name, string queue) => new JobType<TIn>(name, queue, null);

    internal override Task<byte[]> Run(FlowRun run, HistoryRow input, object? live)
    {
        Func<TIn, FlowContext, Task<TOut>> flow = _make(run.Services.Provider);
        TIn value = live is TIn given ? given : run.Read<TIn>(input.Payload, new PayloadName("the input of", run.Key));
        return RunAsync(run, flow, value);
    }

    private static async Task<byte[]> RunAsync(FlowRun run, Func<TIn, FlowContext, Task<TOut>> flow, TIn input)
        => run.Services.Json.Serialize(await flow(input, new FlowContext(run)), new PayloadName("the result of", run.Key));
}
