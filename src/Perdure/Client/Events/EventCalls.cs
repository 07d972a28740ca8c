using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Events;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Client;

/// <summary>The calls of clients about events.</summary>
internal sealed class EventCalls(JobCalls calls)
{
    private EventRegistry Registry => calls.Registry.Events;

    private Node Node => calls.Node;

    public async Task<PublishedEvent> PublishAsync(object @event, PublishOptions? options, CancellationToken cancellationToken)
        => (await PublishAsync([Prepare(@event, options)], cancellationToken))[0];

    public async Task<IReadOnlyList<PublishedEvent>> PublishManyAsync(IEnumerable<object> events, PublishOptions? options, CancellationToken cancellationToken)
    {
        List<NewEvent> wanted = [.. events.Select(e => Prepare(e, options))];
        if (options?.Id is { } id && wanted.GroupBy(w => w.Type.Topic).FirstOrDefault(g => g.Skip(1).Any()) is { } several)
        {
            throw new PerdureException(ErrorCodes.EventConflict, $"{several.Count()} events for topic {several.Key} cannot have one id, {id}: publish each with an id of its own.");
        }

        return wanted.Count == 0 ? [] : await PublishAsync(wanted, cancellationToken);
    }

    public async Task<PublishedEvent> PublishCloudEventAsync(ReadOnlyMemory<byte> json, CancellationToken cancellationToken)
    {
        NewEvent wanted = CloudEvents.Read(json, Registry, Node.Services.Json, Node.Options.PayloadBytesMax);
        CheckTime(wanted);
        return (await PublishAsync([wanted], cancellationToken))[0];
    }

    /// <summary>An event as it stands in an inbox, where nobody waits for the answer; null if it is there already.</summary>
    public async Task<InboxRow?> PublishRowAsync(object @event, PublishOptions? options, CancellationToken cancellationToken)
    {
        NewEvent wanted = Prepare(@event, options);
        long[] seen = new long[1];
        PublishedEvent[] there = await FindAsync([wanted], seen, cancellationToken);
        return there[0].Id is null ? calls.RowOf(new PublishEvents([wanted], seen)) : null;
    }

    /// <summary>The store's number: what a bridge sends says where it came from.</summary>
    public Guid StoreId => Node.StoreId;

    public bool HasTypes => !Registry.IsEmpty;

    /// <summary>Reads an event that a bridge brings in.</summary>
    public NewEvent ReadBridged(ReadOnlyMemory<byte> json, string bridge)
    {
        NewEvent wanted = BridgeMark.Put(CloudEvents.Read(json, Registry, Node.Services.Json, Node.Options.PayloadBytesMax), bridge);
        CheckTime(wanted);
        return wanted;
    }

    public async Task<SubscriptionInfo> DescribeAsync(string subscription, CancellationToken cancellationToken)
        => await calls.AskAsync(new ReadSubscription(subscription), cancellationToken);

    public async Task RewindAsync(string subscription, SubscriptionStart start, CancellationToken cancellationToken)
    {
        SubscriptionDefinition definition = Registry.Subscriptions.FirstOrDefault(s => s.Name == subscription) ?? throw EventErrors.UnknownSubscription(subscription, Registry);
        IReadOnlyList<TopicRange> ranges = await Node.Store.ReadTopicsAsync(Node.HomeShard.Index, cancellationToken);
        Dictionary<string, long?> done = [];
        foreach (string topic in definition.Topics)
        {
            done.Add(topic, start.Time == DateTimeOffset.MinValue ? 0 : await TopicsState.StartAsync(Node.Store, Node.HomeShard.Index, topic, ranges, start, cancellationToken));
        }

        await calls.AskAsync(new RewindSubscription(subscription, done), cancellationToken);
    }

    public Task RemoveAsync(string subscription, CancellationToken cancellationToken) => calls.AskAsync(new RemoveSubscription(subscription), cancellationToken);

    public async IAsyncEnumerable<EventInfo> ListAsync(EventFilter filter, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        WantedJobs.Require(filter.Limit >= 1, "a filter's Limit", "at least 1");
        await foreach (EventRow row in Node.Store.ListEventsAsync(filter, cancellationToken))
        {
            yield return EventInfo.Of(row);
        }
    }

    private NewEvent Prepare(object @event, PublishOptions? options)
    {
        ArgumentNullException.ThrowIfNull(@event);
        EventType type = Registry.TypeOf(@event.GetType());
        ICause? cause = CurrentCause.Value;
        var wanted = new NewEvent(type, type.Serialize(@event, Node.Services.Json))
        {
            Id = options?.Id is { } id ? EventText.Check(id) : null,
            Key = options?.Key is { } key ? EventText.Check(key) : type.KeyOf(@event),
            Source = EventText.Check(options?.Source ?? "/"),
            Time = options?.Time is { } time ? StoredTimes.Up(time) : null,
            Correlation = options?.CorrelationId is { } correlation ? EventText.Check(correlation) : cause?.Correlation,
            Cause = cause?.Text,
        };
        CheckTime(wanted);
        return wanted;
    }

    private void CheckTime(NewEvent wanted)
    {
        if (wanted.Time is { } time && time - Node.Clock.Now() > wanted.Type.Options.SkewMax)
        {
            throw new PerdureException(ErrorCodes.EventAhead, $"an event {wanted.Type.Name} says that it happened at {time:u}, which is more than {wanted.Type.Options.SkewMax} ahead of this node's clock.");
        }
    }

    /// <summary>Publishes events that were resolved, all or none of them. No two of them have one id.</summary>
    public async Task<PublishedEvent[]> PublishAsync(IReadOnlyList<NewEvent> events, CancellationToken cancellationToken)
    {
        while (true)
        {
            long[] seen = new long[events.Count];
            PublishedEvent[] duplicates = await FindAsync(events, seen, cancellationToken);
            List<int> fresh = [.. Enumerable.Range(0, events.Count).Where(i => duplicates[i].Id is null)];
            if (fresh.Count == 0)
            {
                return duplicates;
            }

            PublishedEvent[]? answers = await calls.AskAsync(new PublishEvents(fresh.ConvertAll(i => events[i]), fresh.ConvertAll(i => seen[i])), cancellationToken);
            if (answers is not null)
            {
                for (int i = 0; i < answers.Length; i++)
                {
                    duplicates[fresh[i]] = answers[i];
                }

                return duplicates;
            }
        }
    }

    /// <summary>Looks which events the store has under their ids. What comes meanwhile the home knows.</summary>
    private async ValueTask<PublishedEvent[]> FindAsync(IReadOnlyList<NewEvent> events, long[] seen, CancellationToken cancellationToken)
    {
        var found = new PublishedEvent[events.Count];
        for (int i = 0; i < events.Count; i++)
        {
            if (events[i].Id is not { } id)
            {
                continue;
            }

            seen[i] = await calls.AskAsync(new CountIds(events[i].Type.Topic), cancellationToken);
            await foreach (EventRow row in Node.Store.ListEventsAsync(new EventFilter { Topic = events[i].Type.Topic, Id = id }, cancellationToken))
            {
                if (row.Source == events[i].Source)
                {
                    found[i] = events[i].IsSame(row) ? new PublishedEvent(row.Topic, row.Position, row.Id, IsDuplicate: true) : throw PublishEvents.Conflict(row);
                }
            }
        }

        return found;
    }
}

/// <summary>Asks how many ids a topic has seen, before a look into the store.</summary>
internal sealed class CountIds(string topic) : HomeCall<long>
{
    public override string What => $"topic {topic}";

    protected override CallText Text => CallText.Of("count-ids", topic);

    protected override void Deliver() => AnswerThen(Home.Topics.LogOf(topic).Ids.Count);
}
