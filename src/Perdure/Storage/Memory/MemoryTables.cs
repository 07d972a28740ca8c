using System.Runtime.InteropServices;

namespace Perdure.Storage;

/// <summary>What a <see cref="MemoryStore"/> holds. Rows in here are its own copies.</summary>
internal sealed class MemoryTables
{
    private readonly Dictionary<FlowKey, long> _runs = [];
    private readonly Dictionary<long, List<HistoryRow>> _history = [];
    private readonly Dictionary<long, SortedDictionary<int, BackoffRow>> _backoffs = [];

    public MemoryTables(int shardCount)
    {
        ShardCount = shardCount;
    }

    /// <summary>How many shards the store was made with.</summary>
    public int ShardCount { get; }

    /// <summary>Shards that anybody has asked about, by their numbers.</summary>
    public Dictionary<int, MemoryShard> Shards { get; } = [];

    public Dictionary<long, FlowRow> Flows { get; } = [];

    public MemoryShard Shard(int number)
    {
        ref MemoryShard? shard = ref CollectionsMarshal.GetValueRefOrAddDefault(Shards, number, out _);
        return shard ??= new MemoryShard();
    }

    public MemoryShard? Find(ShardLease lease) =>
        Shards.TryGetValue(lease.Shard, out MemoryShard? shard) && shard.IsHeldBy(lease) ? shard : null;

    public StoredFlow? Read(FlowKey key, FlowParts parts)
    {
        if (!_runs.TryGetValue(key, out long run))
        {
            return null;
        }

        List<HistoryRow> history = _history.GetValueOrDefault(run) ?? [];
        IEnumerable<HistoryRow> asked = parts switch
        {
            FlowParts.Start => history.Take(1),
            FlowParts.End => history.TakeLast(1),
            FlowParts.All => history,
            _ => [],
        };
        IEnumerable<BackoffRow> backoffs = parts == FlowParts.All && _backoffs.TryGetValue(run, out var open) ? open.Values : [];
        return new StoredFlow(RowCopy.Of(Flows[run]), [.. asked.Select(RowCopy.Of)], [.. backoffs.Select(RowCopy.Of)]);
    }

    /// <returns>False where the run or its key is there already.</returns>
    public bool TryAdd(FlowRow flow)
    {
        if (Flows.ContainsKey(flow.Run) || !_runs.TryAdd(flow.Key, flow.Run))
        {
            return false;
        }

        Flows.Add(flow.Run, RowCopy.Of(flow));
        Watch(flow);
        return true;
    }

    public void Remove(FlowRow flow)
    {
        Unwatch(Flows[flow.Run]);
        Flows.Remove(flow.Run);
        _runs.Remove(flow.Key);
    }

    /// <returns>The state before, or null where there is no such run.</returns>
    public FlowState? Change(long run, FlowState state)
    {
        if (!Flows.TryGetValue(run, out FlowRow? flow))
        {
            return null;
        }

        FlowState before = flow.State;
        Unwatch(flow);
        flow.State = RowCopy.Of(state);
        Watch(flow);
        return before;
    }

    /// <returns>False where the run has an input at that position already.</returns>
    public bool TryAdd(HistoryRow row)
    {
        ref List<HistoryRow>? history = ref CollectionsMarshal.GetValueRefOrAddDefault(_history, row.Run, out _);
        history ??= [];
        int place = PlaceOf(history, row.Position);
        if (place >= 0)
        {
            return false;
        }

        history.Insert(~place, RowCopy.Of(row));
        return true;
    }

    public void Remove(HistoryRow row)
    {
        List<HistoryRow> history = _history[row.Run];
        history.RemoveAt(PlaceOf(history, row.Position));
    }

    /// <returns>The asks and the result before, or null where there is no such row.</returns>
    public (string? Asks, byte[]? Result)? Decide(long run, int position, string? asks, byte[]? result)
    {
        if (!_history.TryGetValue(run, out List<HistoryRow>? history) || PlaceOf(history, position) is var place && place < 0)
        {
            return null;
        }

        (string?, byte[]?) before = (history[place].Asks, history[place].Result);
        history[place].Asks = asks;
        history[place].Result = RowCopy.Of(result);
        return before;
    }

    public void Put(BackoffRow backoff)
    {
        ref SortedDictionary<int, BackoffRow>? open = ref CollectionsMarshal.GetValueRefOrAddDefault(_backoffs, backoff.Run, out _);
        open ??= [];
        open[backoff.Ask] = RowCopy.Of(backoff);
    }

    public void EndBackoff(long run, int ask)
    {
        if (_backoffs.TryGetValue(run, out SortedDictionary<int, BackoffRow>? open) && open.Remove(ask) && open.Count == 0)
        {
            _backoffs.Remove(run);
        }
    }

    /// <summary>Finds a position: its index, or the complement of where it would go. Inputs come in order, so the end is tried first.</summary>
    private static int PlaceOf(List<HistoryRow> history, int position)
    {
        int low = 0;
        int high = history.Count - 1;
        if (high < 0 || history[high].Position < position)
        {
            return ~history.Count;
        }

        while (low <= high)
        {
            int middle = (low + high) / 2;
            int found = history[middle].Position;
            if (found == position)
            {
                return middle;
            }

            (low, high) = found < position ? (middle + 1, high) : (low, middle - 1);
        }

        return ~low;
    }

    private void Watch(FlowRow flow)
    {
        if (flow.State is { WakeAt: { } wakeAt, Status: < FlowStatus.Completed })
        {
            Shard(flow.Shard).Waking.Add((RowCopy.Of(wakeAt).UtcTicks, flow.Run));
        }
    }

    private void Unwatch(FlowRow flow)
    {
        if (flow.State.WakeAt is { } wakeAt)
        {
            Shard(flow.Shard).Waking.Remove((wakeAt.UtcTicks, flow.Run));
        }
    }
}
