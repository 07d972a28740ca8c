using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Cluster;

/// <summary>This node's place among those that share the store: it says that it lives, takes shards that are free, and gives up what it has too many of.</summary>
/// <remarks>
/// <para>
/// It counts its lease on the monotonic clock from before it asked for it, and at four fifths of it forgets its shards: so no
/// attempt of its own runs when others begin. What it still commits then is fenced by the epochs.
/// </para>
/// <para>
/// A store whose server failed over to a standby that lagged, or that was restored, has gone back. A batch after that is fenced by its number; a shard that has nothing to
/// commit is found by its number when the node says that it lives.
/// </para>
/// <para>A shard is given up only when its attempts have ended and all that was decided is durable. A node that counts as gone joins anew, under another number.</para>
/// </remarks>
internal sealed class Membership(Node node, ISharedStore store, ShardLoop loop) : IAsyncDisposable
{
    private const int BeatsPerLease = 3;
    private static readonly TimeSpan MovePause = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan PollPause = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _stop = new();
    private readonly SemaphoreSlim _look = new(0, 1);
    private Dictionary<int, long> _owners = [];
    private Member? _member;
    private Task _running = Task.CompletedTask;
    private long _heardAt;

    public static PerdureException Gone => new(ErrorCodes.NodeGone, "the store counts this node as gone: it was not heard of for the length of its lease.");

    public static PerdureException Back => new(ErrorCodes.NodeGone, "the store went back to an earlier state.");

    public static PerdureException Moved => new(ErrorCodes.NodeGone, "the shard moves to another node.");

    /// <summary>Whether the node has its place now.</summary>
    public bool IsMember => Volatile.Read(ref _member) is not null;

    /// <summary>The node's own inbox; null while it has no place.</summary>
    public Shard? Inbox => Volatile.Read(ref _member)?.Inbox;

    private TimeSpan Duration => node.Options.NodeLease;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await BeatAsync(await JoinAsync(cancellationToken));
        _running = RunAsync();
    }

    /// <summary>Takes no more shards, so that those that are given back stay free.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    /// <summary>Leaves. The node's shards were given back before, or are free now.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (Interlocked.Exchange(ref _member, null) is { } member)
        {
            member.Mail.Dispose();
            await member.Inbox.StopAsync(Node.HasStopped); // nobody hears answers any more
            try
            {
                await store.LeaveAsync(member.Lease, CancellationToken.None);
            }
            catch (Exception e)
            {
                node.Log.ReleaseFailed(e);
            }
        }

        _stop.Dispose();
        _look.Dispose();
    }

    /// <summary>A client here asks something of a shard elsewhere.</summary>
    public void Call(ICall call)
    {
        if (Inbox is { } inbox)
        {
            inbox.Post(new SendCall(call, node.ShardOf(call.Key)));
        }
        else
        {
            call.Fail(Gone);
        }
    }

    /// <summary>A client here no longer waits for what it asked of a shard elsewhere.</summary>
    public void Withdraw(object wait, FlowKey key) => Inbox?.Post(new WithdrawCall(wait, key, node.ShardOf(key)));

    /// <summary>Takes a shard that this node has, under a new epoch; null if it has it no more.</summary>
    public async Task<ShardLease?> TakeAsync(int shard)
    {
        if (Volatile.Read(ref _member) is { } member && (await store.TakeShardsAsync(member.Lease, [shard], node.Seams.NewGuid(), _stop.Token)) is [var lease])
        {
            return lease;
        }

        Look();
        return null;
    }

    /// <summary>Tells whoever has a shard that there is mail.</summary>
    public void Wake(int shard)
    {
        if (shard >= NodeLease.FirstInbox)
        {
            store.Wake(shard - NodeLease.FirstInbox, [shard]);
        }
        else if (Volatile.Read(ref _owners).TryGetValue(shard, out long owner))
        {
            store.Wake(owner, [shard]);
        }
    }

    /// <summary>Forgets the shards when the lease is nearly over and the store has not answered. From a timer.</summary>
    public void Check()
    {
        if (Volatile.Read(ref _member) is { } member && node.Seams.Time.GetElapsedTime(Volatile.Read(ref _heardAt)) > Duration * 4 / 5)
        {
            Lose(member, Gone);
        }
    }

    /// <summary>The store has forgotten some of the node's own inbox: nobody can say any more which calls are answered. On the loop.</summary>
    public void InboxWentBack()
    {
        if (Volatile.Read(ref _member) is { } member)
        {
            Lose(member, Back);
        }
    }

    private async Task<Member> JoinAsync(CancellationToken cancellationToken)
    {
        long now = node.Seams.Time.GetTimestamp();
        NodeLease lease = await store.JoinAsync(node.Options.NodeName, Duration, cancellationToken);
        Shard inbox = Shard.OfNode(lease.Inbox, node, loop);
        ShardLease taken = (await store.TakeShardsAsync(lease, [lease.Inbox], node.Seams.NewGuid(), cancellationToken)) is [var one] ? one : throw Gone;
        node.Expect(1);
        inbox.Post(new ShardTaken(taken, static () => true));
        var member = new Member(lease, inbox, store.Listen(lease, Mail));
        Volatile.Write(ref _heardAt, now);
        Volatile.Write(ref _member, member);
        node.Log.HasJoined(lease.Name, lease.Node);
        return member;
    }

    private async Task RunAsync()
    {
        bool isEven = false;
        DateTimeOffset polled = node.Clock.Now();
        while (!_stop.IsCancellationRequested)
        {
            bool isTold = await PauseAsync(isEven ? PollPause : MovePause);
            try
            {
                Member member = Volatile.Read(ref _member) ?? await JoinAsync(_stop.Token);
                if (!isEven || isTold || node.Seams.Time.GetElapsedTime(Volatile.Read(ref _heardAt)) >= Duration / BeatsPerLease)
                {
                    isEven = await BeatAsync(member);
                }

                if (node.Clock.Now() - polled >= PollPause)
                {
                    polled = node.Clock.Now();
                    await ReadMailAsync([]);
                }

                node.Log.Outage.Ended(this);
            }
            catch (Exception e)
            {
                if (_stop.IsCancellationRequested)
                {
                    return; // the node leaves, whatever the store says to it now
                }

                node.Log.Outage.Failed(this, e);
                isEven = false;
            }
        }
    }

    /// <returns>Whether it was told to look.</returns>
    private async Task<bool> PauseAsync(TimeSpan pause)
    {
        TimeSpan most = Duration / BeatsPerLease;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        Task look = _look.WaitAsync(over.Token);
        await Task.WhenAny(node.Seams.Delay(pause < most ? pause : most, over.Token), look);
        await over.CancelAsync();
        return look.IsCompletedSuccessfully;
    }

    /// <summary>Says that the node lives, and does what follows from what it hears.</summary>
    /// <returns>Whether it has its share.</returns>
    private async Task<bool> BeatAsync(Member member)
    {
        long now = node.Seams.Time.GetTimestamp();
        long[] stored = Array.ConvertAll(node.Shards, s => s.Commits.Stored);
        long inbox = member.Inbox.Commits.Stored;
        if (await store.BeatAsync(member.Lease, _stop.Token) is not { } view)
        {
            Lose(member, Gone);
            return false;
        }

        if (Volatile.Read(ref _member) != member)
        {
            return false; // it came too late
        }

        Volatile.Write(ref _heardAt, now);
        Volatile.Write(ref _owners, view.Owners.Where(o => o.Node is not null && o.Node != member.Lease.Node).ToDictionary(o => o.Shard, o => o.Node!.Value));
        HashSet<int> mine = [.. view.Owners.Where(o => o.Node == member.Lease.Node).Select(o => o.Shard)];
        foreach (Shard shard in node.Shards.Where(s => !s.Recovery.IsElsewhere && !mine.Contains(s.Index)))
        {
            shard.Post(new ShardLost(Gone));
        }

        if (view.Owners.Any(o => o.Shard == member.Lease.Inbox && o.Batch < inbox))
        {
            Lose(member, Back); // calls and their answers are gone
            return false;
        }

        foreach (ShardOwner back in view.Owners.Where(o => o.Shard < stored.Length && mine.Contains(o.Shard) && o.Batch < stored[o.Shard]))
        {
            node.Shards[back.Shard].Post(new ShardWentBack(Back));
        }

        (List<int> take, List<int> give, bool isEven) = ShardShares.Plan(view, member.Lease.Node, node.HomeIndex);
        List<int> astray = [.. mine.Where(s => s < node.Shards.Length && node.Shards[s].Recovery.IsElsewhere)];
        bool anyTaken = await TakeAsync(member, [.. take.Concat(HomeToTake(view)).Concat(astray).Where(s => !node.Shards[s].Recovery.IsMoving)]);
        if (anyTaken || !member.IsKnown)
        {
            member.IsKnown = true;
            Tell(member, view);
        }

        if (node.Shards.Length > node.HomeIndex)
        {
            node.HomeShard.Post(new Queues.NodesSeen(view.Nodes, member.Lease.Node, now));
        }

        foreach (Shard shard in give.Select(s => node.Shards[s]).Where(s => !s.IsLeaving && !s.Recovery.IsElsewhere))
        {
            shard.IsLeaving = true;
            _ = GiveAsync(shard);
        }

        return isEven && astray.Count == 0;
    }

    /// <summary>Makes the others look: at a node that is new, so that they give up what is too much now, and at who has what, so that they tell it of its mail.</summary>
    private void Tell(Member member, ClusterView view)
    {
        foreach (LivingNode other in view.Nodes.Where(n => n.Node != member.Lease.Node))
        {
            store.Wake(other.Node, []);
        }
    }

    /// <summary>The home of the queues goes to any node that has them, and stays there.</summary>
    private int[] HomeToTake(ClusterView view)
        => node.Shards.Length > node.HomeIndex && !view.Owners.Any(o => o.Shard == node.HomeIndex && view.Nodes.Any(n => n.Node == o.Node)) ? [node.HomeIndex] : [];

    /// <returns>Whether there was any to be had.</returns>
    private async Task<bool> TakeAsync(Member member, int[] shards)
    {
        if (shards.Length == 0)
        {
            return false;
        }

        IReadOnlyList<ShardLease> leases = await store.TakeShardsAsync(member.Lease, shards, node.Seams.NewGuid(), _stop.Token);
        node.Expect(leases.Count);
        foreach (ShardLease lease in leases)
        {
            node.Clock.AtLeast(lease.Time);
            node.Shards[lease.Shard].Recovery.IsMoving = true;
            node.Shards[lease.Shard].Post(new ShardTaken(lease, () => Volatile.Read(ref _member) == member));
        }

        if (leases.Count > 0)
        {
            node.Log.HasTaken(leases.Count, leases.Count(l => l.UncleanEnds > 0));
        }

        return leases.Count > 0;
    }

    private async Task GiveAsync(Shard shard)
    {
        await node.Worker.LeaveAsync(shard, node.Options.ShutdownGrace);
        shard.Post(new GiveShard());
    }

    /// <summary>The node has no shards any more: nobody answers for what it has in memory.</summary>
    private void Lose(Member member, PerdureException reason)
    {
        if (Interlocked.CompareExchange(ref _member, null, member) != member)
        {
            return;
        }

        node.Log.HasLostItsPlace(member.Lease.Name, member.Lease.Node, reason.MessageWithoutCode);
        member.Mail.Dispose();
        foreach (Shard shard in node.Shards.Append(member.Inbox))
        {
            shard.Post(new ShardLost(reason));
        }
    }

    private void Mail(IReadOnlyList<int> shards)
    {
        if (shards.Count == 0)
        {
            Look();
        }

        _ = TryReadMailAsync(shards);
    }

    /// <summary>Looks soon at who lives and who has what.</summary>
    private void Look()
    {
        lock (_look)
        {
            if (!_stop.IsCancellationRequested && _look.CurrentCount == 0)
            {
                _look.Release();
            }
        }
    }

    private async Task TryReadMailAsync(IReadOnlyList<int> shards)
    {
        try
        {
            await ReadMailAsync(shards);
        }
        catch (Exception e)
        {
            if (!_stop.IsCancellationRequested)
            {
                node.Log.Outage.Failed(this, e);
                Look(); // it finds the mail
            }
        }
    }

    /// <summary>Reads the inboxes of shards that live here; of all of them when none are named.</summary>
    private async Task ReadMailAsync(IReadOnlyList<int> shards)
    {
        Shard[] here = shards.Count > 0
            ? [.. shards.Select(node.Here).OfType<Shard>()]
            : [.. node.Shards.Append(Inbox).OfType<Shard>().Where(s => !s.Recovery.IsElsewhere)];
        if (here.Length == 0)
        {
            return;
        }

        long[] consumed = Array.ConvertAll(here, s => s.Inbox.Consumed);
        ILookup<int, InboxRow> rows = (await store.ReadInboxesAsync(Array.ConvertAll(here, s => s.Index), CancellationToken.None)).ToLookup(r => r.Shard);
        for (int i = 0; i < here.Length; i++)
        {
            if (rows.Contains(here[i].Index))
            {
                here[i].Post(new InboxRead([.. rows[here[i].Index]], consumed[i]));
            }
        }
    }

    /// <summary>What goes with one number.</summary>
    private sealed record Member(NodeLease Lease, Shard Inbox, IDisposable Mail)
    {
        public bool IsKnown { get; set; }
    }
}
