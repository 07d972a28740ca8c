using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Events;
using Perdure.Queues;
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

    internal QueueBuilder Queues { get; } = new();

    internal EventBuilder Events { get; } = new();

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

    /// <summary>Adds a queue. Its policy can be changed later while it runs.</summary>
    /// <param name="name">The durable name: 1 to 200 characters, no control characters, no slash.</param>
    /// <param name="configure">Sets its policy.</param>
    /// <exception cref="PerdureException">The name is bad (PRD1007), or an option is out of its range (PRD4004).</exception>
    public PerdureBuilder AddQueue(string name, Action<QueueOptions>? configure = null)
    {
        Queues.AddQueue(name, configure);
        return this;
    }

    /// <summary>Adds a pool: something limited that jobs of several queues share.</summary>
    /// <exception cref="PerdureException">An option is out of its range (PRD4004).</exception>
    public PerdureBuilder AddPool(string name, Action<PoolOptions> configure)
    {
        Queues.AddPool(name, configure);
        return this;
    }

    /// <summary>Says where jobs of a type go, and what holds for all of them. Needed where no handler says it, and for keys.</summary>
    public PerdureBuilder AddJob<TJob>(string queue, Action<JobContract<TJob>>? configure = null)
        where TJob : IJob
    {
        Queues.AddJob(queue, configure);
        return this;
    }

    /// <summary>Registers a handler class for a queue. It is made anew for each attempt, with services of the attempt's own scope.</summary>
    public PerdureBuilder AddHandler<THandler>(string queue)
        where THandler : class, IHandler
    {
        Services.TryAddTransient<THandler>();
        Queues.AddHandler(queue, THandler.Define<THandler>());
        return this;
    }

    /// <summary>Registers one of the kinds of jobs that a handler class does.</summary>
    public PerdureBuilder AddHandler<TJob, THandler>(string queue)
        where TJob : IJob
        where THandler : class, IHandler<TJob>
    {
        Services.TryAddTransient<THandler>();
        return AddHandler<TJob>(queue, static (job, context) => context.Get<THandler>().HandleAsync(job, context));
    }

    /// <summary>Registers one of the kinds of jobs that a handler class does, with its result.</summary>
    public PerdureBuilder AddHandler<TJob, TResult, THandler>(string queue)
        where TJob : IJob<TResult>
        where THandler : class, IHandler<TJob, TResult>
    {
        Services.TryAddTransient<THandler>();
        return AddHandler<TJob, TResult>(queue, static (job, context) => context.Get<THandler>().HandleAsync(job, context));
    }

    /// <summary>Registers a lambda as a handler.</summary>
    public PerdureBuilder AddHandler<TJob>(string queue, Func<TJob, JobContext, Task> handle)
        where TJob : IJob
    {
        ArgumentNullException.ThrowIfNull(handle);
        Queues.AddHandler(queue, HandlerDefinition.Of<TJob, NoResult>(null, (job, context) => StepPlan.Void(handle(job, context))));
        return this;
    }

    /// <summary>Registers a lambda with a result as a handler.</summary>
    public PerdureBuilder AddHandler<TJob, TResult>(string queue, Func<TJob, JobContext, Task<TResult>> handle)
        where TJob : IJob<TResult>
    {
        ArgumentNullException.ThrowIfNull(handle);
        Queues.AddHandler(queue, HandlerDefinition.Of(null, handle));
        return this;
    }

    /// <summary>Lets a flow do the jobs of a queue: the job is the flow's input, its result the job's.</summary>
    public PerdureBuilder AddFlowHandler<TFlow>(string queue)
        where TFlow : class, IFlow
    {
        FlowDefinition definition = TFlow.Define<TFlow>();
        _flows.Add(definition);
        Queues.AddHandler(queue, new FlowHandler(definition));
        return this;
    }

    /// <summary>Adds a schedule: it makes the same job at each time of a timetable. It goes on over restarts, and no time has two jobs.</summary>
    /// <param name="name">The durable name: 1 to 200 characters, no control characters, no slash.</param>
    /// <param name="when">When.</param>
    /// <param name="job">The job; a handler finds the time that it is for in <see cref="JobContext.ScheduledFor"/>.</param>
    /// <param name="configure">Sets what becomes of times that overlap or were missed, and how its jobs are done.</param>
    /// <exception cref="PerdureException">
    /// Here or at the end of AddPerdure: the name is taken (PRD4010), there is no such queue (PRD1012) or handler (PRD1013), an option is out of
    /// its range (PRD4004), the timetable never comes (PRD4007), or there is no such zone (PRD4008).
    /// </exception>
    /// <exception cref="ArgumentException">The name is bad (PRD1007).</exception>
    public PerdureBuilder AddSchedule(string name, Timetable when, IJob job, Action<ScheduleOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(when);
        ArgumentNullException.ThrowIfNull(job);
        Queues.AddSchedule(new ScheduleDefinition(name, when, job.GetType(), _ => job, new ScheduleOptions()) { Job = job }, configure);
        return this;
    }

    /// <summary>Adds a schedule that makes a job for each time of a timetable.</summary>
    /// <param name="name">The durable name: 1 to 200 characters, no control characters, no slash.</param>
    /// <param name="when">When.</param>
    /// <param name="job">Makes the job for a time, which has the offset of the timetable's zone. It must be quick and do nothing else: it runs inside the engine.</param>
    /// <param name="configure">Sets what becomes of times that overlap or were missed, and how its jobs are done.</param>
    /// <inheritdoc cref="AddSchedule(string, Timetable, IJob, Action{ScheduleOptions}?)" path="/exception"/>
    public PerdureBuilder AddSchedule<TJob>(string name, Timetable when, Func<DateTimeOffset, TJob> job, Action<ScheduleOptions>? configure = null)
        where TJob : IJob
    {
        ArgumentNullException.ThrowIfNull(when);
        ArgumentNullException.ThrowIfNull(job);
        Queues.AddSchedule(new ScheduleDefinition(name, when, typeof(TJob), at => job(at), new ScheduleOptions()), configure);
        return this;
    }

    /// <summary>Adds an event type: a fact that can be published. Its durable name is the class's, or its <see cref="NamedAttribute"/>'s.</summary>
    /// <param name="key">What an event is about: by it subscriptions keep order and flows wait. Null for events that are about nothing in particular.</param>
    /// <param name="topic">The log that its events go to; <c>events</c> by default.</param>
    /// <param name="configure">Sets what holds for all events of the type.</param>
    /// <exception cref="PerdureException">Here or at the end of AddPerdure: the name is taken (PRD4010), or an option is out of its range (PRD4004).</exception>
    public PerdureBuilder AddEvent<TEvent>(Func<TEvent, string>? key = null, string? topic = null, Action<EventOptions>? configure = null)
        where TEvent : notnull
    {
        Events.AddEvent(key, topic, configure);
        return this;
    }

    /// <summary>Says how a topic's log is kept.</summary>
    public PerdureBuilder AddTopic(string name, Action<TopicOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Events.AddTopic(name, configure);
        return this;
    }

    /// <summary>Says how a subscription reads. What its handlers are, <c>Subscribe</c> says; how they are called, the policy of the queue of its name.</summary>
    public PerdureBuilder AddSubscription(string name, Action<SubscriptionOptions> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        Events.AddSubscription(name, configure);
        return this;
    }

    /// <summary>Lets a handler class hear of events. Each subscription gets each event at least once; a handler may publish events of its own, once, with <see cref="JobContext.Publish"/>.</summary>
    /// <param name="subscription">The subscription's durable name: a service's, say. It has a queue of that name; add it with <c>AddQueue</c> to set its policy.</param>
    /// <exception cref="PerdureException">At the end of AddPerdure: there is no such event type (PRD6001), or the subscription has a handler for it already (PRD4010).</exception>
    public PerdureBuilder Subscribe<TEvent, THandler>(string subscription)
        where TEvent : notnull
        where THandler : class, IHandler<TEvent>
    {
        Services.TryAddTransient<THandler>();
        return Subscribe<TEvent>(subscription, static (@event, context) => context.Get<THandler>().HandleAsync(@event, context));
    }

    /// <summary>Lets a lambda hear of events.</summary>
    /// <inheritdoc cref="Subscribe{TEvent, THandler}(string)"/>
    public PerdureBuilder Subscribe<TEvent>(string subscription, Func<TEvent, JobContext, Task> handle)
        where TEvent : notnull
    {
        ArgumentNullException.ThrowIfNull(handle);
        Events.Subscribe(subscription, typeof(TEvent));
        Queues.AddHandler(subscription, HandlerDefinition.Of<TEvent, NoResult>(null, (@event, context) => StepPlan.Void(handle(@event, context))));
        return this;
    }

    /// <summary>Starts a flow on an event, once for each id: the event is its input.</summary>
    /// <param name="id">The run's id; the event's key by default.</param>
    /// <param name="subscription">The subscription's durable name; <c>start-</c> and the flow's by default.</param>
    /// <exception cref="PerdureException">The flow's input is of another type (PRD1001); and as with Subscribe.</exception>
    public PerdureBuilder StartOn<TEvent, TFlow>(Func<TEvent, string>? id = null, string? subscription = null)
        where TEvent : notnull
        where TFlow : class, IFlow
    {
        FlowDefinition flow = TFlow.Define<TFlow>();
        if (flow.InputType != typeof(TEvent))
        {
            throw new PerdureException(ErrorCodes.UnknownFlowType, $"flow type {flow.Name} takes {flow.InputType.Name}, so an event {typeof(TEvent).Name} cannot start it.");
        }

        string name = subscription ?? $"start-{flow.Name}";
        Events.Starts(name, flow.Name);
        return Subscribe<TEvent>(name, (@event, context) =>
        {
            context.Start(flow.Name, id?.Invoke(@event));
            return Task.CompletedTask;
        });
    }

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

        definition = options.Name is null && options.Version is null ? definition : definition.With(options.Name ?? definition.Name, options.Version ?? definition.Version);
        definition.Published = options.Published;
        definition.Awaited = options.Awaited;
        _flows.Add(definition);
        return this;
    }
}
