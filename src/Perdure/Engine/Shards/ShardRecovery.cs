using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>
/// The one way back: after a start, a lost lease or a commit of unknown outcome, the shard forgets its memory, takes its lease under a
/// new epoch, and reads what was going on. Messages that come meanwhile wait.
/// </summary>
internal sealed class ShardRecovery(Shard shard)
{
    private const int WakingMax = 1_000;
    private static readonly TimeSpan PauseMin = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(10);

    private readonly Queue<Message> _held = new();
    private ShardLease? _last;
    private volatile bool _isElsewhere = shard.Node.Membership is not null;

    /// <summary>Whether the shard is not ready to handle messages.</summary>
    public bool IsRecovering { get; private set; } = true;

    /// <summary>Whether the shard lives on another node, or on none. From any thread.</summary>
    public bool IsElsewhere => _isElsewhere;

    /// <summary>Whether it is between two owners: the store and the loop do not say the same of it yet. From any thread.</summary>
    public bool IsMoving
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    /// <summary>Why the shard could not be taken again when that was tried last; null while the store is not known to be down.</summary>
    public PerdureException? Down { get; private set; }

    private Node Node => shard.Node;

    /// <summary>Keeps a message until the shard is ready.</summary>
    /// <returns>Whether it was kept.</returns>
    public bool Holds(Message message)
    {
        if (_isElsewhere)
        {
            message.GoElsewhere();
        }
        else if (IsRecovering)
        {
            Hold(message);
        }

        return IsRecovering;
    }

    public void Hold(Message message)
    {
        if (message is not IFromInbox) // what stands in the inbox is read with all the rest
        {
            _held.Enqueue(message);
        }
    }

    /// <summary>The node stops: whoever still waits is told.</summary>
    public void Stop(PerdureException reason)
    {
        shard.Commits.Stop(reason);
        foreach (Message message in shard.Waiters.TakeAll().Concat(_held))
        {
            message.Fail(reason);
        }

        shard.FailWaiting(reason);
        shard.Home?.Clients.Fail(reason);
        shard.Calls?.FailAll(reason);
    }

    /// <summary>Forgets everything and starts over. On the loop.</summary>
    public void Begin(PerdureException reason)
    {
        if (!Node.IsStopping)
        {
            Node.Log.ShardLost(shard.Index, reason.Message);
        }

        Forget(reason);
        _ = TakeAsync();
    }

    /// <summary>The store holds less of the shard than was durable: what is in memory has not happened. On the loop.</summary>
    public void WentBack(PerdureException reason)
    {
        if (!IsRecovering)
        {
            Begin(reason);
        }
    }

    /// <summary>The shard is taken by this node. On the loop.</summary>
    public void Taken(ShardLease lease)
    {
        _isElsewhere = false;
        _ = ReadOrTakeAsync(lease);
    }

    /// <summary>The shard lives on another node from now on, or will: what it has in memory is forgotten. On the loop.</summary>
    public void Lose(PerdureException reason)
    {
        if (_isElsewhere)
        {
            return;
        }

        bool wasAwaited = IsRecovering;
        Forget(reason);
        _isElsewhere = true;
        shard.IsLeaving = false;
        Down = null;
        Node.Worker.Abandon(shard);
        shard.Calls?.FailAll(reason);
        shard.Given?.Forget();
        foreach (Message message in shard.Waiters.TakeAll().Concat(_held).ToList())
        {
            message.GoElsewhere();
        }

        _held.Clear();
        shard.Home?.Clients.Leave(reason);
        if (wasAwaited)
        {
            Node.ShardIsReady(0); // nobody waits for it any more
        }
    }

    private void Forget(PerdureException reason)
    {
        IsRecovering = true;
        shard.Careful.Clear();
        shard.Commits.Forget(reason);
        shard.ForgetFlows(reason);
    }

    /// <summary>Gives the shard up once all that was decided is durable; messages wait meanwhile. One that recovers is given up once it has. On the loop.</summary>
    public void Leave()
    {
        if (!IsRecovering)
        {
            IsRecovering = true;
            shard.Commits.Then(new Leaving(shard));
        }
    }

    /// <summary>Messages wait until the shard begins anew: what it decided last is being taken apart. On the loop.</summary>
    public void Pause() => IsRecovering = true;

    /// <summary>Reads what was going on under a lease, and hands it to the loop.</summary>
    public async Task ReadAsync(ShardLease lease)
    {
        IReadOnlyList<InboxRow> inbox = await Node.Store.ReadInboxAsync(shard.Index, CancellationToken.None);
        List<WakingFlow> waking = [];
        IReadOnlyList<WakingFlow> page;
        do
        {
            page = await Node.Store.ReadWakingAsync(shard.Index, waking.LastOrDefault(), Node.Clock.Now() + Node.NearFuture, WakingMax, CancellationToken.None);
            waking.AddRange(page);
        }
        while (page.Count == WakingMax);
        HomeState? home = shard.Home is { } queues ? await HomeState.ReadAsync(Node.Store, shard.Index, queues.Registry, CancellationToken.None) : null;
        shard.Post(new ShardRead(lease, inbox, waking, home));
    }

    /// <summary>The shard is ready. On the loop.</summary>
    public void Ready(ShardLease lease, IReadOnlyList<InboxRow> inbox, List<WakingFlow> waking, HomeState? home)
    {
        if (_isElsewhere || !IsRecovering)
        {
            return; // it was read for a life that is over: the shard has moved meanwhile, or was taken once more
        }

        if (lease.Batch < shard.Commits.Stored)
        {
            Node.Log.StoreWentBack(shard.Index, shard.Commits.Stored, lease.Batch);
            if (shard.Calls is not null)
            {
                Node.Membership!.InboxWentBack();
                return;
            }
        }

        IsRecovering = false;
        Down = null;
        lease = Judged(lease);
        shard.Commits.Begin(lease);
        shard.RunsUpTo(lease.Time);
        foreach (WakingFlow flow in waking.Where(f => f.WakeAt > FlowRow.Busy))
        {
            shard.Loop.WakeAt(flow.WakeAt, shard, flow.Key);
        }

        List<WakingFlow> busy = waking.TakeWhile(f => f.WakeAt == FlowRow.Busy).ToList();
        if (!shard.Careful.Begin(lease, busy))
        {
            busy.ForEach(flow => shard.Route(new FlowDue(flow.Key) { Shard = shard }));
        }

        if (shard.Home is { } queues)
        {
            queues.Begin(lease, home!);
            shard.Refusals.ForgetRuns(); // jobs that came to nothing are not read again
        }

        shard.Inbox.Begin(inbox);
        shard.Waiters.TakeAll().ForEach(shard.Route);
        while (_held.TryDequeue(out Message? message))
        {
            message.Handle();
        }

        shard.Home?.Pump();
        Node.ShardIsReady(busy.Count);
        if (shard.IsLeaving)
        {
            Leave();
        }
    }

    /// <summary>
    /// What the lease says of earlier ends. Where nodes share the store, connections come and go, and a node that takes its own shard again, after a
    /// commit whose outcome it did not hear, has not died: it is not to look for what killed it.
    /// </summary>
    private ShardLease Judged(ShardLease lease)
    {
        if (Node.Membership is not null && _last is { } last && lease.Epoch == last.Epoch + 1)
        {
            lease = lease with { UncleanEnds = last.UncleanEnds, Suspect = lease.Suspect is { } s ? s with { Deaths = s.Deaths - 1 } : null };
        }

        return _last = lease;
    }

    private async Task ReadOrTakeAsync(ShardLease lease)
    {
        try
        {
            await ReadAsync(lease);
        }
        catch (Exception e)
        {
            Node.Log.Outage.Failed(lease, e);
            await TakeAsync();
            Node.Log.Outage.Ended(lease);
        }
    }

    private async Task TakeAsync()
    {
        TimeSpan pause = PauseMin;
        object trying = new();
        Node.Log.Outage.Hold(trying); // where a commit of unknown outcome led here, it is over when the shard is back
        bool isDone = false;
        while (!isDone && !Node.IsStopping)
        {
            try
            {
                if (await Node.TakeAsync(shard.Index) is { } lease)
                {
                    await ReadAsync(lease);
                }
                else
                {
                    shard.Post(new ShardLost(Membership.Gone));
                }

                isDone = true;
            }
            catch (Exception e)
            {
                Down = e as PerdureException ?? new StoreException(ErrorCodes.StoreFailed, $"the store cannot be reached: {e.Message}", e);
                Node.Log.Outage.Failed(trying, e);
                await Node.Seams.Delay(pause, CancellationToken.None);
                pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, PauseMax.Ticks));
            }
        }

        Node.Log.Outage.Ended(trying);
    }

    /// <summary>The shard has been read under a new lease.</summary>
    private sealed class ShardRead(ShardLease lease, IReadOnlyList<InboxRow> inbox, List<WakingFlow> waking, HomeState? home) : Message
    {
        public override void Handle() => Shard.Recovery.Ready(lease, inbox, waking, home);
    }

    /// <summary>Releases the shard once its last batch is durable.</summary>
    private sealed class Leaving(Shard shard) : IEffect
    {
        public void Release()
        {
            if (shard.Commits.HasWaiting)
            {
                shard.Commits.Then(this); // flows that were being read have gone on meanwhile
                return;
            }

            ShardLease lease = shard.Commits.Lease;
            shard.Recovery.IsMoving = true;
            shard.Recovery.Lose(Membership.Moved);
            _ = ReleaseAsync(lease);
        }

        public void Lost(PerdureException reason)
        {
            // It reloads, and leaves then.
        }

        private async Task ReleaseAsync(ShardLease lease)
        {
            try
            {
                await shard.Node.Store.ReleaseShardsAsync([lease], CancellationToken.None);
            }
            catch (Exception e)
            {
                shard.Node.Log.ReleaseFailed(e);
            }

            shard.Recovery.IsMoving = false;
        }
    }
}
