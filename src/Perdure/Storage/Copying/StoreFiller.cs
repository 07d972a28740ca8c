#pragma warning disable RS0030 // a copy is made while nothing runs: its tokens need no seam
using Perdure.Diagnostics;

namespace Perdure.Storage.Copying;

/// <summary>Writes what was read from one store into another one, by batches like any other.</summary>
internal sealed class StoreFiller(IStore from, IStoreTarget to, int shardCount) : IContentReader, IAsyncDisposable
{
    private readonly Dictionary<int, long> _numbers = [];
    private readonly Dictionary<int, DateTimeOffset> _times = [];
    private IReadOnlyList<ShardLease> _source = [];
    private IReadOnlyList<ShardLease> _leases = [];

    /// <summary>Takes the shards of both: whoever still runs on the source can commit nothing more, and the times of its shards go along.</summary>
    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        int[] shards = [.. Enumerable.Range(0, shardCount + 1)];
        _source = await from.TakeShardsAsync(shards, Guid.NewGuid(), cancellationToken);
        _leases = await to.TakeShardsAsync(shards, Guid.NewGuid(), cancellationToken);
        foreach (ShardLease lease in _leases)
        {
            _times[lease.Shard] = _source[lease.Shard].Time;
            await CommitAsync(lease.Shard, static _ => { }, cancellationToken); // so that the time is there, even if nothing else is
        }
    }

    public async Task TakeAsync(IReadOnlyList<StoredFlow> flows, CancellationToken cancellationToken)
    {
        foreach (IGrouping<int, StoredFlow> shard in flows.GroupBy(f => f.Row.Shard))
        {
            await CommitAsync(
                shard.Key,
                batch =>
                {
                    foreach (StoredFlow flow in shard)
                    {
                        batch.NewFlows.Add(flow.Row);
                        batch.History.AddRange(flow.History);
                        batch.Backoffs.AddRange(flow.Backoffs);
                    }
                },
                cancellationToken);
        }
    }

    public async Task TakeAsync(IReadOnlyList<InboxRow> messages, CancellationToken cancellationToken)
    {
        if (messages.Count > 0)
        {
            await CommitAsync(shardCount, batch => batch.Sent.AddRange(messages), cancellationToken);
        }
    }

    public Task TakeAsync(IReadOnlyList<JobRow> jobs, CancellationToken cancellationToken)
        => CommitAsync(shardCount, batch => batch.NewJobs.AddRange(jobs), cancellationToken);

    /// <summary>An end takes its payload from the job's row, so that is there for the length of the batch.</summary>
    public Task TakeAsync(IReadOnlyList<(JobEndRow End, byte[]? Payload)> ends, CancellationToken cancellationToken)
        => CommitAsync(
            shardCount,
            batch =>
            {
                foreach ((JobEndRow end, byte[]? payload) in ends)
                {
                    if (payload is not null)
                    {
                        batch.NewJobs.Add(new JobRow(end.Number, shardCount, end.Queue, end.Type, end.CreatedAt) { Key = end.Key, Payload = payload });
                        batch.EndedJobs.Add(end.Number);
                    }

                    batch.JobEnds.Add(end);
                }
            },
            cancellationToken);

    public Task TakeAsync(IReadOnlyList<MemoRow> memos, CancellationToken cancellationToken)
        => CommitAsync(shardCount, batch => batch.Memos.AddRange(memos), cancellationToken);

    public Task TakeAsync(IReadOnlyList<EventRow> events, IReadOnlyList<DeliveryRow> deliveries, CancellationToken cancellationToken)
        => CommitAsync(
            shardCount,
            batch =>
            {
                batch.NewEvents.AddRange(events);
                batch.Deliveries.AddRange(deliveries);
            },
            cancellationToken);

    public Task TakeAsync(IReadOnlyList<EventWaitRow> waits, CancellationToken cancellationToken)
        => CommitAsync(shardCount, batch => batch.EventWaits.AddRange(waits), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await from.ReleaseShardsAsync(_source, CancellationToken.None);
        await to.ReleaseShardsAsync([.. _leases], CancellationToken.None);
    }

    private async Task CommitAsync(int shard, Action<ShardBatch> fill, CancellationToken cancellationToken)
    {
        long number = _numbers.GetValueOrDefault(shard, _leases[shard].Batch) + 1;
        var batch = new ShardBatch(_leases[shard], number, _times[shard]);
        fill(batch);
        CommitAnswer answer = (await to.CommitAsync([batch], cancellationToken))[0];
        if (answer.Outcome != CommitOutcome.Committed)
        {
            throw new StoreException(ErrorCodes.StoreFailed, $"the copy could not be written: {answer.Reason}");
        }

        _numbers[shard] = number;
    }
}
