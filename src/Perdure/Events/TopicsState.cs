using Perdure.Storage;

namespace Perdure.Events;

/// <summary>What the store holds of a home's topics.</summary>
/// <param name="Ranges">How far the logs go.</param>
/// <param name="Waits">Flows that wait for events.</param>
/// <param name="Held">Events that wait for flows.</param>
/// <param name="Cursors">The subscriptions of this process.</param>
internal sealed record TopicsState(IReadOnlyList<TopicRange> Ranges, IReadOnlyList<EventWaitRow> Waits, IReadOnlyList<EventRow> Held, IReadOnlyList<CursorState> Cursors)
{
    private const int PageMax = 1_000;

    public static async Task<TopicsState> ReadAsync(IStore store, int shard, EventRegistry registry, IReadOnlyList<MemoRow> memos, CancellationToken cancellationToken)
    {
        IReadOnlyList<TopicRange> ranges = await store.ReadTopicsAsync(shard, cancellationToken);
        IReadOnlyList<EventWaitRow> waits = await store.ReadEventWaitsAsync(shard, cancellationToken);
        List<EventRow> held = [];
        await foreach (EventRow row in store.ListEventsAsync(new EventFilter { Fates = [EventFate.Held, EventFate.Ambiguous], Limit = int.MaxValue }, cancellationToken))
        {
            if (row.State.HeldUntil is not null)
            {
                held.Add(row);
            }
        }

        held.Reverse(); // they are listed the newest first
        Dictionary<(string, string), CursorMemo> known = Topics.CursorsIn(memos).ToDictionary(c => (c.Subscription, c.Topic), c => c.Memo);
        List<CursorState> cursors = [];
        foreach (SubscriptionDefinition definition in registry.Subscriptions)
        {
            foreach (string topic in definition.Topics)
            {
                cursors.Add(known.TryGetValue((definition.Name, topic), out CursorMemo? memo)
                    ? await ReadAsync(store, shard, definition, topic, memo, cancellationToken)
                    : new CursorState(definition, topic, null, await StartAsync(store, shard, topic, ranges, definition.Options.Start, cancellationToken), new HashSet<long>(), []));
            }
        }

        return new TopicsState(ranges, waits, held, cursors);
    }

    /// <summary>After which position a new subscription begins; null for the end of the log.</summary>
    public static async Task<long?> StartAsync(IStore store, int shard, string topic, IReadOnlyList<TopicRange> ranges, SubscriptionStart start, CancellationToken cancellationToken)
    {
        if (start.Time is not { } time)
        {
            return null;
        }

        if (ranges.FirstOrDefault(r => r.Topic == topic) is not { Topic: not null } range)
        {
            return 0; // what comes while this is on its way comes after that time
        }

        // Positions are in the order of their times: the first event at or after the time is found by halving.
        (long before, long from) = (range.First - 1, range.Last + 1);
        while (from - before > 1)
        {
            long middle = before + ((from - before) / 2);
            IReadOnlyList<EventRow> row = await store.ReadEventsAsync(shard, topic, middle - 1, 1, cancellationToken);
            if (row.Count == 0 || row[0].PublishedAt >= time)
            {
                from = middle;
            }
            else
            {
                before = middle;
            }
        }

        return from - 1;
    }

    private static async Task<CursorState> ReadAsync(IStore store, int shard, SubscriptionDefinition definition, string topic, CursorMemo memo, CancellationToken cancellationToken)
    {
        HashSet<long> done = [];
        List<EventRow> given = [];
        if (memo.Given > memo.Done)
        {
            IReadOnlyList<DeliveryRow> deliveries = await store.ReadDeliveriesAsync(shard, topic, memo.Done + 1, memo.Given, cancellationToken);
            done.UnionWith(deliveries.Where(d => d.Subscription == definition.Name && d.Generation == memo.Generation).Select(d => d.Position));
            long after = memo.Done;
            IReadOnlyList<EventRow> page;
            do
            {
                page = await store.ReadEventsAsync(shard, topic, after, PageMax, cancellationToken);
                given.AddRange(page.Where(r => r.Position <= memo.Given));
                after = page.Count > 0 ? page[^1].Position : memo.Given;
            }
            while (after < memo.Given);
        }

        return new CursorState(definition, topic, memo, null, done, given);
    }
}

/// <summary>How far a subscription has come with a topic.</summary>
/// <param name="Definition">The subscription.</param>
/// <param name="Topic">The topic.</param>
/// <param name="Memo">What is remembered; null for a new one.</param>
/// <param name="StartAfter">After which position a new one begins; null for the end of the log.</param>
/// <param name="Done">Which events after the cursor are done, or have rows of their own.</param>
/// <param name="Given">The events after the cursor that were given.</param>
internal sealed record CursorState(SubscriptionDefinition Definition, string Topic, CursorMemo? Memo, long? StartAfter, IReadOnlySet<long> Done, IReadOnlyList<EventRow> Given);
