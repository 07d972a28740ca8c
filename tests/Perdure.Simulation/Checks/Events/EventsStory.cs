using System.Globalization;
using System.Text.Json;
using Perdure.Simulation.Events;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Checks.Events;

/// <summary>Where an event is for a subscription: each time that the subscription is rewound it hears of it anew.</summary>
internal sealed record HearingKey(string Subscription, int Generation, string Topic, long Position)
{
    public override string ToString() => $"{Topic}/{Position}@{Subscription}{(Generation > 0 ? $" (rewound {Generation} times)" : "")}";
}

/// <summary>What the committed batches say of topics, subscriptions and waits. Read from what was seen alone.</summary>
internal sealed class EventsStory
{
    private const string CursorMemo = "subscription/";

    private readonly List<string> _wrong = [];
    private readonly Dictionary<string, List<EventStory>> _topics = new(StringComparer.Ordinal);
    private readonly Dictionary<int, EventStory> _byNumber = [];
    private readonly Dictionary<HearingKey, HearingStory> _hearings = [];
    private readonly Dictionary<long, HearingStory> _byJob = [];
    private readonly Dictionary<(string Subscription, string Topic), List<GenerationStory>> _generations = [];
    private readonly HashSet<(int N, long Job)> _chores = [];

    private EventsStory(Observed observed, EventWork work)
    {
        (Observed, Plan) = (observed, work.Plan);
        Home = observed.Takes.Max(t => t.Shard);
        Takes = observed.Takes.FindAll(t => t.Shard == Home);
        Batches = observed.Batches.FindAll(b => b.Batch.Lease.Shard == Home);
        Batches.ForEach(Read);
    }

    public Observed Observed { get; }

    public EventPlan Plan { get; }

    /// <summary>The shard where topics live.</summary>
    public int Home { get; }

    public List<TakenShard> Takes { get; }

    /// <summary>The home's batches.</summary>
    public List<CommittedBatch> Batches { get; }

    public IReadOnlyList<string> Contradictions => _wrong;

    public IEnumerable<EventStory> Events => _topics.Values.SelectMany(t => t);

    public IEnumerable<HearingStory> Hearings => _hearings.Values;

    /// <summary>How many jobs came with a number; one that is redriven came before.</summary>
    public int ChoresOf(int number) => _chores.Count(c => c.N == number);

    public static EventsStory Read(Observed observed, EventWork work) => new(observed, work);

    public IReadOnlyList<EventStory> Topic(string topic) => _topics.GetValueOrDefault(topic) ?? [];

    public EventStory? Find(string topic, long position) => Topic(topic).ElementAtOrDefault((int)position - 1);

    /// <summary>The event with a number; null for one that was never published.</summary>
    public EventStory? Find(int number) => _byNumber.GetValueOrDefault(number);

    public HearingStory? Find(HearingKey key) => _hearings.GetValueOrDefault(key);

    /// <summary>The generations of a subscription on a topic, from its beginning on; none for one that no code had.</summary>
    public IReadOnlyList<GenerationStory> GenerationsOf(string subscription, string topic) => _generations.GetValueOrDefault((subscription, topic)) ?? [];

    /// <summary>The topics that a subscription hears.</summary>
    public IEnumerable<string> TopicsOf(PlannedSubscription subscription) => subscription.Types.Select(Plan.TopicOf).Distinct();

    /// <summary>Who took the home last before some moment.</summary>
    public TakenShard? TakeBefore(long order) => Takes.FindLast(t => t.Order < order);

    /// <summary>The generation that a handler was called for: a job's number says which.</summary>
    public HearingKey KeyOf(HeardCall call) => new(call.Queue, (int)((call.Number >> 43) & 0xFF), call.Topic!, call.Position);

    private void Read(CommittedBatch committed)
    {
        ShardBatch batch = committed.Batch;
        foreach (MemoRow memo in batch.Memos.Where(m => m.Name.StartsWith(CursorMemo, StringComparison.Ordinal)))
        {
            ReadCursor(memo, committed);
        }

        batch.NewEvents.ForEach(row => Come(row, committed));
        foreach (EventUpdate update in batch.EventUpdates)
        {
            Find(update.Topic, update.Position)?.States.Add((committed.Order, update.State));
        }

        foreach (JobRow chore in batch.NewJobs.Where(j => j.Queue == EventPlan.Chores))
        {
            using var json = JsonDocument.Parse(chore.Payload!);
            _chores.Add((json.RootElement.GetProperty("n").GetInt32(), chore.Number));
        }

        foreach (JobRow job in batch.NewJobs.Where(j => j.State.More is not null))
        {
            ReadJob(job);
        }

        foreach (DeliveryRow row in batch.Deliveries)
        {
            HearingOf(new HearingKey(row.Subscription, row.Generation, row.Topic, row.Position)).Outcomes.Add((committed.Order, row.Status));
        }

        foreach (JobEndRow end in batch.JobEnds.Where(e => _byJob.ContainsKey(e.Number)))
        {
            _byJob[end.Number].Job = end.Number;
        }

        foreach (ForgottenEvents forgotten in batch.ForgottenEvents)
        {
            foreach (EventStory story in Topic(forgotten.Topic).Where(e => e.Row.Position <= forgotten.UpTo && e.ForgottenOrder == long.MaxValue))
            {
                story.ForgottenOrder = committed.Order;
            }
        }
    }

    private void Come(EventRow row, CommittedBatch committed)
    {
        if (!_topics.TryGetValue(row.Topic, out List<EventStory>? topic))
        {
            _topics.Add(row.Topic, topic = []);
        }

        if (row.Position != topic.Count + 1 || (topic.Count > 0 && topic[^1].Row.PublishedAt > row.PublishedAt))
        {
            _wrong.Add($"{row.Topic}/{row.Position} follows {topic.Count} events, the last of {topic.LastOrDefault()?.Row.PublishedAt:O}");
        }

        var story = new EventStory(row, committed.Order);
        topic.Add(story);
        if (!_byNumber.TryAdd(story.N, story))
        {
            _byNumber[story.N].Copies.Add(story);
        }
    }

    private void ReadJob(JobRow job)
    {
        using var json = JsonDocument.Parse(job.State.More!);
        if (json.RootElement.TryGetProperty("event", out JsonElement about))
        {
            int generation = about.TryGetProperty("generation", out JsonElement g) ? g.GetInt32() : 0;
            _byJob[job.Number] = HearingOf(new HearingKey(job.Queue, generation, about.GetProperty("topic").GetString()!, about.GetProperty("position").GetInt64()));
        }
    }

    private void ReadCursor(MemoRow memo, CommittedBatch committed)
    {
        string[] names = memo.Name[CursorMemo.Length..].Split('/');
        if (!_generations.TryGetValue((names[0], names[1]), out List<GenerationStory>? all))
        {
            _generations.Add((names[0], names[1]), all = []);
        }

        if (memo.Value is null)
        {
            all[^1].EndOrder = committed.Order;
            return;
        }

        using var json = JsonDocument.Parse(memo.Value);
        int number = json.RootElement.TryGetProperty("generation", out JsonElement g) ? g.GetInt32() : 0;
        if (all.Count == 0 || all[^1].Number != number)
        {
            if (all.Count > 0)
            {
                all[^1].EndOrder = committed.Order;
            }

            all.Add(new GenerationStory(number, committed.Order));
        }
    }

    private HearingStory HearingOf(HearingKey key)
    {
        if (!_hearings.TryGetValue(key, out HearingStory? hearing))
        {
            _hearings.Add(key, hearing = new HearingStory(key));
        }

        return hearing;
    }
}

/// <summary>One event, as it was committed.</summary>
internal sealed class EventStory
{
    public EventStory(EventRow row, long order)
    {
        (Row, Order) = (row, order);
        States.Add((order, row.State));
        using var json = JsonDocument.Parse(row.Data);
        N = json.RootElement.GetProperty("n").GetInt32();
        Hops = json.RootElement.TryGetProperty("hops", out JsonElement hops) ? hops.GetInt32() : 0;
    }

    public EventRow Row { get; }

    public long Order { get; }

    /// <summary>The number that its publisher gave it.</summary>
    public int N { get; }

    public int Hops { get; }

    public List<(long Order, EventState State)> States { get; } = [];

    public EventFate Fate => States[^1].State.Fate;

    public long ForgottenOrder { get; set; } = long.MaxValue;

    /// <summary>Events of the same number that came later.</summary>
    public List<EventStory> Copies { get; } = [];

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Row.Topic}/{Row.Position} ({Row.Type} {Row.Key} {N})");
}

/// <summary>What became of one event for one subscription.</summary>
internal sealed class HearingStory(HearingKey key)
{
    public HearingKey Key => key;

    public List<(long Order, JobStatus Status)> Outcomes { get; } = [];

    /// <summary>The number of the job that is a dead letter; 0 if it never was one.</summary>
    public long Job { get; set; }

    public JobStatus? Last => Outcomes.Count == 0 ? null : Outcomes[^1].Status;
}

/// <summary>A subscription on a topic from its beginning, or from a rewind, on.</summary>
internal sealed class GenerationStory(int number, long order)
{
    public int Number => number;

    public long Order => order;

    public long EndOrder { get; set; } = long.MaxValue;
}
