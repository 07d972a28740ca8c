using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Clients that wait for flows to end, whether these are in memory or not.</summary>
internal sealed class EndWaiters
{
    private readonly Dictionary<FlowKey, List<WaitForEnd>> _waiters = [];

    public bool IsEmpty => _waiters.Count == 0;

    public void Add(WaitForEnd waiter)
    {
        if (!_waiters.TryGetValue(waiter.Key, out List<WaitForEnd>? list))
        {
            _waiters.Add(waiter.Key, list = new(1));
        }

        list.Add(waiter);
    }

    public void Remove(WaitForEnd waiter)
    {
        if (_waiters.TryGetValue(waiter.Key, out List<WaitForEnd>? list) && list.Remove(waiter) && list.Count == 0)
        {
            _waiters.Remove(waiter.Key);
        }
    }

    public void Ended(FlowKey key, FlowEnd end)
    {
        if (_waiters.Remove(key, out List<WaitForEnd>? list))
        {
            list.ForEach(w => w.Ended(end));
        }
    }

    /// <summary>Takes everybody who waits, to ask again after a takeover.</summary>
    public List<WaitForEnd> TakeAll()
    {
        List<WaitForEnd> all = _waiters.Values.SelectMany(w => w).ToList();
        _waiters.Clear();
        return all;
    }
}

/// <summary>A flow's end is durable.</summary>
internal sealed class FlowEnded(Shard shard, FlowSlot slot, FlowEnd end) : IEffect
{
    public void Release()
    {
        shard.Waiters.Ended(slot.Key, end);
        shard.Remove(slot);
        Diagnostics.PerdureMeter.FlowEnded(slot.Key.Type, end.Status, slot.State.EndedAt!.Value - slot.Row!.CreatedAt);
    }

    public void Lost(PerdureException reason)
    {
        // The reload decides it again, and the waiters are still there.
    }
}
