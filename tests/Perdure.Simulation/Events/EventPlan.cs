using Perdure.Engine;
using Perdure.Events;
using Perdure.Queues;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Orders;
using Perdure.Simulation.Plans;
using Perdure.Simulation.Processes;

namespace Perdure.Simulation.Events;

/// <summary>A subscription of a simulated run.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Types">The durable names of the types that it hears of.</param>
internal sealed record PlannedSubscription(string Name, IReadOnlyList<string> Types)
{
    /// <summary>The first version of the code that has it.</summary>
    public int FirstVersion { get; init; } = 1;

    /// <summary>The last version of the code that has it.</summary>
    public int LastVersion { get; init; } = int.MaxValue;

    public SubscriptionOptions Options { get; init; } = new();

    public QueueOptions Policy { get; init; } = new();

    /// <summary>Where it begins; null for what comes from now on, the least time there is for the beginning.</summary>
    public DateTimeOffset? Start { get; init; }

    public bool IsKnownTo(int version) => version >= FirstVersion && version <= LastVersion;
}

/// <summary>The event types, topics and subscriptions of a simulated run. Its code has two versions; the second has a subscription more, and one less.</summary>
internal sealed class EventPlan
{
    /// <summary>The queue of jobs whose handlers publish.</summary>
    public const string Chores = "chores";

    /// <summary>The subscription whose events start flows.</summary>
    public const string Openers = "openers";

    public const int KeysMax = 3;

    private readonly SortedDictionary<string, PlannedSubscription> _subscriptions = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, TopicOptions> _topics = new(StringComparer.Ordinal);
    private readonly List<EventType> _types;
    private readonly QueueOptions _chores;

    public EventPlan(ReplayRandom chance, DateTimeOffset start)
    {
        var hold = TimeSpan.FromSeconds(chance.Next(2, 60));
        _types =
        [
            TypeOf<Tick>("ticks", e => e.Key), TypeOf<Tock>("ticks", e => e.Key), TypeOf<Chat>("chats", null), TypeOf<Opened>("openings", e => e.Key),
            TypeOf<Ping>("pings", e => e.Key, new EventOptions { Hold = hold }),
            TypeOf<Gong>("pings", e => e.Key, new EventOptions { Hold = hold, ForAllWaiting = true }),
            .. OrderPlan.Types(),
        ];
        foreach (string topic in (string[])["ticks", "chats", "openings", "pings"])
        {
            _topics.Add(topic, new TopicOptions { Retention = chance.Next(2) == 0 ? TimeSpan.FromSeconds(chance.Next(40)) : TimeSpan.FromDays(7) });
        }

        OrderLimit = TimeSpan.FromSeconds(chance.Next(5, 120));
        var policies = new JobPolicies(chance, new Dictionary<string, PoolOptions>());
        _chores = policies.Plain();
        Add(new PlannedSubscription("all", ["tick", "tock", "chat", "ping", "gong", "opened"]));
        Add(new PlannedSubscription(Openers, ["opened"]));
        Add(new PlannedSubscription("late", AnyTypes()) { FirstVersion = 2 });
        Add(new PlannedSubscription("gone", AnyTypes()) { LastVersion = 1 });
        for (int i = chance.Next(1, 4); i > 0; i--)
        {
            Add(new PlannedSubscription($"s{i}", AnyTypes()));
        }

        foreach (PlannedSubscription ofOrders in OrderPlan.Subscriptions(chance))
        {
            _subscriptions.Add(ofOrders.Name, ofOrders);
        }

        void Add(PlannedSubscription draft)
        {
            DateTimeOffset? from = AnyStart(chance, start);
            _subscriptions.Add(draft.Name, draft with
            {
                Start = from,
                Options = new SubscriptionOptions { Start = StartOf(from), ReadAhead = chance.Next(2) == 0 ? 1_000 : chance.Next(1, 4) },
                Policy = AnyPolicy(),
            });
        }

        QueueOptions AnyPolicy()
        {
            QueueOptions policy = chance.Next(2) == 0 ? policies.Plain() : policies.Any();
            (policy.Rate, policy.RatePerKey) = chance.Next(4) == 0 ? (policy.Rate, policy.RatePerKey) : (null, null); // they make for long seeds
            return policy;
        }

        string[] AnyTypes()
        {
            string[] all = ["tick", "tock", "chat", "ping", "gong"];
            string[] some = [.. all.Where(_ => chance.Next(2) == 0)];
            return some.Length > 0 ? some : ["tick"];
        }
    }

    public IReadOnlyDictionary<string, PlannedSubscription> Subscriptions => _subscriptions;

    /// <summary>How long an order may take.</summary>
    public TimeSpan OrderLimit { get; }

    /// <summary>All queues: one for each subscription, and that of the chores.</summary>
    public IEnumerable<string> Queues => [Chores, .. _subscriptions.Keys];

    public static SubscriptionStart StartOf(DateTimeOffset? from)
        => from is not { } time ? SubscriptionStart.Now : time == DateTimeOffset.MinValue ? SubscriptionStart.Beginning : SubscriptionStart.At(time);

    /// <summary>Where a subscription begins, or is rewound to.</summary>
    public static DateTimeOffset? AnyStart(ReplayRandom chance, DateTimeOffset now) => chance.Next(4) switch
    {
        0 => null,
        1 => now.AddSeconds(-chance.Next(60)),
        _ => DateTimeOffset.MinValue,
    };

    public string TopicOf(string type) => _types.Find(t => t.Name == type)!.Topic;

    /// <summary>How long an event of a type is held for flows; null where it is not.</summary>
    public TimeSpan? HoldOf(string type) => _types.Find(t => t.Name == type)!.Options.Hold;

    public bool IsForAll(string type) => _types.Find(t => t.Name == type)!.Options.ForAllWaiting;

    public TimeSpan RetentionOf(string topic) => (_topics.GetValueOrDefault(topic) ?? new TopicOptions()).Retention;

    /// <summary>What one process knows: the events, and handlers of its own for them.</summary>
    public QueueRegistry RegistryOf(Process process, EventWork work, int version)
    {
        List<PlannedSubscription> known = [.. _subscriptions.Values.Where(s => s.IsKnownTo(version))];
        List<(string Queue, HandlerDefinition Handler)> handlers = [(Chores, HandlerDefinition.Of<Chore, string>(null, (job, context) => work.Service.DoAsync(process, job, context)))];
        foreach (PlannedSubscription subscription in known)
        {
            handlers.AddRange(subscription.Types.Select(type => (subscription.Name, HandlerOf(process, work, subscription.Name, type))));
        }

        handlers.Add((OrderPlan.Order, OrderPlan.PlaceHandler(process, work)));
        Dictionary<string, QueueOptions> queues = known.ToDictionary(s => s.Name, s => s.Policy);
        queues.Add(Chores, _chores);
        IEnumerable<JobType> jobTypes = handlers.Select(h => h.Handler.PlainType(h.Queue)).DistinctBy(t => t.Name);
        var definitions = known.ConvertAll(s => new SubscriptionDefinition(s.Name, s.Options, _types.Where(t => s.Types.Contains(t.Name))));
        return new QueueRegistry(queues, new Dictionary<string, PoolOptions>(), jobTypes, handlers) { Events = new EventRegistry(_types, _topics, definitions) };
    }

    public static EventType TypeOf<TEvent>(string topic, Func<TEvent, string>? key, EventOptions? options = null)
        => new EventType<TEvent>(FlowNames.Of(typeof(TEvent)), topic, key, options ?? new EventOptions());

    private static HandlerDefinition HandlerOf(Process process, EventWork work, string subscription, string type) => (subscription, type) switch
    {
        (Openers, _) => HandlerDefinition.Of<Opened, NoResult>(null, (e, context) => work.Service.StartAsync(process, e, PlanTypes.Opening, context)),
        (_, "tick") => Hears<Tick>(process, work),
        (_, "tock") => Hears<Tock>(process, work),
        (_, "chat") => Hears<Chat>(process, work),
        (_, "ping") => Hears<Ping>(process, work),
        (_, "gong") => Hears<Gong>(process, work),
        (_, "opened") => Hears<Opened>(process, work),
        _ => OrderPlan.HandlerOf(process, work, subscription, type),
    };

    private static HandlerDefinition Hears<TEvent>(Process process, EventWork work)
        where TEvent : IMarked
        => HandlerDefinition.Of<TEvent, NoResult>(null, (e, context) => work.Service.HearAsync(process, e, context));
}
