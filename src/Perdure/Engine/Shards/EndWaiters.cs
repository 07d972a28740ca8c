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

    /// <summary>A client on another node no longer waits.</summary>
    public void Remove(FlowKey key, string call)
    {
        if (_waiters.GetValueOrDefault(key)?.Find(w => w.Call is { } c && InboxId.CallOf(c.Id) == call) is { } waiter)
        {
            Remove(waiter);
        }
    }

    /// <summary>Takes those who wait for one flow; null if nobody does.</summary>
    public List<WaitForEnd>? Take(FlowKey key) => _waiters.Remove(key, out List<WaitForEnd>? list) ? list : null;

    /// <summary>Takes everybody who waits on this node, to ask again after a takeover; calls from other nodes are in the inbox.</summary>
    public List<WaitForEnd> TakeAll()
    {
        List<WaitForEnd> all = _waiters.Values.SelectMany(w => w).Where(w => w.Call is null).ToList();
        _waiters.Clear();
        return all;
    }
}

/// <summary>Tells those who waited for a flow when it decided to end that its end is durable.</summary>
internal sealed class EndAnswers(Shard shard, List<WaitForEnd> waiters, FlowEnd end) : IFreeEffect
{
    public void Release() => waiters.ForEach(w => w.Ended(end));

    public void Lost(PerdureException reason) => waiters.ForEach(shard.Waiters.Add); // the reload decides it again
}

/// <summary>A flow's end is durable.</summary>
internal sealed class FlowEnded(Shard shard, FlowSlot slot, FlowEnd end) : IEffect
{
    public void Release()
    {
        shard.Waiters.Take(slot.Key)?.ForEach(w => w.Ended(end)); // who came since it decided to end
        shard.Remove(slot);
        Diagnostics.PerdureMeter.FlowEnded(slot.Key.Type, end.Status, slot.State.EndedAt!.Value - slot.Row!.CreatedAt);
    }

    public void Lost(PerdureException reason)
    {
        // The reload decides it again, and the waiters are still there.
    }
}
