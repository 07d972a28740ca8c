using Perdure.Cluster;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>
/// A slice of flows with one owner: an actor on its loop. It finds the flow that a message is for, reading it first if it is not in
/// memory, and keeps messages to a flow in order.
/// </summary>
internal sealed class Shard
{
    /// <summary>2020-01-01, in Unix milliseconds.</summary>
    private const long Epoch = 1_577_836_800_000;

    /// <summary>Stands for the queues where a wake-up names a flow: no flow type has a slash.</summary>
    public static readonly FlowKey HomeKey = new("queue/", "");

    private readonly Dictionary<FlowKey, FlowSlot> _slots = [];
    private long _lastRun;
    private bool _dirty;

    public Shard(int index, Node node, ShardLoop loop)
    {
        Index = index;
        Node = node;
        Loop = loop;
        Commits = new ShardCommits(this);
        Turns = new ShardTurns(this);
        Replay = new ShardReplay(this);
        Inbox = new ShardInbox(this);
        Refusals = new ShardRefusals(this);
        Recovery = new ShardRecovery(this);
        Careful = new CarefulMode(this);
        Waiters = new EndWaiters();
    }

    /// <summary>The shard where the queues live.</summary>
    public static Shard OfQueues(int index, Node node, ShardLoop loop, QueueRegistry registry)
    {
        var shard = new Shard(index, node, loop);
        shard.Home = new Home(shard, registry);
        return shard;
    }

    /// <summary>The inbox of a node of its own: answers to its clients' calls come there.</summary>
    public static Shard OfNode(int index, Node node, ShardLoop loop)
    {
        var shard = new Shard(index, node, loop);
        shard.Calls = new Calls(shard);
        shard.Given = new GivenRuns(shard);
        return shard;
    }

    public int Index { get; }

    public Node Node { get; }

    public ShardLoop Loop { get; }

    public ShardCommits Commits { get; }

    public ShardTurns Turns { get; }

    public ShardReplay Replay { get; }

    public ShardInbox Inbox { get; }

    public ShardRecovery Recovery { get; }

    public ShardRefusals Refusals { get; }

    public CarefulMode Careful { get; }

    public EndWaiters Waiters { get; }

    /// <summary>Whether it is about to move to another node, so that no attempts begin. From any thread.</summary>
    public bool IsLeaving
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>The queues that live here; null where none do.</summary>
    public Home? Home { get; private set; }

    /// <summary>The calls of this node's clients to other nodes, where this is the node's own inbox.</summary>
    public Calls? Calls { get; private set; }

    /// <summary>The jobs that the home on another node gave this one, where this is the node's own inbox.</summary>
    public GivenRuns? Given { get; private set; }

    /// <summary>The time for an input that comes now.</summary>
    public DateTimeOffset Now()
    {
        DateTimeOffset now = Node.Clock.Now();
        return Commits.Time = now > Commits.Time ? now : Commits.Time;
    }

    /// <summary>A run's number: larger for later starts, unique in the store. 41 bits of milliseconds since 2020, 10 of the shard, 12 to count.</summary>
    public long NextRun(DateTimeOffset now)
    {
        long first = FirstRun(now);
        _lastRun = Math.Max(first, _lastRun + 1);
        if ((_lastRun & 0xFFF) == 0xFFF)
        {
            _lastRun = (((_lastRun >> 22) + 1) << 22) | ((long)Index << 12);
        }

        if (_lastRun >> 22 > first >> 22)
        {
            // The next owner goes on after the shard's time, so no number may be ahead of it.
            Commits.Time = DateTimeOffset.FromUnixTimeMilliseconds((_lastRun >> 22) + Epoch);
        }

        return _lastRun;
    }

    /// <summary>Numbers of an earlier owner of the shard are not used again.</summary>
    public void RunsUpTo(DateTimeOffset time) => _lastRun = Math.Max(_lastRun, FirstRun(time) | 0xFFE);

    private long FirstRun(DateTimeOffset time) => ((time.ToUnixTimeMilliseconds() - Epoch) << 22) | ((long)Index << 12);

    /// <summary>From any thread.</summary>
    public void Post(Message message)
    {
        message.Shard = this;
        Loop.Post(message);
    }

    public void IsDirty()
    {
        if (!_dirty)
        {
            _dirty = true;
            Loop.Dirty.Add(this);
        }
    }

    /// <summary>Whether there is something to commit that may go to the store now; if not, it is no longer dirty.</summary>
    public bool CanSeal() => _dirty = Commits.CanSeal;

    public SealedBatch Seal()
    {
        Home?.PumpWhatIsOwed();
        _dirty = false;
        return Commits.Seal();
    }

    /// <summary>The flows in memory.</summary>
    public IEnumerable<FlowSlot> Slots => _slots.Values;

    public FlowSlot? Find(FlowKey key) => _slots.GetValueOrDefault(key);

    public void Route(FlowMessage message)
    {
        if (Recovery.Holds(message))
        {
            return;
        }

        if (_slots.TryGetValue(message.Key, out FlowSlot? slot))
        {
            if (slot.Phase == SlotPhase.Loading)
            {
                slot.Waiting.Enqueue(message);
            }
            else
            {
                Loop.Order.Touch(slot);
                message.Deliver(slot);
            }
        }
        else if (message.IsNew)
        {
            message.Deliver(null);
        }
        else
        {
            Load(message.Key, message.Needs).Waiting.Enqueue(message);
        }
    }

    /// <summary>Puts a flow into memory.</summary>
    public void Add(FlowSlot slot)
    {
        _slots[slot.Key] = slot;
        Loop.Order.Touch(slot);
    }

    /// <summary>Whether a flow can leave memory: it waits long, and all of it is durable.</summary>
    public bool CanEvict(FlowSlot slot)
    {
        bool isQuiet = slot.StepsRunning == 0 && slot.PendingCancels is null && !slot.HasWaiting
            && slot.Phase is SlotPhase.Live or SlotPhase.Parked && Commits.IsDurable(slot.TouchedBatch);
        if (isQuiet && slot.Flow is { } flow && slot.State.WakeAt == FlowRow.Busy)
        {
            // Memory is short, so a short wait is written down, too; the flow can go once that is durable.
            Turns.SetState(slot, slot.State with { WakeAt = flow.Asks.NextDue()?.Due ?? BackoffRow.Never });
            return false;
        }

        return isQuiet;
    }

    public void Remove(FlowSlot slot)
    {
        if (_slots.TryGetValue(slot.Key, out FlowSlot? current) && current == slot)
        {
            _slots.Remove(slot.Key);
        }

        Loop.Order.Remove(slot);
    }

    /// <summary>Reads a flow anew, after what was decided about it is durable. Messages wait meanwhile.</summary>
    public void Reload(FlowSlot slot)
    {
        slot.Phase = SlotPhase.Loading;
        slot.Flow = null;
        slot.ArmedFor = null;
        Commits.Then(new ActionEffect(() => Node.Loader.Request(this, slot, FlowParts.All)));
    }

    public FlowSlot Load(FlowKey key, Knowledge needs)
    {
        var slot = new FlowSlot(key);
        _slots[key] = slot;
        Node.Loader.Request(this, slot, needs == Knowledge.Row ? FlowParts.End : FlowParts.All);
        return slot;
    }

    public void Loaded(FlowSlot slot, FlowParts parts, StoredFlow? stored)
    {
        if (Find(slot.Key) != slot || slot.Phase != SlotPhase.Loading)
        {
            return; // of a life before the last takeover: what was read then may be out of date
        }

        if (stored is null)
        {
            _slots.Remove(slot.Key);
            Careful.Loaded(slot.Key);
            DeliverAll(slot.Waiting, null);
        }
        else if (stored.Row.State.Status is >= FlowStatus.Completed)
        {
            if (parts != FlowParts.All && slot.Waiting.Any(m => m.Needs == Knowledge.History))
            {
                Node.Loader.Request(this, slot, FlowParts.All);
                return;
            }

            _slots.Remove(slot.Key);
            slot.Phase = SlotPhase.Ended;
            slot.Row = stored.Row;
            slot.Result = stored.History[^1].Result;
            slot.SenderIds = FlowSlot.SendersIn(stored.History);
            Careful.Loaded(slot.Key);
            DeliverAll(slot.Waiting, slot);
        }
        else if (parts == FlowParts.All)
        {
            Add(slot);
            Replay.Rebuild(slot, stored);
        }
        else
        {
            LoadedRow(slot, stored);
        }
    }

    /// <summary>Hands over what waited while a flow was read.</summary>
    public void Waited(FlowSlot slot)
    {
        if (slot.HasWaiting)
        {
            DeliverAll(slot.Waiting, slot);
        }
    }

    public void Send(InboxRow row)
    {
        Commits.Open.Sent.Add(row);
        Commits.Then(new HandOver(Node, row, Node.Here(row.Shard)?.Inbox.Consumed ?? ShardInbox.Unknown));
    }

    /// <summary>The time has come to look at a flow, or at the queues.</summary>
    public void LookAt(FlowKey key)
    {
        if (key == HomeKey)
        {
            new HomeDue { Shard = this }.Handle();
        }
        else
        {
            Route(new FlowDue(key) { Shard = this });
        }
    }

    /// <summary>Completes once everything that was decided up to now is durable. From any thread.</summary>
    public Task DrainAsync()
    {
        var drain = new Drain(Node.Seams.Continuations);
        Post(drain);
        return drain.Task;
    }

    /// <summary>Tells everybody who still waits that the node stops. From any thread.</summary>
    public Task StopAsync(PerdureException reason)
    {
        var stop = new Stop(reason, Node.Seams.Continuations);
        Post(stop);
        return stop.Task;
    }

    /// <summary>Tells the clients whose messages wait for a flow that nobody can answer them.</summary>
    public void FailWaiting(PerdureException reason)
    {
        foreach (FlowSlot slot in _slots.Values)
        {
            slot.PendingCancels?.ForEach(c => c.Fail(reason));
            foreach (FlowMessage message in slot.HasWaiting ? slot.Waiting : [])
            {
                message.Fail(reason);
            }
        }
    }

    public void ForgetFlows(PerdureException reason)
    {
        foreach (FlowSlot slot in _slots.Values)
        {
            Loop.Order.Remove(slot);
            slot.PendingCancels?.ForEach(c => c.Fail(reason));
            while (slot.HasWaiting)
            {
                Recovery.Hold(slot.Waiting.Dequeue());
            }
        }

        _slots.Clear();
    }

    /// <summary>A flow was read only as far as to know that it is open: messages that need no more get their answer, the others wait for the rest.</summary>
    private void LoadedRow(FlowSlot slot, StoredFlow stored)
    {
        slot.Row = stored.Row;
        while (slot.Waiting.TryPeek(out FlowMessage? message) && message.Needs == Knowledge.Row)
        {
            slot.Waiting.Dequeue().Deliver(slot);
        }

        if (slot.Waiting.Count > 0)
        {
            Node.Loader.Request(this, slot, FlowParts.All);
        }
        else
        {
            _slots.Remove(slot.Key);
        }
    }

    private void DeliverAll(Queue<FlowMessage> messages, FlowSlot? slot)
    {
        while (messages.TryDequeue(out FlowMessage? message))
        {
            Loop.Ready.Enqueue(new ReadyMessage(message, slot));
        }
    }
}
