using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Perdure.Client;
using Perdure.Engine;
using Perdure.Hosting;
using Perdure.Queues;
using Perdure.Replay;
using Perdure.Serialization;
using Perdure.Simulation.Events;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Orders;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Seen;
using Perdure.Simulation.Services;
using Perdure.Simulation.Stores;
using Perdure.Storage;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Processes;

/// <summary>One process with the engine in it.</summary>
internal sealed class Process
{
    // Whatever costs much to make and holds no state is the same for all processes.
    private static readonly ServiceProvider NoServices = new ServiceCollection().BuildServiceProvider();
    private static readonly FlowJson Json = new(FlowJson.DefaultOptions(), 100_000);
    private static readonly ErrorRules Rules = new ErrorRules().Permanent<PermanentFault>();

    private static readonly QueueRegistry NoQueues = new(new Dictionary<string, QueueOptions>(), new Dictionary<string, PoolOptions>(), [], []);

    private readonly ModelStore _store;

    public Process(string name, World world, ModelStore store, Service service, JobWork? jobs, EventWork? events, Observed observed, Build build, PerdureOptions options)
    {
        Name = name;
        Build = build;
        _store = store;
        Place = world.NewPlace(name);
        IEnumerable<FlowDefinition> plans = Enumerable.Range(1, build.Versions).Select(version => new FlowDefinition<PlanInput, string>(PlanTypes.Plan, version, null,
            _ => (input, flow) => new Play(flow, this, service, observed).RunAsync(input, version)));
        var edited = new FlowDefinition<PlanInput, string>(PlanTypes.Edited, 1, null, _ => (input, flow) => new Play(flow, this, service, observed).RunEditedAsync(input));
        IEnumerable<FlowDefinition> ofJobs = jobs is null ? [] :
        [
            new FlowDefinition<PlanInput, string>(PlanTypes.Calling, 1, null, _ => (input, flow) => new Play(flow, this, service, observed).RunCallingAsync(jobs.Plan, input)),
            new FlowDefinition<Errand, string>(PlanTypes.Errand, 1, null, _ => (job, flow) => new Play(flow, this, service, observed).RunErrandAsync(job)),
        ];
        IEnumerable<FlowDefinition> ofEvents = events is null ? [] : OfEvents(events, service, observed);
        var registry = new FlowRegistry([.. plans, edited, .. ofJobs, .. ofEvents]);
        QueueRegistry? queues = jobs?.Plan.RegistryOf(this, jobs.Service, registry) ?? events?.Plan.RegistryOf(this, events, build.Versions);
        observed.Events.Versions.Add(name, build.Versions);
        Node = new Node(new StoreView(store, this, observed), options, new FlowServices(NoServices, registry, Json, NullLoggerFactory.Instance) { Queues = queues, Dependencies = jobs?.Plan.NewDependencies() ?? new() }, Rules,
            new VirtualSeams(Place, Place.Time), NullLogger.Instance);
        var holder = new NodeHolder { Current = Node };
        var checker = new ReplayChecker(new PerdureBuilder(new ServiceCollection()), registry, holder, NoServices, Place.Time, NullLoggerFactory.Instance);
        Jobs = new JobCalls(holder, queues ?? NoQueues);
        Client = new PerdureClient(new FlowCalls(holder), Jobs, registry, checker);
    }

    public string Name { get; }

    public Build Build { get; }

    public Place Place { get; }

    public Node Node { get; }

    public PerdureClient Client { get; }

    public JobCalls Jobs { get; }

    /// <summary>Whether it has started, and neither died nor stopped.</summary>
    public bool IsUp { get; private set; }

    public bool IsLoading { get; set; }

    /// <summary>The messages between shards that it has sent, and what it knew of their receivers then.</summary>
    public List<(InboxRow Row, long Consumed)> Sent { get; } = [];

    private FlowDefinition[] OfEvents(EventWork events, Service service, Observed observed) =>
    [
        new FlowDefinition<PlanInput, string>(PlanTypes.Listening, 1, null, _ => (input, flow) => new Play(flow, this, service, observed).RunListeningAsync(input)),
        new FlowDefinition<Opened, string>(PlanTypes.Opening, 1, null, _ => (opened, flow) => new Play(flow, this, service, observed).RunOpeningAsync(opened)),
        new FlowDefinition<OrderCreated, string>(PlanTypes.Tracking, 1, null, _ => (created, flow) => OrderFlows.TrackAsync(flow, created, events.Plan.OrderLimit)),
        new FlowDefinition<PlanInput, string>(PlanTypes.Leading, 1, null, _ => (_, flow) => OrderFlows.LeadAsync(flow, this, events.LedTown)),
    ];

    /// <summary>Starts the engine; the store lets it take all shards from whoever has them.</summary>
    public async Task StartAsync()
    {
        for (int shard = 0; shard < _store.AllShards; shard++)
        {
            _store.Grant(shard, Name);
        }

        await Place.Start(async () =>
        {
            await Node.StartAsync();
            return true;
        });
        IsUp = !Place.IsDead;
    }

    public Task StopAsync()
    {
        IsUp = false;
        return Place.Start(async () =>
        {
            await Node.StopAsync();
            return true;
        });
    }

    public void Die()
    {
        IsUp = false;
        Place.Die();
        _store.Placed.Died(Name);
    }

    /// <summary>Makes it take a shard, whoever has it.</summary>
    public void Steal(int shard)
    {
        _store.Grant(shard, Name);
        Node.Shards[shard].Post(new TakeOver());
    }

    /// <summary>The messages between shards in a batch, and how much their receivers have consumed before they are sent.</summary>
    public (InboxRow Row, long Consumed)[] Sends(ShardBatch batch) => [.. batch.Sent.Select(m => (m, Node.Here(m.Shard)?.Inbox.Consumed ?? ShardInbox.Unknown))];

    /// <summary>Hands over a message that it has sent once more, perhaps late.</summary>
    public void HandOver((InboxRow Row, long Consumed) sent) => new HandOver(Node, sent.Row, sent.Consumed).Release();

    /// <summary>Makes the shard commit something, so that it finds out that its lease is lost, if it is, and takes it again.</summary>
    private sealed class TakeOver : Message
    {
        public override void Handle()
        {
            if (!Shard.Recovery.IsRecovering)
            {
                _ = Shard.Commits.Open;
            }
        }
    }
}
