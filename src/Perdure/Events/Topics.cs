using System.Globalization;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Events;

/// <summary>The topics of a home: their logs, the subscriptions that read them, and the flows that wait for their events.</summary>
/// <remarks>An event is in its topic's log from the batch on in which it is published; what it leads to (jobs, messages to flows) is decided in the same turn.</remarks>
internal sealed class Topics
{
    private const string MemoPrefix = "subscription/";
    private const string CountMemo = "subscriptions/";
    private const int GenerationMask = 0xFF;

    private readonly Home _home;
    private readonly Dictionary<string, TopicLog> _logs = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Subscription, string Topic), SubscriptionReader> _readers = [];
    private readonly Dictionary<(string Subscription, string Topic), CursorMemo> _orphans = [];
    private int _subscriptionCount;

    public Topics(Home home)
    {
        _home = home;
        Waits = new EventWaits(home);
        Retention = new EventRetention(home);
    }

    public EventWaits Waits { get; }

    public EventRetention Retention { get; }

    public IEnumerable<TopicLog> Logs => _logs.Values;

    /// <summary>What the store knows of subscriptions that no code has.</summary>
    public IReadOnlyDictionary<(string Subscription, string Topic), CursorMemo> Orphans => _orphans;

    private EventRegistry Registry => _home.Registry.Events;

    public static string MemoOf(string subscription, string topic) => $"{MemoPrefix}{subscription}/{topic}";

    /// <summary>Whether something is remembered of subscriptions.</summary>
    public static bool IsOfSubscriptions(MemoRow memo) => IsCursor(memo) || memo.Name == CountMemo;

    private static bool IsCursor(MemoRow memo) => memo.Name.StartsWith(MemoPrefix, StringComparison.Ordinal);

    /// <summary>The cursors that a home remembers.</summary>
    public static IEnumerable<(string Subscription, string Topic, CursorMemo Memo)> CursorsIn(IEnumerable<MemoRow> memos)
        => memos.Where(IsCursor).Select(m =>
        {
            string[] names = m.Name[MemoPrefix.Length..].Split('/');
            return (names[0], names[1], CursorMemo.Read(m.Value!));
        });

    /// <summary>
    /// What is remembered of subscriptions where some of a batch is left out. The cursors are behind all of its deliveries, so that it is looked up which are there,
    /// and before all events that are left out; otherwise they say how far it was given, for which no delivery is ahead of that.
    /// </summary>
    public static IEnumerable<MemoRow> CursorsBehind(ShardBatch batch, bool withEvents)
    {
        foreach ((string subscription, string topic, CursorMemo memo) in CursorsIn(batch.Memos.Where(m => m.Value is not null)))
        {
            long last = withEvents ? long.MaxValue : batch.NewEvents.Where(e => e.Topic == topic).Select(e => e.Position - 1).DefaultIfEmpty(long.MaxValue).First();
            IEnumerable<long> done = batch.Deliveries.Where(d => d.Subscription == subscription && d.Topic == topic && d.Generation == memo.Generation).Select(d => d.Position - 1);
            (memo.Done, memo.Given) = (Math.Min(done.Append(memo.Done).Min(), last), Math.Min(memo.Given, last));
            yield return new MemoRow(MemoOf(subscription, topic), memo.Write());
        }

        foreach (MemoRow other in batch.Memos.Where(m => IsOfSubscriptions(m) && (m.Value is null || !IsCursor(m))))
        {
            yield return other;
        }
    }

    /// <summary>The number of the job for an event: the same after a crash, larger for later events, less than that of any other job.</summary>
    public static long NumberOf(CursorMemo memo, long position) => long.MinValue | ((long)(memo.Number & 0xFFF) << 51) | ((long)(memo.Generation & GenerationMask) << 43) | position;

    public bool Has(SubscriptionReader reader) => _readers.ContainsValue(reader);

    public TopicLog LogOf(string topic)
    {
        if (!_logs.TryGetValue(topic, out TopicLog? log))
        {
            _logs.Add(topic, log = new TopicLog(topic));
        }

        return log;
    }

    public SubscriptionReader? Find(string subscription, string topic) => _readers.GetValueOrDefault((subscription, topic));

    /// <summary>Begins with what the store holds.</summary>
    public void Begin(TopicsState state, IReadOnlyList<MemoRow> memos)
    {
        _readers.Clear();
        _orphans.Clear();
        foreach (TopicLog log in _logs.Values)
        {
            log.Begin(1, 0);
        }

        foreach (TopicRange range in state.Ranges)
        {
            LogOf(range.Topic).Begin(range.First, range.Last);
        }

        _subscriptionCount = memos.FirstOrDefault(m => m.Name == CountMemo) is { } count ? int.Parse(count.Value, CultureInfo.InvariantCulture) : 0;
        Waits.Begin(state.Waits, state.Held);
        foreach (CursorState cursor in state.Cursors)
        {
            Begin(cursor);
        }

        foreach ((string subscription, string topic, CursorMemo memo) in CursorsIn(memos).Where(c => Find(c.Subscription, c.Topic) is null))
        {
            _orphans.Add((subscription, topic), memo);
            _home.Node.Log.SubscriptionGone(subscription, topic, LogOf(topic).Last - memo.Done);
        }
    }

    private void Begin(CursorState cursor)
    {
        TopicLog log = LogOf(cursor.Topic);
        CursorMemo memo = cursor.Memo ?? new CursorMemo { Done = cursor.StartAfter ?? log.Last, Given = cursor.StartAfter ?? log.Last };
        if (cursor.Memo is null)
        {
            Number(memo);
        }

        var reader = new SubscriptionReader(_home, cursor.Definition, log, memo);
        _readers.Add((cursor.Definition.Name, cursor.Topic), reader);
        log.Readers.Add(reader);
        reader.Begin(cursor.Done, cursor.Given);
        if (cursor.Memo is null)
        {
            reader.Remember();
        }
    }

    /// <summary>Counts a rewind. Where no more generations fit into the numbers of jobs it takes another number: a job must never bear that of one before it.</summary>
    public void NextGeneration(CursorMemo memo)
    {
        memo.Generation++;
        if ((memo.Generation & GenerationMask) == 0)
        {
            Number(memo);
        }
    }

    private void Number(CursorMemo memo)
    {
        memo.Number = ++_subscriptionCount;
        _home.Queues.Remember(CountMemo, System.Text.Encoding.UTF8.GetBytes(_subscriptionCount.ToString(CultureInfo.InvariantCulture)));
    }

    /// <summary>Publishes an event: it comes into its topic's log, and flows that wait for it get it.</summary>
    public EventRow Publish(NewEvent wanted)
    {
        DateTimeOffset now = _home.Shard.Now();
        TopicLog log = LogOf(wanted.Type.Topic);
        string id = wanted.Id ?? EventText.NewId(_home.Node.Seams.NewGuid(), now);
        var row = new EventRow(_home.Shard.Index, log.Name, log.Last + 1, id, wanted.Type.Name, now)
        {
            Key = wanted.Key,
            Source = wanted.Source,
            Time = wanted.Time ?? now,
            Correlation = wanted.Correlation ?? id,
            Cause = wanted.Cause,
            Data = wanted.Data,
            More = wanted.More,
        };
        log.Add(row);
        Waits.Offer(row, wanted.Type);
        _home.Batch.NewEvents.Add(wanted.Type.Options.Hold is null ? row : row with { }); // what becomes of it may change while it is on its way to the store
        if (wanted.Id is not null)
        {
            log.Ids.Add(row);
        }

        PerdureMeter.EventPublished(log.Name);
        return row;
    }

    /// <summary>A flow publishes an event. One whose type this process does not know stays in the inbox for one that does.</summary>
    public void Publish(InboxRow message)
    {
        FlowEvent wanted = FlowEvent.Read(message.Payload!);
        if (Registry.Find(wanted.Type) is not { } type)
        {
            _home.Node.Log.EventTypeGone(wanted.Type, message.From!.Flow.ToString());
            return;
        }

        _home.Shard.Inbox.Consume(message.Id, InboxId.NoRun);
        Publish(new NewEvent(type, System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(wanted.Data, EventJson.Default.JsonElement))
        {
            Id = wanted.Id,
            Key = wanted.Key,
            Source = SourceOf(message.From!.Flow),
            Time = wanted.Time,
            Correlation = wanted.Correlation,
            Cause = CurrentCause.OfFlow(message.From.Flow, message.From.Ask),
        });
    }

    public static string SourceOf(FlowKey flow) => $"/flows/{Uri.EscapeDataString(flow.Type)}/{Uri.EscapeDataString(flow.Id)}";

    /// <summary>Gives subscriptions what they have room for.</summary>
    public void Fill()
    {
        foreach (SubscriptionReader reader in _readers.Values)
        {
            reader.Fill();
        }
    }

    /// <summary>Writes down how far subscriptions have come: the last thing before a batch is sealed.</summary>
    public void Remember()
    {
        foreach (SubscriptionReader reader in _readers.Values)
        {
            reader.RememberIfChanged();
        }
    }

    /// <summary>Does what an attempt of a job asked for, in the batch that ends the job.</summary>
    public void Apply(JobEffects effects)
    {
        foreach (NewEvent wanted in effects.Events)
        {
            Publish(wanted);
        }

        foreach (FlowStart start in effects.Starts)
        {
            _home.Shard.Send(new InboxRow(_home.Node.ShardOf(start.Key), MessageId(), MessageKind.StartChild, start.Key)
            {
                Name = start.TraceParent,
                Payload = start.Input,
                Correlation = start.Correlation,
                Cause = start.Cause,
            });
        }

        foreach (FlowJob left in effects.Jobs)
        {
            var queue = new FlowKey(Shard.HomeKey.Type + left.Queue, "");
            _home.Shard.Send(new InboxRow(_home.Shard.Index, MessageId(), MessageKind.EnqueueJob, queue) { Payload = left.Write() }); // from there it comes in as soon as there is room
        }
    }

    /// <summary>An id for a message that is sent once, with the batch that decides it. It belongs to no run.</summary>
    public string MessageId() => InboxId.OfHome(_home.Shard.NextRun(_home.Shard.Now()));

    /// <summary>Gives a job that only the log stands for a row of its own.</summary>
    public void GiveRow(Job job)
    {
        EventRef about = job.More!.Event!;
        about.HasRow = true;
        _home.Batch.NewJobs.Add(new JobRow(job.Number, _home.Shard.Index, job.Queue, job.Type, job.CreatedAt) { Key = job.Key, Payload = job.Payload, State = job.State });
        Delivered(job, about, JobStatus.Waiting, about.StartedAt == default ? job.CreatedAt : about.StartedAt, _home.Shard.Now());
        Find(job.Queue, about.Topic)?.Settled(job, about);
    }

    /// <summary>A job for an event has ended.</summary>
    public void Ended(Job job, EventRef about, JobStatus status, DateTimeOffset now)
    {
        Delivered(job, about, status, about.StartedAt == default ? now : about.StartedAt, now);
        if (!about.HasRow)
        {
            Find(job.Queue, about.Topic)?.Settled(job, about);
        }
    }

    /// <summary>Forgets what is known of a subscription that no code has.</summary>
    public bool Remove(string subscription)
    {
        List<(string Subscription, string Topic)> gone = [.. _orphans.Keys.Where(o => o.Subscription == subscription)];
        foreach ((string Subscription, string Topic) orphan in gone)
        {
            _orphans.Remove(orphan);
            _home.Queues.Remember(MemoOf(orphan.Subscription, orphan.Topic), null);
        }

        return gone.Count > 0;
    }

    private void Delivered(Job job, EventRef about, JobStatus status, DateTimeOffset started, DateTimeOffset now)
        => _home.Batch.Deliveries.Add(new DeliveryRow(about.Topic, about.Position, job.Queue, about.Generation, started, now) { Attempts = job.Attempts, Status = status, Job = about.HasRow ? job.Number : 0 });
}
