using Perdure.Client;
using Perdure.Engine;
using Perdure.Replay;
using Perdure.Storage;

namespace Perdure;

/// <summary>Starts, finds and lists flows of all types.</summary>
public sealed class PerdureClient
{
    private readonly FlowCalls _calls;
    private readonly FlowRegistry _registry;
    private readonly ReplayChecker _checker;

    internal PerdureClient(FlowCalls calls, FlowRegistry registry, ReplayChecker checker)
    {
        _calls = calls;
        _registry = registry;
        _checker = checker;
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

    /// <summary>Writes the histories of runs out as JSON (docs/reference/history-json.md), one file each, for replay checks. They hold the runs' payloads.</summary>
    /// <param name="folder">Where to; made if it does not exist. A file of the same run is replaced.</param>
    /// <param name="filter">Which runs; all by default.</param>
    /// <param name="cancellationToken">Stops the export; files that are written stay.</param>
    /// <returns>How many runs were written.</returns>
    public Task<int> ExportAsync(string folder, FlowFilter? filter = null, CancellationToken cancellationToken = default)
        => _checker.ExportAsync(folder, filter ?? new FlowFilter(), cancellationToken);

    /// <summary>
    /// Says which runs of the store would get stuck on the code that is registered here, where, and why. It replays each one with the
    /// engine's own replay: no step runs, nothing leaves, nothing is written.
    /// </summary>
    /// <remarks>
    /// It can be called before the host is started, so that a new build can refuse to start: it opens the store itself then, and closes it again.
    /// Flows are constructed, so the constructors of the services that they take run.
    /// </remarks>
    /// <param name="filter">Which runs; those that are open by default.</param>
    /// <param name="cancellationToken">Stops the check.</param>
    public Task<ReplayReport> CheckReplayAsync(FlowFilter? filter = null, CancellationToken cancellationToken = default)
        => _checker.CheckStoreAsync(filter ?? FlowFilter.Open, cancellationToken);
}
