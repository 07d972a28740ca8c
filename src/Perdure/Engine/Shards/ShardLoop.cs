using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>
/// One thread that runs several shards. A round takes all messages, runs the turns that they cause, and fires what is due; then the
/// batches of its shards are sealed and committed, if that is worth a commit: until then they grow. Where one shard has a long round for itself, it is cut.
/// </summary>
internal sealed class ShardLoop
{
    /// <summary>After how many messages of a round the loop asks whether they are worth a commit, while one shard alone has something to seal: a long round must not become one large batch with nothing beside it.</summary>
    private const int AsksAfter = 16;

    /// <summary>Timers take 49 days at most; one that fires early is set again.</summary>
    private static readonly TimeSpan TimerMax = TimeSpan.FromDays(1);

    private readonly Mailbox _mailbox = new();
    private readonly PriorityQueue<(Shard Shard, FlowKey Key), DateTimeOffset> _wakes = new();
    private readonly ITimer _timer;
    private readonly int _slotsMax;
    private Message? _round;
    private int _sinceAsked;
    private int _woken;
    private volatile bool _timerFired;
    private volatile bool _hasOpen;
    private DateTimeOffset _timerAt = DateTimeOffset.MaxValue;

    public ShardLoop(Node node, int index, int slotsMax)
    {
        Node = node;
        _slotsMax = slotsMax;
        Watch = new TurnWatch(this, node.Seams.MachineTime, node.Options.BlockingWaitMax, node.Options.TurnTimeMax);
        Thread = node.Seams.StartLoop($"Perdure loop {index}", Pump);
        _timer = node.Seams.Time.CreateTimer(static s => ((ShardLoop)s!).TimerFired(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public Node Node { get; }

    public ILoopThread Thread { get; }

    public TurnWatch Watch { get; }

    /// <summary>Flows of this loop's shards in memory.</summary>
    public SlotOrder Order { get; } = new();

    /// <summary>Shards that may have a batch to submit.</summary>
    public List<Shard> Dirty { get; } = [];

    /// <summary>Messages whose flow has just been read: they go before anything newer.</summary>
    public Queue<ReadyMessage> Ready { get; } = new();

    /// <summary>From any thread.</summary>
    public void Post(Message message)
    {
        bool canWait = message.CanWait;
        int waiting = _mailbox.Add(message);
        if (!canWait || waiting >= Node.Committer.Wanted)
        {
            Wake();
        }
    }

    /// <summary>Whether messages wait, or batches that are not sealed yet.</summary>
    public bool HasWork => !_mailbox.IsEmpty || _hasOpen;

    /// <summary>Makes the loop look at its mail, and at what there is to commit. From any thread.</summary>
    public void Wake()
    {
        if (Volatile.Read(ref _woken) == 0 && Interlocked.Exchange(ref _woken, 1) == 0)
        {
            Thread.Wake();
        }
    }

    /// <summary>Looks at a flow at a time, reading it first if it has left memory.</summary>
    public void WakeAt(DateTimeOffset time, Shard shard, FlowKey key)
    {
        _wakes.Enqueue((shard, key), time);
        Arm();
    }

    public void Stop()
    {
        _timer.Dispose();
        Thread.Stop();
    }

    private void TimerFired()
    {
        _timerFired = true;
        Thread.Wake();
    }

    private void Pump()
    {
        Interlocked.Exchange(ref _woken, 0); // who posts from now on wakes the loop again
        try
        {
            if (Watch.TakeAbandoned() is { } abandoned)
            {
                Shard shard = Node.Shards[abandoned.Slot.Row?.Shard ?? Node.ShardOf(abandoned.Slot.Key)];
                shard.Turns.Abandoned(abandoned.Slot, abandoned.Reason);
            }

            do
            {
                Round();
                Submit();
            }
            while (!_mailbox.IsEmpty);
        }
        catch (TurnAbandonedException)
        {
            // The loop goes on elsewhere; this thread touches nothing of it any more.
        }
    }

    private void Round()
    {
        HandleReady(); // left by an abandoned round
        HandleRound();
        _round = _mailbox.TakeAll();
        HandleRound();
        FireDue();
        Evict();
    }

    private void HandleRound()
    {
        // The rest of the round is a field, so that it survives a turn that never returns.
        while (_round is { } message)
        {
            _round = message.Next;
            message.Next = null;
            message.Handle();
            HandleReady();
            if (++_sinceAsked == AsksAfter)
            {
                _sinceAsked = 0;
                if (Dirty.Count == 1) // several go together at the round's end, in fewer commits
                {
                    Submit();
                }
            }
        }
    }

    private void HandleReady()
    {
        while (Ready.TryDequeue(out ReadyMessage ready))
        {
            ready.Handle();
        }
    }

    private void FireDue()
    {
        if (_timerFired)
        {
            _timerFired = false;
            _timerAt = DateTimeOffset.MaxValue; // a timer may fire a little early, and must then be set again
        }

        DateTimeOffset now = Node.Clock.Now();
        while (_wakes.TryPeek(out (Shard Shard, FlowKey Key) due, out DateTimeOffset at) && at <= now)
        {
            _wakes.Dequeue();
            due.Shard.LookAt(due.Key);
            HandleReady();
        }

        Arm();
    }

    private void Arm()
    {
        if (_wakes.TryPeek(out _, out DateTimeOffset next) && next != _timerAt)
        {
            TimeSpan delay = next - Node.Clock.Now();
            _timerAt = next;
            _timer.Change(delay > TimerMax ? TimerMax : delay > TimeSpan.Zero ? delay + Node.TimerGrain : TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Drops the flows that were not used for longest, while there are too many: those that wait long and are durable.</summary>
    private void Evict()
    {
        FlowSlot? slot = Order.Oldest;
        for (int looked = 0; Order.Count > _slotsMax && slot is not null && looked < 1_000; looked++)
        {
            FlowSlot? next = slot.Newer;
            Shard shard = Node.Shards[slot.Row!.Shard];
            if (shard.CanEvict(slot))
            {
                shard.Remove(slot);
            }

            slot = next;
        }
    }

    /// <summary>Seals and commits what is open, as soon as that is worth a commit.</summary>
    private void Submit()
    {
        int open = 0;
        Dirty.RemoveAll(static s => !s.CanSeal());
        foreach (Shard shard in Dirty)
        {
            open += shard.Commits.Open.Inputs;
        }

        _hasOpen = open > 0; // before it asks: whoever ends a group looks after it has said so
        if (Node.Committer.TryBegin(open))
        {
            List<SealedBatch> batches = Dirty.ConvertAll(static s => s.Seal());
            Dirty.Clear();
            _hasOpen = false;
            Node.Committer.Commit(batches);
        }
    }
}
