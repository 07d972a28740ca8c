using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Where a flow stands in memory.</summary>
internal enum SlotPhase
{
    /// <summary>It is being read; messages wait.</summary>
    Loading,

    /// <summary>Its code is in memory.</summary>
    Live,

    /// <summary>It is stuck, or no code is registered for it: inputs are recorded, undecided.</summary>
    Parked,

    /// <summary>It has ended; the slot is gone once that is committed.</summary>
    Ended,
}

/// <summary>A shard's place for one flow in memory.</summary>
internal sealed class FlowSlot(FlowKey key)
{
    private Queue<FlowMessage>? _waiting;

    public FlowKey Key { get; } = key;

    public SlotPhase Phase { get; set; } = SlotPhase.Loading;

    /// <summary>Its row, as it was inserted or read; <see cref="State"/> goes on from there.</summary>
    public FlowRow? Row
    {
        get;
        set
        {
            field = value;
            State = value?.State ?? default;
        }
    }

    /// <summary>What changes of its row. Kept apart from it: the row itself may be on its way to the store.</summary>
    public FlowState State { get; set; }

    public FlowRun? Flow { get; set; }

    /// <summary>The result or error, once it has ended.</summary>
    public byte[]? Result { get; set; }

    /// <summary>The position of its next history row.</summary>
    public int NextPosition { get; set; }

    /// <summary>Senders' ids of the signals it has, while it is parked or has ended.</summary>
    public HashSet<string>? SenderIds { get; set; }

    /// <summary>The steps that keep it stuck; none when it is its own code.</summary>
    public List<StuckAsk> StuckAsks => field ??= [];

    /// <summary>Whether it has passed its pivot, while it is parked.</summary>
    public bool PivotPassed { get; set; }

    /// <summary>Its open children, and the queues for each open job, while it is parked.</summary>
    public List<ParentRef> OpenChildren => field ??= [];

    /// <summary>Steps, undos, children and jobs without an outcome, by their asks, while it is parked: an outcome is recorded once.</summary>
    public HashSet<int> OpenWork => field ??= [];

    /// <summary>Messages that wait until it is read.</summary>
    public Queue<FlowMessage> Waiting => _waiting ??= new();

    /// <summary>Whether messages wait.</summary>
    public bool HasWaiting => _waiting is { Count: > 0 };

    /// <summary>How many of its steps a worker runs now.</summary>
    public int StepsRunning { get; set; }

    /// <summary>The last batch that has something of it.</summary>
    public long TouchedBatch { get; set; }

    /// <summary>The batch that inserts its row, and the batch and place of its last state update.</summary>
    public long InsertedIn { get; set; }

    public long UpdatedIn { get; set; }

    public int UpdateIndex { get; set; }

    /// <summary>The time for which the loop's wake-up is set.</summary>
    public DateTimeOffset? ArmedFor { get; set; }

    /// <summary>Clients' cancels that wait for the outcome of the pivot.</summary>
    public List<CancelFlow>? PendingCancels { get; set; }

    /// <summary>Neighbours in the order of last use.</summary>
    public FlowSlot? Newer { get; set; }

    public FlowSlot? Older { get; set; }

    public FlowStatus Status => State.Status;

    /// <summary>Whether an ask has no outcome yet, and the flow still wants one.</summary>
    public bool Awaits(int ask) => Flow is { } flow ? flow.Asks.Find(ask) is { IsAnsweredOutside: true } : Phase != SlotPhase.Ended && OpenWork.Contains(ask);

    /// <summary>Notes an input that is recorded, and waits for its decision.</summary>
    public void Undecided(HistoryRow input)
    {
        if (OpenWork.Remove(input.Ask))
        {
            OpenChildren.RemoveAll(c => c.Ask == input.Ask);
        }

        if (input.SenderId is { } sender)
        {
            (SenderIds ??= new(StringComparer.Ordinal)).Add(sender);
        }
    }

    public bool HasSender(string senderId) => Flow?.HasSender(senderId) ?? SenderIds?.Contains(senderId) ?? false;

    public static HashSet<string> SendersIn(IEnumerable<HistoryRow> history)
        => history.Where(h => h.SenderId is not null).Select(h => h.SenderId!).ToHashSet(StringComparer.Ordinal);
}

/// <summary>A step or undo that must succeed and does not.</summary>
internal readonly record struct StuckAsk(int Ask, bool IsUndo);

/// <summary>Slots in the order of their last use, for eviction.</summary>
internal sealed class SlotOrder
{
    private FlowSlot? _newest;
    private FlowSlot? _oldest;

    public int Count { get; private set; }

    public FlowSlot? Oldest => _oldest;

    public void Touch(FlowSlot slot)
    {
        if (slot == _newest)
        {
            return;
        }

        Remove(slot);
        slot.Older = _newest;
        if (_newest is not null)
        {
            _newest.Newer = slot;
        }

        _newest = slot;
        _oldest ??= slot;
        Count++;
    }

    public void Remove(FlowSlot slot)
    {
        if (slot.Newer is null && slot.Older is null && slot != _newest)
        {
            return;
        }

        if (slot.Newer is { } newer)
        {
            newer.Older = slot.Older;
        }
        else
        {
            _newest = slot.Older;
        }

        if (slot.Older is { } older)
        {
            older.Newer = slot.Newer;
        }
        else
        {
            _oldest = slot.Newer;
        }

        slot.Newer = slot.Older = null;
        Count--;
    }
}
