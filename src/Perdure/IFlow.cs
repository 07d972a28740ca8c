namespace Perdure;

/// <summary>What every flow class is. Implement <see cref="IFlow{TIn, TOut}"/> or <see cref="IFlow{TIn}"/>.</summary>
public interface IFlow
{
    /// <summary>Describes the flow class to the engine. The typed interfaces implement it; there is nothing to write.</summary>
    static virtual FlowDefinition Define<TSelf>()
        where TSelf : class, IFlow
        => throw new PerdureException(Diagnostics.ErrorCodes.UnknownFlowType, $"{typeof(TSelf)} is no flow: let it implement IFlow<TIn, TOut> or IFlow<TIn>.");
}

/// <summary>A flow: long-running logic written as one async method, which survives crashes.</summary>
/// <typeparam name="TIn">The input; any type that JSON can carry.</typeparam>
/// <typeparam name="TOut">The result; any type that JSON can carry.</typeparam>
/// <remarks>
/// The class is made anew each time a run is loaded, with its services injected; they must be singletons (checked at start). The
/// code runs again from its beginning after a crash, with every answer that was recorded, so it must do the same each time: side effects
/// belong into steps, and time, chance and ids come from <see cref="FlowContext"/>.
/// </remarks>
public interface IFlow<in TIn, TOut> : IFlow
{
    /// <summary>The flow's logic.</summary>
    Task<TOut> RunAsync(TIn input, FlowContext flow);

    /// <inheritdoc/>
    static FlowDefinition IFlow.Define<TSelf>() => FlowDefinition<TIn, TOut>.OfClass<TSelf>();
}

/// <summary>A flow without a result.</summary>
/// <typeparam name="TIn">The input; any type that JSON can carry.</typeparam>
public interface IFlow<in TIn> : IFlow<TIn, NoResult>
{
    /// <summary>The flow's logic.</summary>
    new Task RunAsync(TIn input, FlowContext flow);

    /// <inheritdoc/>
    async Task<NoResult> IFlow<TIn, NoResult>.RunAsync(TIn input, FlowContext flow)
    {
        await RunAsync(input, flow);
        return default;
    }
}

/// <summary>The result of a flow or step that has none.</summary>
public readonly record struct NoResult;

/// <summary>A flow type's durable name and version. Without it the name is the class's, in kebab-case, and the version is 1.</summary>
/// <remarks>The name stands in the store: keep it when the class is renamed.</remarks>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct)]
public sealed class NamedAttribute(string name) : Attribute
{
    /// <summary>The durable name: 1 to 200 characters, no control characters, no slash.</summary>
    public string Name { get; } = name;

    /// <summary>The version, at least 1. New runs take the newest version that is registered; open runs stay on theirs.</summary>
    public int Version { get; set; } = 1;
}
