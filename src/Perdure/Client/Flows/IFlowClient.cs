using Perdure.Client;
using Perdure.Storage;

namespace Perdure;

/// <summary>Starts and finds runs of one flow type. Injected as <c>IFlowClient&lt;CreateOrder&gt;</c>; its verbs are <see cref="FlowClients"/>.</summary>
/// <typeparam name="TFlow">The flow class.</typeparam>
public interface IFlowClient<out TFlow>
    where TFlow : IFlow
{
    /// <summary>The flow type's durable name.</summary>
    string Name { get; }
}

/// <summary>What can be done with a flow type.</summary>
public static class FlowClients
{
    /// <summary>Starts a run; when the task completes the run is durable. A second start with the same id and input gives the same run.</summary>
    /// <param name="flow">The flow type.</param>
    /// <param name="input">The input.</param>
    /// <param name="id">The run's id, 1 to 400 characters without control characters; made by the library by default.</param>
    /// <param name="options">What to do when the id exists.</param>
    /// <param name="cancellationToken">Stops waiting; the run may be started all the same.</param>
    /// <exception cref="FlowConflictException">A run with this id and another input exists.</exception>
    /// <exception cref="StoreUnavailableException">Nobody can say whether it was started: ask again with the same id.</exception>
    /// <exception cref="PerdureException">The input is too large (PRD1005) or cannot be turned into JSON (PRD1006).</exception>
    public static Task<FlowHandle<TOut>> StartAsync<TIn, TOut>(this IFlowClient<IFlow<TIn, TOut>> flow, TIn input, string? id = null, StartOptions? options = null, CancellationToken cancellationToken = default)
        => Calls(flow).StartAsync<TIn, TOut>(flow.Name, input, id, options, cancellationToken);

    /// <summary>Starts a run and waits for its result.</summary>
    /// <inheritdoc cref="StartAsync{TIn, TOut}(IFlowClient{IFlow{TIn, TOut}}, TIn, string?, StartOptions?, CancellationToken)"/>
    /// <exception cref="FlowFailedException">It failed.</exception>
    /// <exception cref="FlowCancelledException">It was cancelled or terminated.</exception>
    public static Task<TOut> RunAsync<TIn, TOut>(this IFlowClient<IFlow<TIn, TOut>> flow, TIn input, string? id = null, StartOptions? options = null, CancellationToken cancellationToken = default)
        => Calls(flow).RunAsync<TIn, TOut>(flow.Name, input, id, options, cancellationToken);

    /// <summary>A handle on a run; whether it exists is seen by its calls.</summary>
    public static FlowHandle<TOut> Get<TIn, TOut>(this IFlowClient<IFlow<TIn, TOut>> flow, string id)
        => new(Calls(flow), new FlowKey(flow.Name, id));

    /// <summary>Says what is wrong when the input is not the flow's.</summary>
    [Obsolete("This is not the input type of the flow: see its IFlow<TIn, TOut>.", error: true)]
    public static Task<FlowHandle> StartAsync(this IFlowClient<IFlow> flow, object? input, string? id = null, StartOptions? options = null, CancellationToken cancellationToken = default)
        => throw new NotSupportedException($"{flow.Name} does not take {input?.GetType().Name} {id}{options}{cancellationToken.IsCancellationRequested}");

    private static FlowCalls Calls<TFlow>(IFlowClient<TFlow> flow)
        where TFlow : IFlow
        => ((IClientOf)flow).Calls;
}

internal interface IClientOf
{
    FlowCalls Calls { get; }
}

internal sealed class FlowClient<TFlow>(FlowCalls calls, string name) : IFlowClient<TFlow>, IClientOf
    where TFlow : IFlow
{
    public string Name => name;

    public FlowCalls Calls => calls;
}
