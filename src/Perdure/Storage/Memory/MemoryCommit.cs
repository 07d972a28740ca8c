namespace Perdure.Storage;

/// <summary>Commits a group of batches to a <see cref="MemoryStore"/>: all of it or nothing.</summary>
/// <remarks>
/// What can be refused (flows, states, history, decisions, jobs, events) is written first, and each write leaves behind how to take it back;
/// what cannot be refused follows once nothing was.
/// </remarks>
internal sealed class MemoryCommit
{
    private readonly MemoryTables _tables;
    private readonly Stack<Action> _takeBacks = [];

    private MemoryCommit(MemoryTables tables)
    {
        _tables = tables;
    }

    public static CommitAnswer[] Run(MemoryTables tables, IReadOnlyList<ShardBatch> batches)
    {
        bool[] admitted = [.. batches.Select(batch => tables.Find(batch.Lease)?.Admits(batch) == true)];
        if (admitted.Contains(false))
        {
            return [.. admitted.Select((isAdmitted, i) => isAdmitted
                ? CommitGroup.NotNow("another batch of the group was fenced")
                : CommitGroup.Fenced(batches[i]))];
        }

        MemoryCommit commit = new(tables);
        for (int i = 0; i < batches.Count; i++)
        {
            if (commit.TryWrite(batches[i]) is { } refusal)
            {
                commit.TakeBack();
                return CommitGroup.Refused(batches.Count, i, refusal);
            }
        }

        foreach (ShardBatch batch in batches)
        {
            commit.WriteRest(batch);
        }

        return CommitGroup.Committed(batches.Count);
    }

    /// <returns>Why the batch is refused; null when it is not.</returns>
    private string? TryWrite(ShardBatch batch)
    {
        foreach (FlowRow flow in batch.NewFlows)
        {
            if (!_tables.TryAdd(flow))
            {
                return $"run {flow.Run} or flow {flow.Key} exists already";
            }

            _takeBacks.Push(() => _tables.Remove(flow));
        }

        foreach (FlowUpdate update in batch.Updates)
        {
            if (_tables.Change(update.Run, update.State) is not { } before)
            {
                return $"there is no run {update.Run} to update";
            }

            _takeBacks.Push(() => _tables.Change(update.Run, before));
        }

        foreach (HistoryRow row in batch.History)
        {
            if (!_tables.TryAdd(row))
            {
                return $"run {row.Run} has an input at position {row.Position} already";
            }

            _takeBacks.Push(() => _tables.Remove(row));
        }

        foreach (HistoryRow row in batch.Decided)
        {
            if (_tables.Decide(row.Run, row.Position, row.Asks, row.Result) is not { } before)
            {
                return $"run {row.Run} has no input at position {row.Position} to decide";
            }

            _takeBacks.Push(() => _tables.Decide(row.Run, row.Position, before.Asks, before.Result));
        }

        return TryWriteJobs(batch) ?? TryWriteEvents(batch);
    }

    /// <returns>Why the batch is refused; null when it is not.</returns>
    private string? TryWriteJobs(ShardBatch batch)
    {
        MemoryJobs jobs = _tables.Shard(batch.Lease.Shard).Jobs;
        foreach (JobRow job in batch.NewJobs)
        {
            if (!jobs.TryAdd(job))
            {
                return $"job {job.Number} exists already";
            }

            _takeBacks.Push(() => jobs.Remove(job.Number));
        }

        foreach (JobUpdate update in batch.JobUpdates)
        {
            if (jobs.Change(update) is not { } takeBack)
            {
                return $"there is no job {update.Number} to update";
            }

            _takeBacks.Push(takeBack);
        }

        return null;
    }

    /// <returns>Why the batch is refused; null when it is not.</returns>
    private string? TryWriteEvents(ShardBatch batch)
    {
        MemoryEvents events = _tables.Shard(batch.Lease.Shard).Events;
        foreach (EventRow row in batch.NewEvents)
        {
            if (!events.TryAdd(row))
            {
                return $"topic {row.Topic} has an event at position {row.Position} or with the id {row.Id} already";
            }

            _takeBacks.Push(() => events.Remove(row));
        }

        foreach (EventUpdate update in batch.EventUpdates)
        {
            if (events.Change(update) is not { } before)
            {
                return $"topic {update.Topic} has no event at position {update.Position} to update";
            }

            _takeBacks.Push(() => events.Change(update with { State = before }));
        }

        return null;
    }

    private void TakeBack()
    {
        while (_takeBacks.TryPop(out Action? takeBack))
        {
            takeBack();
        }
    }

    private void WriteRest(ShardBatch batch)
    {
        foreach (BackoffRow backoff in batch.Backoffs)
        {
            _tables.Put(backoff);
        }

        foreach ((long run, int ask) in batch.EndedBackoffs)
        {
            _tables.EndBackoff(run, ask);
        }

        foreach (InboxRow message in batch.Sent)
        {
            _tables.Shard(message.Shard).Inbox.TryAdd(message.Id, RowCopy.Of(message));
        }

        MemoryShard shard = _tables.Shard(batch.Lease.Shard);
        foreach (string id in batch.Received)
        {
            shard.Inbox.Remove(id);
        }

        batch.JobEnds.ForEach(shard.Jobs.Put);
        batch.EndedJobs.ForEach(shard.Jobs.Remove);
        batch.ForgottenJobs.ForEach(shard.Jobs.Forget);
        batch.Memos.ForEach(shard.Jobs.Put);
        batch.Deliveries.ForEach(shard.Events.Put);
        batch.EventWaits.ForEach(shard.Events.Begin);
        batch.EndedEventWaits.ForEach(shard.Events.End);
        batch.ForgottenEvents.ForEach(shard.Events.Forget);
        shard.Advance(batch);
    }
}
