using Perdure.Client;
using Perdure.Engine;
using Perdure.Storage;

namespace Perdure;

/// <summary>Starts, finds and lists flows of all types.</summary>
public sealed class PerdureClient
{
    private readonly FlowCalls _calls;
    private readonly FlowRegistry _registry;

    internal PerdureClient(FlowCalls calls, FlowRegistry registry)
    {
        _calls = calls;
        _registry = registry;
    }

    /// <summary>The client of a flow class.</summary>
    /// <exception cref="PerdureException">The class is not registered (PRD1001).</exception>
    public IFlowClient<TFlow> Flow<TFlow>()
        where TFlow : class, IFlow
        => new FlowClient<TFlow>(_calls, _registry.OfClass<TFlow>().Name);

    /// <summary>The client of a flow that was registered as a lambda.</summary>
    /// <exception cref="PerdureException">No such flow is registered, or its types are others (PRD1001).</exception>
    public IFlowClient<IFlow<TIn, TOut>> Flow<TIn, TOut>(string name)
        => new FlowClient<IFlow<TIn, TOut>>(_calls, _registry.OfName<TIn, TOut>(name).Name);

    /// <summary>A handle on a run of any type, without its result's type.</summary>
    public FlowHandle Get(string type, string id) => FlowHandle.Of(_calls, new FlowKey(type, id));

    /// <summary>Lists runs, the newest first.</summary>
    public IAsyncEnumerable<FlowInfo> ListAsync(FlowFilter? filter = null, CancellationToken cancellationToken = default)
        => _calls.ListAsync(filter ?? new FlowFilter(), cancellationToken);

    /// <summary>Counts runs.</summary>
    public Task<long> CountAsync(FlowFilter? filter = null, CancellationToken cancellationToken = default)
        => _calls.CountAsync(filter ?? new FlowFilter(), cancellationToken);
}
