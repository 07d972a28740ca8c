using Microsoft.Extensions.DependencyInjection;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Storage;
using Perdure.Worker;

namespace Perdure;

/// <summary>Says what the engine runs: the store, the flow types, how errors are sorted.</summary>
public sealed class PerdureBuilder
{
    private readonly List<FlowDefinition> _flows = [];
    private Func<IServiceProvider, IStore>? _store;

    internal PerdureBuilder(IServiceCollection services) => Services = services;

    /// <summary>The application's services.</summary>
    public IServiceCollection Services { get; }

    /// <summary>How the engine runs.</summary>
    public PerdureOptions Options { get; } = new();

    internal IReadOnlyList<FlowDefinition> Flows => _flows;

    internal ErrorRules Rules { get; } = new();

    internal DependencyRegistry Dependencies { get; } = new();

    internal Func<IServiceProvider, IStore> Store
        => _store ?? throw new PerdureException(ErrorCodes.NoStore, "no store was chosen: call UseSqlite(path) in AddPerdure (or UseMemory() in a test).");

    /// <summary>Sets how the engine runs.</summary>
    public PerdureBuilder Configure(Action<PerdureOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        configure(Options);
        return this;
    }

    /// <summary>Chooses the store. Packages of stores have methods of their own on top of this.</summary>
    /// <exception cref="PerdureException">A store was chosen already (PRD4003).</exception>
    public PerdureBuilder UseStore(Func<IServiceProvider, IStore> store)
    {
        ArgumentNullException.ThrowIfNull(store);
        _store = _store is null ? store : throw new PerdureException(ErrorCodes.NoStore, "a store was chosen already: keep one Use... call in AddPerdure.");
        return this;
    }

    /// <summary>Takes this store whatever was chosen: a test replaces the application's.</summary>
    internal void ReplaceStore(IStore store) => _store = _ => store;

    /// <summary>Keeps everything in memory, for tests: nothing survives the process.</summary>
    /// <param name="store">A store to go on with, as after a crash; a new one by default.</param>
    public PerdureBuilder UseMemory(MemoryStore? store = null) => UseStore(_ => store ?? new MemoryStore());

    /// <summary>Says how exceptions of services are sorted.</summary>
    public PerdureBuilder Errors(Action<ErrorRules> rules)
    {
        ArgumentNullException.ThrowIfNull(rules);
        rules(Rules);
        return this;
    }

    /// <summary>Names something that steps and jobs depend on, with its limits and breaker. Steps say <c>dependency: "kitchen"</c>, queues have an option.</summary>
    /// <param name="name">Its name. One that was named before is the same: options are set on top.</param>
    /// <param name="configure">Sets its limits.</param>
    public PerdureBuilder AddDependency(string name, Action<DependencyOptions>? configure = null)
    {
        DependencyName dependency = Dependencies.Add(name);
        configure?.Invoke(dependency.Options);
        return this;
    }

    /// <summary>Makes a service a dependency: all steps that take it, <c>flow.Step((KitchenService k) => ...)</c>, belong to it without saying so.</summary>
    /// <typeparam name="TService">The service, as steps take it. The dependency has its name, such as <c>kitchen-service</c>.</typeparam>
    /// <param name="configure">Sets its limits.</param>
    public PerdureBuilder AddDependency<TService>(Action<DependencyOptions>? configure = null)
        where TService : notnull
        => AddDependency<TService>(FlowNames.Of(typeof(TService)), configure);

    /// <summary>Makes a service part of a dependency, which it may share with other services.</summary>
    /// <inheritdoc cref="AddDependency(string, Action{DependencyOptions}?)" path="/param"/>
    public PerdureBuilder AddDependency<TService>(string name, Action<DependencyOptions>? configure = null)
        where TService : notnull
    {
        AddDependency(name, configure);
        Dependencies.Add(typeof(TService), Dependencies.Add(name));
        return this;
    }

    /// <summary>Registers a flow class. Its constructor takes singletons only; everything else belongs into its steps.</summary>
    public PerdureBuilder AddFlow<TFlow>(Action<FlowOptions>? configure = null)
        where TFlow : class, IFlow
        => Add(TFlow.Define<TFlow>(), configure);

    /// <summary>Registers a lambda as a flow.</summary>
    public PerdureBuilder AddFlow<TIn, TOut>(string name, Func<TIn, FlowContext, Task<TOut>> flow, Action<FlowOptions>? configure = null)
        => Add(new FlowDefinition<TIn, TOut>(name, 1, null, _ => flow), configure);

    /// <summary>Registers a lambda without a result as a flow.</summary>
    public PerdureBuilder AddFlow<TIn>(string name, Func<TIn, FlowContext, Task> flow, Action<FlowOptions>? configure = null)
    {
        return Add(new FlowDefinition<TIn, NoResult>(name, 1, null, _ => RunAsync), configure);

        async Task<NoResult> RunAsync(TIn input, FlowContext context)
        {
            await flow(input, context);
            return default;
        }
    }

    /// <summary>Registers a lambda with a service (a singleton) as a flow.</summary>
    public PerdureBuilder AddFlow<TIn, TOut, T1>(string name, Func<TIn, FlowContext, T1, Task<TOut>> flow, Action<FlowOptions>? configure = null)
        where T1 : notnull
        => Add(new FlowDefinition<TIn, TOut>(name, 1, null, s => Bind(s.GetRequiredService<T1>(), flow)) { Takes = [typeof(T1)] }, configure);

    /// <summary>Registers a lambda with two services (singletons) as a flow.</summary>
    public PerdureBuilder AddFlow<TIn, TOut, T1, T2>(string name, Func<TIn, FlowContext, T1, T2, Task<TOut>> flow, Action<FlowOptions>? configure = null)
        where T1 : notnull
        where T2 : notnull
        => Add(new FlowDefinition<TIn, TOut>(name, 1, null, s => Bind(s.GetRequiredService<T1>(), s.GetRequiredService<T2>(), flow)) { Takes = [typeof(T1), typeof(T2)] }, configure);

    private static Func<TIn, FlowContext, Task<TOut>> Bind<TIn, TOut, T1>(T1 one, Func<TIn, FlowContext, T1, Task<TOut>> flow)
        => (input, context) => flow(input, context, one);

    private static Func<TIn, FlowContext, Task<TOut>> Bind<TIn, TOut, T1, T2>(T1 one, T2 two, Func<TIn, FlowContext, T1, T2, Task<TOut>> flow)
        => (input, context) => flow(input, context, one, two);

    private PerdureBuilder Add(FlowDefinition definition, Action<FlowOptions>? configure)
    {
        var options = new FlowOptions();
        configure?.Invoke(options);
        if ((options.Version ?? definition.Version) < 1)
        {
            throw new PerdureException(ErrorCodes.BadOption, $"the version of flow type {definition.Name} must be at least 1.");
        }

        _flows.Add(options.Name is null && options.Version is null ? definition : definition.With(options.Name ?? definition.Name, options.Version ?? definition.Version));
        return this;
    }
}
