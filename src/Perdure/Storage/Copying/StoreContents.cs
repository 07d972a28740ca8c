namespace Perdure.Storage.Copying;

/// <summary>Gets all that a store holds, in pages.</summary>
internal interface IContentReader
{
    Task TakeAsync(IReadOnlyList<StoredFlow> flows, CancellationToken cancellationToken);

    Task TakeAsync(IReadOnlyList<InboxRow> messages, CancellationToken cancellationToken);

    /// <param name="jobs">With their payloads.</param>
    /// <param name="cancellationToken">Stops it.</param>
    Task TakeAsync(IReadOnlyList<JobRow> jobs, CancellationToken cancellationToken);

    Task TakeAsync(IReadOnlyList<(JobEndRow End, byte[]? Payload)> ends, CancellationToken cancellationToken);

    Task TakeAsync(IReadOnlyList<MemoRow> memos, CancellationToken cancellationToken);

    Task TakeAsync(IReadOnlyList<EventRow> events, IReadOnlyList<DeliveryRow> deliveries, CancellationToken cancellationToken);

    Task TakeAsync(IReadOnlyList<EventWaitRow> waits, CancellationToken cancellationToken);
}

/// <summary>Reads all that a store holds, in an order that is the same in every store.</summary>
internal sealed class StoreContents(IStore store, int shardCount)
{
    private const int PageRows = 256;

    private int Home => shardCount;

    public async Task ReadAllAsync(IContentReader reader, CancellationToken cancellationToken)
    {
        await ReadFlowsAsync(reader, cancellationToken);
        for (int shard = 0; shard <= Home; shard++)
        {
            await reader.TakeAsync(await store.ReadInboxAsync(shard, cancellationToken), cancellationToken);
        }

        await reader.TakeAsync(await store.ReadInboxAsync(NodeLease.Unclaimed, cancellationToken), cancellationToken);
        await ReadJobsAsync(reader, cancellationToken);
        await ReadEndsAsync(reader, cancellationToken);
        await reader.TakeAsync(await store.ReadMemosAsync(Home, cancellationToken), cancellationToken);
        foreach (TopicRange topic in await store.ReadTopicsAsync(Home, cancellationToken))
        {
            await ReadEventsAsync(reader, topic, cancellationToken);
        }

        await reader.TakeAsync(await store.ReadEventWaitsAsync(Home, cancellationToken), cancellationToken);
    }

    private async Task ReadFlowsAsync(IContentReader reader, CancellationToken cancellationToken)
    {
        List<FlowKey> keys = [];
        await foreach (FlowRow row in store.ListAsync(new FlowFilter { Limit = null }, cancellationToken))
        {
            keys.Add(row.Key);
            if (keys.Count == PageRows)
            {
                await ReadAsync();
            }
        }

        await ReadAsync();

        async Task ReadAsync()
        {
            IReadOnlyList<StoredFlow?> flows = await store.ReadFlowsAsync(keys, FlowParts.All, cancellationToken);
            keys.Clear();
            await reader.TakeAsync([.. flows.OfType<StoredFlow>()], cancellationToken);
        }
    }

    private async Task ReadJobsAsync(IContentReader reader, CancellationToken cancellationToken)
    {
        long after = long.MinValue;
        IReadOnlyList<JobRow> jobs;
        do
        {
            jobs = await store.ReadJobsAsync(Home, after, PageRows, cancellationToken);
            IReadOnlyList<byte[]?> payloads = await store.ReadPayloadsAsync(Home, [.. jobs.Select(j => j.Number)], cancellationToken);
            await reader.TakeAsync([.. jobs.Zip(payloads, (job, payload) => job with { Payload = payload })], cancellationToken);
            after = jobs.Count > 0 ? jobs[^1].Number : after;
        }
        while (jobs.Count == PageRows);
    }

    private async Task ReadEndsAsync(IContentReader reader, CancellationToken cancellationToken)
    {
        List<JobEndRow> ends = [];
        await foreach (JobEndRow end in store.ListJobEndsAsync(new JobFilter { Limit = int.MaxValue }, cancellationToken))
        {
            ends.Add(end);
            if (ends.Count == PageRows)
            {
                await ReadAsync();
            }
        }

        await ReadAsync();

        async Task ReadAsync()
        {
            IReadOnlyList<byte[]?> payloads = await store.ReadPayloadsAsync(Home, ends.ConvertAll(e => e.Number), cancellationToken);
            await reader.TakeAsync([.. ends.Zip(payloads)], cancellationToken);
            ends.Clear();
        }
    }

    private async Task ReadEventsAsync(IContentReader reader, TopicRange topic, CancellationToken cancellationToken)
    {
        for (long first = topic.First; first <= topic.Last; first += PageRows)
        {
            long last = Math.Min(first + PageRows - 1, topic.Last);
            IReadOnlyList<EventRow> events = await store.ReadEventsAsync(Home, topic.Topic, first - 1, PageRows, cancellationToken);
            IReadOnlyList<DeliveryRow> deliveries = await store.ReadDeliveriesAsync(Home, topic.Topic, first, last, cancellationToken);
            await reader.TakeAsync(events, deliveries, cancellationToken);
        }
    }
}
