using Perdure.Diagnostics;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Storage;

namespace Perdure.Simulation.Stores;

/// <summary>One process's connection to the store: calls take time, fail, or are done without an answer.</summary>
internal sealed class StoreView(ModelStore store, Process process, Observed observed) : IStore
{
    private readonly Dictionary<int, object> _undecided = [];
    private readonly HashSet<(FlowKey Flow, long Epoch)> _read = [];
    private Task _placed = Task.CompletedTask;

    public Task<StoreInfo> OpenAsync(int shardCount, CancellationToken cancellationToken)
        => CallAsync("open", () => ModelStore.Now(store.Memory.OpenAsync(shardCount, CancellationToken.None)));

    public Task<IReadOnlyList<ShardLease>> TakeShardsAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
    {
        foreach (int shard in shards)
        {
            _undecided.Remove(shard); // what is on its way under the lease before is fenced, or has arrived by then
        }

        return CallAsync("take", () => store.Take(process.Name, shards, token));
    }

    public Task ReleaseShardsAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken) => CallAsync("release", () =>
    {
        store.Release(leases);
        return true;
    });

    public Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, CancellationToken cancellationToken)
        => CommitAsync(batches, static () => { }, cancellationToken);

    public async Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches, Action placed, CancellationToken cancellationToken)
    {
        List<int> shards = [.. batches.Select(b => b.Lease.Shard)];
        var answer = new TaskCompletionSource<IReadOnlyList<CommitAnswer>>();
        if (!shards.TrueForAll(s => _undecided.TryAdd(s, answer)))
        {
            observed.Odd($"{process.Name} has two commits of one shard at the store, and no place for the first: {string.Join(' ', shards)}");
        }

        List<(InboxRow Row, long Consumed)[]> sends = [.. batches.Select(process.Sends)];
        Task before = _placed; // answers come in the order of the places
        store.Place.Post(() => _ = ServeAsync("commit", CommitAsync, before, answer));
        try
        {
            return await answer.Task;
        }
        finally
        {
            Decided();
        }

        async Task<IReadOnlyList<CommitAnswer>> CommitAsync()
        {
            if (store.TryPlace(process.Name, batches, () => process.Sent.AddRange(sends.SelectMany(s => s))) is { } group)
            {
                return await DurableAsync(group);
            }

            IReadOnlyList<CommitAnswer> answers = store.Commit(process.Name, batches);
            process.Sent.AddRange(sends.Where((_, i) => answers[i].Outcome == CommitOutcome.Committed).SelectMany(s => s));
            return answers;
        }

        async Task<IReadOnlyList<CommitAnswer>> DurableAsync(PlacedGroup group)
        {
            process.Place.Post(() =>
            {
                Decided();
                _placed = Task.WhenAll(_placed, answer.Task);
                placed();
            });
            await Task.Delay(store.Faults.Delay(), store.Place.Time);
            if (!store.Placed.Sync(group))
            {
                await new TaskCompletionSource().Task; // it died with its process, which hears no more
            }

            return CommitGroup.Committed(batches.Count);
        }

        void Decided()
        {
            shards.Where(s => _undecided.TryGetValue(s, out object? current) && current == answer).ToList().ForEach(s => _undecided.Remove(s));
        }
    }

    public Task<IReadOnlyList<StoredFlow?>> ReadFlowsAsync(IReadOnlyList<FlowKey> keys, FlowParts parts, CancellationToken cancellationToken)
    {
        process.IsLoading = true;
        MarkRereads(keys, parts);
        return CallAsync("read flows", () =>
        {
            process.IsLoading = false;
            return ModelStore.Now(store.Memory.ReadFlowsAsync(keys, parts, CancellationToken.None));
        });
    }

    public Task<IReadOnlyList<WakingFlow>> ReadWakingAsync(int shard, WakingFlow? after, DateTimeOffset until, int limit, CancellationToken cancellationToken)
        => CallAsync("read waking", () => ModelStore.Now(store.Memory.ReadWakingAsync(shard, after, until, limit, CancellationToken.None)));

    public Task<IReadOnlyList<InboxRow>> ReadInboxAsync(int shard, CancellationToken cancellationToken)
        => CallAsync("read inbox", () => ModelStore.Now(store.Memory.ReadInboxAsync(shard, CancellationToken.None)));

    public IAsyncEnumerable<FlowRow> ListAsync(FlowFilter filter, CancellationToken cancellationToken) => store.Memory.ListAsync(filter, cancellationToken);

    public Task<long> CountAsync(FlowFilter filter, CancellationToken cancellationToken) => store.Memory.CountAsync(filter, cancellationToken);

    public Task<IReadOnlyList<OpenVersion>> ReadOpenVersionsAsync(CancellationToken cancellationToken)
        => CallAsync("read versions", () => ModelStore.Now(store.Memory.ReadOpenVersionsAsync(CancellationToken.None)));

    public Task<IReadOnlyList<JobRow>> ReadJobsAsync(int shard, long after, int limit, CancellationToken cancellationToken)
        => CallAsync("read jobs", () => ModelStore.Now(store.Memory.ReadJobsAsync(shard, after, limit, CancellationToken.None)));

    public Task<IReadOnlyList<byte[]?>> ReadPayloadsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
        => CallAsync("read payloads", () => ModelStore.Now(store.Memory.ReadPayloadsAsync(shard, numbers, CancellationToken.None)));

    public Task<IReadOnlyList<JobEndRow?>> ReadJobEndsAsync(int shard, IReadOnlyList<long> numbers, CancellationToken cancellationToken)
        => CallAsync("read job ends", () => ModelStore.Now(store.Memory.ReadJobEndsAsync(shard, numbers, CancellationToken.None)));

    public Task<IReadOnlyList<long>> ReadForgettableAsync(int shard, DateTimeOffset until, int limit, CancellationToken cancellationToken)
        => CallAsync("read forgettable", () => ModelStore.Now(store.Memory.ReadForgettableAsync(shard, until, limit, CancellationToken.None)));

    public IAsyncEnumerable<JobRow> ListJobsAsync(JobFilter filter, CancellationToken cancellationToken) => store.Memory.ListJobsAsync(filter, cancellationToken);

    public IAsyncEnumerable<JobEndRow> ListJobEndsAsync(JobFilter filter, CancellationToken cancellationToken) => store.Memory.ListJobEndsAsync(filter, cancellationToken);

    public Task<IReadOnlyList<MemoRow>> ReadMemosAsync(int shard, CancellationToken cancellationToken)
        => CallAsync("read memos", () => ModelStore.Now(store.Memory.ReadMemosAsync(shard, CancellationToken.None)));

    public Task<IReadOnlyList<TopicRange>> ReadTopicsAsync(int shard, CancellationToken cancellationToken)
        => CallAsync("read topics", () => ModelStore.Now(store.Memory.ReadTopicsAsync(shard, CancellationToken.None)));

    public Task<IReadOnlyList<EventRow>> ReadEventsAsync(int shard, string topic, long after, int limit, CancellationToken cancellationToken)
        => CallAsync("read events", () => ModelStore.Now(store.Memory.ReadEventsAsync(shard, topic, after, limit, CancellationToken.None)));

    public IAsyncEnumerable<EventRow> ListEventsAsync(EventFilter filter, CancellationToken cancellationToken) => store.Memory.ListEventsAsync(filter, cancellationToken);

    public Task<IReadOnlyList<DeliveryRow>> ReadDeliveriesAsync(int shard, string topic, long first, long last, CancellationToken cancellationToken)
        => CallAsync("read deliveries", () => ModelStore.Now(store.Memory.ReadDeliveriesAsync(shard, topic, first, last, CancellationToken.None)));

    public Task<IReadOnlyList<EventWaitRow>> ReadEventWaitsAsync(int shard, CancellationToken cancellationToken)
        => CallAsync("read event waits", () => ModelStore.Now(store.Memory.ReadEventWaitsAsync(shard, CancellationToken.None)));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task<T> CallAsync<T>(string what, Func<T> call)
    {
        var answer = new TaskCompletionSource<T>();
        store.Place.Post(() => _ = ServeAsync(what, () => Task.FromResult(call()), Task.CompletedTask, answer));
        return answer.Task;
    }

    /// <summary>The store's side of a call. What it has begun it does, whether or not the process lives to hear of it.</summary>
    /// <param name="what">What it is, for the trace.</param>
    /// <param name="call">Does it.</param>
    /// <param name="before">What must be answered first.</param>
    /// <param name="answer">The process's side.</param>
    private async Task ServeAsync<T>(string what, Func<Task<T>> call, Task before, TaskCompletionSource<T> answer)
    {
        await Task.Delay(store.Faults.Delay(), store.Place.Time);
        if (store.Faults.Fails(isRead: what.StartsWith("read ", StringComparison.Ordinal)))
        {
            if (what == "take")
            {
                observed.Mark("a shard could not be taken");
            }

            store.Place.World.Trace.Note($"{process.Name} {what} fails");
            await Task.Delay(TimeSpan.FromMilliseconds(1), store.Place.Time);
            await Task.WhenAny(before);
            answer.SetException(Failure($"{what} failed"));
            return;
        }

        T result;
        try
        {
            result = await call();
        }
        catch (StoreException e)
        {
            answer.SetException(e);
            return;
        }

        MarkLateLanding(what);
        await Task.Delay(store.Faults.Delay(), store.Place.Time);
        await Task.WhenAny(before);
        if (store.Faults.Loses())
        {
            store.Place.World.Trace.Note($"{process.Name} {what} loses its answer");
            MarkLoss(what, result);
            answer.SetException(Failure($"the answer to {what} was lost"));
            return;
        }

        answer.SetResult(result);
    }

    private void MarkRereads(IReadOnlyList<FlowKey> keys, FlowParts parts)
    {
        foreach (FlowKey key in parts == FlowParts.All ? keys : [])
        {
            TakenShard? taken = observed.Takes.LastOrDefault(t => t.Shard == process.Node.ShardOf(key));
            if (taken?.Process == process.Name && !_read.Add((key, taken.Epoch)))
            {
                observed.Mark("a run was read again by its owner");
            }
        }
    }

    private void MarkLateLanding(string what)
    {
        if (what == "commit" && process.Place.IsDead)
        {
            observed.Mark("a commit reached the store after its process had died");
        }
    }

    private void MarkLoss<T>(string what, T result)
    {
        if (what == "commit")
        {
            bool landed = result is IReadOnlyList<CommitAnswer> answers && answers[0].Outcome == CommitOutcome.Committed;
            observed.Mark(landed ? "a commit's answer was lost, and it had landed" : "a commit's answer was lost, and it had not landed");
        }
    }

    private static StoreException Failure(string message) => new(ErrorCodes.StoreFailed, message);
}
