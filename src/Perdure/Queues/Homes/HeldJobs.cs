using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>A job that a flow wants, and the message that says so: in the inbox until the job is let in.</summary>
internal sealed record HeldJob(InboxRow Row, FlowJob Wanted)
{
    /// <summary>Until when the flow wants it; null for always.</summary>
    public DateTimeOffset? Until { get; } = Wanted.Limit is { } limit && Row.From is not null ? StoredTimes.Up(Wanted.At, limit) : null;
}

/// <summary>Jobs of flows that wait outside a queue that is full or drains, first come, first served. Their messages stay in the inbox, so a crash loses none.</summary>
internal sealed class HeldJobs
{
    private readonly SortedDictionary<string, LinkedList<HeldJob>> _queues = new(StringComparer.Ordinal);
    private readonly Dictionary<ParentRef, LinkedListNode<HeldJob>> _byFlow = [];

    public bool IsEmpty => _queues.Count == 0;

    public bool Any(string queue) => _queues.ContainsKey(queue);

    public void Add(HeldJob held)
    {
        if (!_queues.TryGetValue(held.Wanted.Queue, out LinkedList<HeldJob>? queue))
        {
            _queues.Add(held.Wanted.Queue, queue = new());
        }

        LinkedListNode<HeldJob> node = queue.AddLast(held);
        if (held.Row.From is { } flow)
        {
            _byFlow.Add(flow, node);
        }
    }

    /// <summary>The ones that are first in their queues.</summary>
    public List<HeldJob> Firsts() => [.. _queues.Values.Select(q => q.First!.Value)];

    public HeldJob? First(string queue) => _queues.GetValueOrDefault(queue)?.First?.Value;

    public HeldJob? Find(ParentRef flow) => _byFlow.GetValueOrDefault(flow)?.Value;

    public List<HeldJob> Late(DateTimeOffset now) => [.. _byFlow.Values.Select(n => n.Value).Where(h => h.Until <= now)];

    public void Remove(HeldJob held)
    {
        LinkedList<HeldJob> queue = _queues[held.Wanted.Queue];
        if (held.Row.From is { } flow && _byFlow.Remove(flow, out LinkedListNode<HeldJob>? node))
        {
            queue.Remove(node);
        }
        else
        {
            queue.Remove(held);
        }

        if (queue.Count == 0)
        {
            _queues.Remove(held.Wanted.Queue);
        }
    }

    public void Clear()
    {
        _queues.Clear();
        _byFlow.Clear();
    }
}
