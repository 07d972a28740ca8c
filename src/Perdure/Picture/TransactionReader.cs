using System.Globalization;
using Perdure.Events;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Picture;

/// <summary>Gathers a business transaction from a store, in few reads.</summary>
/// <remarks>
/// The reads are no snapshot: what came in between may be missing, or there without what caused it. Flows come last, since what they asked
/// for in between shows in their histories.
/// </remarks>
/// <param name="store">The store.</param>
/// <param name="home">The shard that the queues and topics live on.</param>
/// <param name="registry">The subscriptions of this process.</param>
internal sealed class TransactionReader(IStore store, int home, EventRegistry registry)
{
    private const int FlowsPerRead = 256;
    private const int GapMax = 128; // a read costs about as much as so many rows that are read in vain

    /// <exception cref="TransactionNotFoundException">Nothing carries the id.</exception>
    public async Task<BusinessTransaction> ReadAsync(string correlationId, CancellationToken cancellationToken)
    {
        var rows = new TransactionRows();
        await ReadEventsAsync(rows, correlationId, cancellationToken);
        await ReadJobsAsync(rows, correlationId, cancellationToken);
        await ReadFlowsAsync(rows, correlationId, cancellationToken);
        return rows.IsEmpty ? throw new TransactionNotFoundException(correlationId) : TransactionBuilder.Build(correlationId, rows);
    }

    private async Task ReadEventsAsync(TransactionRows rows, string correlationId, CancellationToken cancellationToken)
    {
        await foreach (EventRow row in store.ListEventsAsync(new EventFilter { Correlation = correlationId, Limit = int.MaxValue }, cancellationToken))
        {
            rows.Events.Add(row);
        }

        if (rows.Events.Count > 0 && registry.Subscriptions.Count > 0)
        {
            rows.PendingOf = PendingOf(await store.ReadMemosAsync(home, cancellationToken));
        }

        foreach (IGrouping<(int Shard, string Topic), EventRow> topic in rows.Events.GroupBy(e => (e.Shard, e.Topic)))
        {
            HashSet<long> wanted = [.. topic.Select(e => e.Position)];
            foreach ((long first, long last) in Ranges(wanted))
            {
                IReadOnlyList<DeliveryRow> found = await store.ReadDeliveriesAsync(topic.Key.Shard, topic.Key.Topic, first, last, cancellationToken);
                rows.Deliveries.AddRange(found.Where(d => wanted.Contains(d.Position)));
            }
        }
    }

    private async Task ReadJobsAsync(TransactionRows rows, string correlationId, CancellationToken cancellationToken)
    {
        var filter = new JobFilter { Correlation = correlationId, Limit = int.MaxValue };
        await foreach (JobRow row in store.ListJobsAsync(filter, cancellationToken))
        {
            rows.Jobs.Add(row);
        }

        if (NumberOf(correlationId) is { } own)
        {
            IReadOnlyList<JobRow> found = await store.ReadJobsAsync(home, own - 1, 1, cancellationToken);
            rows.Jobs.AddRange(found.Where(j => JobId.Text(j.Queue, j.Number) == correlationId && JobMore.Read(j.State.More)?.Correlation is null));
            IReadOnlyList<JobEndRow?> ends = await store.ReadJobEndsAsync(home, [own], cancellationToken);
            rows.JobEnds.AddRange(ends.OfType<JobEndRow>().Where(e => JobId.Text(e.Queue, e.Number) == correlationId && e.Correlation is null));
        }

        await foreach (JobEndRow row in store.ListJobEndsAsync(filter, cancellationToken))
        {
            rows.JobEnds.Add(row);
        }

        HashSet<long> ended = [.. rows.JobEnds.Select(e => e.Number)];
        rows.Jobs.RemoveAll(j => ended.Contains(j.Number)); // it ended between the two reads
    }

    private async Task ReadFlowsAsync(TransactionRows rows, string correlationId, CancellationToken cancellationToken)
    {
        List<FlowKey> keys = [];
        await foreach (FlowRow row in store.ListAsync(new FlowFilter { Correlation = correlationId }, cancellationToken))
        {
            keys.Add(row.Key);
        }

        int slash = correlationId.IndexOf('/', StringComparison.Ordinal);
        var own = slash > 0 ? new FlowKey(correlationId[..slash], correlationId[(slash + 1)..]) : default;
        if (slash > 0 && !keys.Contains(own))
        {
            keys.Add(own);
        }

        foreach (FlowKey[] page in keys.Chunk(FlowsPerRead))
        {
            IReadOnlyList<StoredFlow?> found = await store.ReadFlowsAsync(page, FlowParts.All, cancellationToken);
            rows.Flows.AddRange(found.OfType<StoredFlow>().Where(f => f.Row.Correlation == correlationId || (f.Row.Correlation is null && f.Row.Key == own)));
        }
    }

    /// <summary>What lies ahead of the subscriptions' cursors, and what one behind which something is open has done since, which deliveries say.</summary>
    private Func<EventRow, IEnumerable<(string Subscription, int Generation)>> PendingOf(IReadOnlyList<MemoRow> memos)
    {
        Dictionary<(string, string), CursorMemo> cursors = Topics.CursorsIn(memos).ToDictionary(c => (c.Subscription, c.Topic), c => c.Memo);
        return row => registry.Subscriptions
            .Where(s => s.Hears(row.Type, row.Topic) && cursors.TryGetValue((s.Name, row.Topic), out CursorMemo? cursor) && row.Position > cursor.Done)
            .Select(s => (s.Name, cursors[(s.Name, row.Topic)].Generation));
    }

    /// <summary>Ranges that together hold all positions, and few others.</summary>
    private static List<(long First, long Last)> Ranges(HashSet<long> positions)
    {
        List<(long First, long Last)> ranges = [];
        foreach (long position in positions.Order())
        {
            if (ranges.Count > 0 && position - ranges[^1].Last <= GapMax)
            {
                ranges[^1] = (ranges[^1].First, position);
            }
            else
            {
                ranges.Add((position, position));
            }
        }

        return ranges;
    }

    /// <summary>The number of the job that an id would name; null if it names none.</summary>
    private static long? NumberOf(string id)
    {
        int dash = id.LastIndexOf('-');
        return dash > 0 && long.TryParse(id.AsSpan(dash + 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long number) && number > 0 ? number : null;
    }
}
