using System.Security.Cryptography;
using System.Text.Json;

namespace Perdure.Storage.Copying;

/// <summary>Counts what a store holds, and sums it up: each row as JSON, in the order in which rows are read.</summary>
internal sealed class ContentSum : IContentReader, IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private StoreContent _counts = new(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, "");

    public Task TakeAsync(IReadOnlyList<StoredFlow> flows, CancellationToken cancellationToken)
    {
        foreach (StoredFlow flow in flows)
        {
            Add(flow.Row);
            _ = AddAll(flow.History);
            _ = AddAll([.. flow.Backoffs.OrderBy(b => b.Ask)]);
            _counts = _counts with { Flows = _counts.Flows + 1, Inputs = _counts.Inputs + flow.History.Count, Backoffs = _counts.Backoffs + flow.Backoffs.Count };
        }

        return Task.CompletedTask;
    }

    public Task TakeAsync(IReadOnlyList<InboxRow> messages, CancellationToken cancellationToken)
    {
        _counts = _counts with { Messages = _counts.Messages + messages.Count };
        return AddAll(messages);
    }

    public Task TakeAsync(IReadOnlyList<JobRow> jobs, CancellationToken cancellationToken)
    {
        _counts = _counts with { Jobs = _counts.Jobs + jobs.Count };
        return AddAll(jobs);
    }

    public Task TakeAsync(IReadOnlyList<(JobEndRow End, byte[]? Payload)> ends, CancellationToken cancellationToken)
    {
        foreach ((JobEndRow end, byte[]? payload) in ends)
        {
            Add(end);
            Add(payload);
        }

        _counts = _counts with { JobEnds = _counts.JobEnds + ends.Count };
        return Task.CompletedTask;
    }

    public Task TakeAsync(IReadOnlyList<MemoRow> memos, CancellationToken cancellationToken)
    {
        _counts = _counts with { Memos = _counts.Memos + memos.Count };
        return AddAll(memos);
    }

    public Task TakeAsync(IReadOnlyList<EventRow> events, IReadOnlyList<DeliveryRow> deliveries, CancellationToken cancellationToken)
    {
        _counts = _counts with { Events = _counts.Events + events.Count, Deliveries = _counts.Deliveries + deliveries.Count };
        _ = AddAll(events);
        return AddAll([.. deliveries.OrderBy(d => d.Position).ThenBy(d => d.Subscription, StringComparer.Ordinal).ThenBy(d => d.Generation)]);
    }

    public Task TakeAsync(IReadOnlyList<EventWaitRow> waits, CancellationToken cancellationToken)
    {
        _counts = _counts with { Waits = _counts.Waits + waits.Count };
        return AddAll(waits);
    }

    public StoreContent End() => _counts with { Checksum = Convert.ToHexStringLower(_hash.GetHashAndReset()) };

    public void Dispose() => _hash.Dispose();

    private Task AddAll<T>(IReadOnlyList<T> rows)
    {
        foreach (T row in rows)
        {
            Add(row);
        }

        return Task.CompletedTask;
    }

    private void Add<T>(T row) => _hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(row));
}
