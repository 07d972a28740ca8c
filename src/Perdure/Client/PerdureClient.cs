using Perdure.Client;
using Perdure.Engine;
using Perdure.Picture;
using Perdure.Replay;
using Perdure.Storage;
using Perdure.Topologies;

namespace Perdure;

/// <summary>Starts, finds and lists flows of all types.</summary>
public sealed class PerdureClient
{
    private readonly FlowCalls _calls;
    private readonly JobCalls _jobs;
    private readonly FlowRegistry _registry;
    private readonly ReplayChecker _checker;

    internal PerdureClient(FlowCalls calls, JobCalls jobs, FlowRegistry registry, ReplayChecker checker)
    {
        _calls = calls;
        _jobs = jobs;
        Events = new EventCalls(jobs);
        _registry = registry;
        _checker = checker;
    }

    /// <summary>For bridges, which publish what they have read themselves.</summary>
    internal EventCalls Events { get; }

    /// <summary>For stores that take jobs in a client's own transaction.</summary>
    internal JobCalls Jobs => _jobs;

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

    /// <summary>Puts a job into its queue. When the task completes the job is durable.</summary>
    /// <param name="job">The job.</param>
    /// <param name="options">How it is done, where that differs from its contract and its queue.</param>
    /// <param name="cancellationToken">Stops waiting for the answer; the job may come all the same.</param>
    /// <exception cref="PerdureException">There is no such queue (PRD1012) or handler (PRD1013), the queue is full (PRD1014), sheds (PRD1015) or drains (PRD1016), or the job is too large (PRD1005).</exception>
    /// <exception cref="StoreUnavailableException">Nobody can say whether the job came; with a dedup key it can be asked again.</exception>
    public Task<JobHandle> EnqueueAsync(IJob job, JobOptions? options = null, CancellationToken cancellationToken = default)
        => _jobs.EnqueueAsync(job, options, cancellationToken);

    /// <summary>Puts a job with a result into its queue. When the task completes the job is durable.</summary>
    /// <param name="job">The job.</param>
    /// <param name="options">How it is done, where that differs from its contract and its queue.</param>
    /// <param name="cancellationToken">Stops waiting for the answer; the job may come all the same.</param>
    /// <exception cref="PerdureException">As with a job without a result.</exception>
    /// <exception cref="StoreUnavailableException">Nobody can say whether the job came; with a dedup key it can be asked again.</exception>
    public Task<JobHandle<TResult>> EnqueueAsync<TResult>(IJob<TResult> job, JobOptions? options = null, CancellationToken cancellationToken = default)
        => _jobs.EnqueueAsync(job, options, cancellationToken);

    /// <summary>Puts many jobs into their queues: all of them, or none.</summary>
    /// <exception cref="PerdureException">As with one job.</exception>
    public Task<IReadOnlyList<JobHandle>> EnqueueManyAsync(IEnumerable<IJob> jobs, JobOptions? options = null, CancellationToken cancellationToken = default)
        => _jobs.EnqueueManyAsync(jobs, options, cancellationToken);

    /// <summary>
    /// Makes a job durable, and tries it at once on this node: before others, but within its queue's limits. Whoever calls gets the result,
    /// the rejection, or, when the budget ends or the attempt fails for a reason that may pass, the word that the job will be done later.
    /// </summary>
    /// <param name="job">The job.</param>
    /// <param name="budget">The time for the attempt and the wait for it, more than zero and less than a day. The attempt's token is cancelled then, or when the attempt's own time-out comes first.</param>
    /// <param name="options">How it is done, where that differs from its contract and its queue.</param>
    /// <param name="whenStoreDown">What to do when the job store cannot take the job.</param>
    /// <param name="cancellationToken">Stops waiting; the job may come all the same.</param>
    /// <exception cref="PerdureException">As with <see cref="EnqueueAsync(IJob, JobOptions?, CancellationToken)"/>.</exception>
    /// <exception cref="StoreUnavailableException">The job store did not take the job within the budget, and nothing else was to be done then. Nobody can say whether the job came.</exception>
    /// <exception cref="JobFailedException">The attempt failed for good.</exception>
    public Task<NowOrLater<TResult>> TryNowAsync<TResult>(IJob<TResult> job, TimeSpan budget, JobOptions? options = null, WhenStoreDown whenStoreDown = WhenStoreDown.Refuse, CancellationToken cancellationToken = default)
        => _jobs.TryNowAsync(job, budget, options, whenStoreDown, cancellationToken);

    /// <summary>Acts on a queue.</summary>
    /// <exception cref="PerdureException">There is no such queue (PRD1012).</exception>
    public QueueHandle Queue(string name)
        => _jobs.Registry.Queues.ContainsKey(name) ? new QueueHandle(_jobs, name) : throw _jobs.Registry.Unknown(name);

    /// <summary>Publishes an event. When the task completes the event is durable, and so are the jobs that it becomes.</summary>
    /// <param name="event">The event. Its type was added with <c>AddEvent</c>.</param>
    /// <param name="options">How it is published, where that differs from its type.</param>
    /// <param name="cancellationToken">Stops waiting for the answer; the event may come all the same.</param>
    /// <exception cref="PerdureException">There is no such event type (PRD6001), it has no key (PRD6002), its id belongs to another event (PRD6003), its time is ahead (PRD6004), or it is too large (PRD1005).</exception>
    /// <exception cref="StoreUnavailableException">Nobody can say whether the event came; with an id it can be published again.</exception>
    public Task<PublishedEvent> PublishAsync<TEvent>(TEvent @event, PublishOptions? options = null, CancellationToken cancellationToken = default)
        where TEvent : notnull
        => Events.PublishAsync(@event, options, cancellationToken);

    /// <summary>Publishes many events: all of them, or none.</summary>
    /// <inheritdoc cref="PublishAsync" path="/exception"/>
    public Task<IReadOnlyList<PublishedEvent>> PublishManyAsync(IEnumerable<object> events, PublishOptions? options = null, CancellationToken cancellationToken = default)
        => Events.PublishManyAsync(events, options, cancellationToken);

    /// <summary>Publishes an event that came from outside, in the JSON format of CloudEvents 1.0. The same id from the same source is the same event.</summary>
    /// <param name="json">The event; its <c>subject</c> is its key, its <c>correlationid</c> its business transaction.</param>
    /// <param name="cancellationToken">Stops waiting for the answer; the event may come all the same.</param>
    /// <exception cref="PerdureException">It is no CloudEvent with JSON data (PRD6005), or its data do not fit its type (PRD1006); and as with <see cref="PublishAsync"/>.</exception>
    /// <exception cref="StoreUnavailableException">Nobody can say whether the event came; it can be published again.</exception>
    public Task<PublishedEvent> PublishCloudEventAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken = default)
        => Events.PublishCloudEventAsync(json, cancellationToken);

    /// <summary>Lists events that are kept, the newest first.</summary>
    public IAsyncEnumerable<EventInfo> ListAsync(EventFilter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return Events.ListAsync(filter, cancellationToken);
    }

    /// <summary>Acts on a subscription.</summary>
    public SubscriptionHandle Subscription(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return new SubscriptionHandle(Events, name);
    }

    /// <summary>Acts on a schedule.</summary>
    /// <exception cref="PerdureException">There is no such schedule (PRD1024).</exception>
    public ScheduleHandle Schedule(string name)
        => _jobs.Registry.Schedules.TryGetValue(name, out Queues.ScheduleDefinition? schedule) ? new ScheduleHandle(_jobs, schedule) : throw _jobs.Registry.UnknownSchedule(name);

    /// <summary>A handle on a job, by its id. It acts on the job as a whole, whoever wants it.</summary>
    /// <exception cref="PerdureException">The text is no id of a job (PRD1007).</exception>
    public JobHandle Job(string id)
    {
        ArgumentException.ThrowIfNullOrEmpty(id);
        long number = Queues.JobId.Number(id);
        return JobHandle.Of(_jobs, id[..id.LastIndexOf('-')], number, subscriber: null);
    }

    /// <summary>Lists jobs, those that are open and those whose end is kept, the newest first.</summary>
    public IAsyncEnumerable<JobInfo> ListAsync(JobFilter filter, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return new QueueCalls(_jobs).ListAsync(filter, cancellationToken);
    }

    /// <summary>Cancels jobs for all who want them: those that are there when it is called, the newest first. Jobs that wait go at once, those that run are told.</summary>
    /// <param name="filter">Which jobs.</param>
    /// <param name="reason">Why, for people to read.</param>
    /// <param name="cancellationToken">Stops between pages of 500; what was cancelled stays so.</param>
    /// <returns>How many were cancelled.</returns>
    public Task<int> CancelJobsAsync(JobFilter filter, string reason = "cancelled by a caller", CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(filter);
        return new QueueCalls(_jobs).CancelAsync(filter, reason, cancellationToken);
    }

    /// <summary>Lists runs, the newest first.</summary>
    public IAsyncEnumerable<FlowInfo> ListAsync(FlowFilter? filter = null, CancellationToken cancellationToken = default)
        => _calls.ListAsync(filter ?? new FlowFilter(), cancellationToken);

    /// <summary>Counts runs.</summary>
    public Task<long> CountAsync(FlowFilter? filter = null, CancellationToken cancellationToken = default)
        => _calls.CountAsync(filter ?? new FlowFilter(), cancellationToken);

    /// <summary>Reads a business transaction from end to end: all flows, jobs and events under one correlation id.</summary>
    /// <param name="correlationId">Its id: the one that a caller gave, or that of what began it. A flow's is its type/id, a job's its id, an event's its id.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="TransactionNotFoundException">Nothing carries the id.</exception>
    public Task<BusinessTransaction> TransactionAsync(string correlationId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(correlationId);
        return new TransactionReader(_jobs.Node.Store, _jobs.Node.HomeIndex, _jobs.Node.Events).ReadAsync(correlationId, cancellationToken);
    }

    /// <summary>Says who publishes which events, who hears of them and who waits for them, as declared and as seen, with what looks like a mistake.</summary>
    /// <param name="options">What to look at; the last 10,000 events of each topic and the newest 1,000 runs by default.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public Task<Topology> TopologyAsync(TopologyOptions? options = null, CancellationToken cancellationToken = default)
        => new TopologyReader(_jobs.Node.Store, _jobs.Node.HomeIndex, _jobs.Registry, _registry, options ?? new TopologyOptions()).ReadAsync(_jobs.Node.Clock.Now(), cancellationToken);

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
