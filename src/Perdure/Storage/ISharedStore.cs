namespace Perdure.Storage;

/// <summary>A store that several nodes use at once: it knows who lives, who has which shard, and carries wake-ups between them.</summary>
/// <remarks>
/// Whether a lease has ended is judged by the store's own clock alone. A node counts its own lease on its monotonic clock from
/// before it asked, so it stops sooner than others may begin. Nothing here makes commits safe: that the epoch in each of them does.
/// </remarks>
public interface ISharedStore : IStore
{
    /// <summary>Joins as a node, under a number that no other node has had or will have.</summary>
    /// <param name="name">What people call the node.</param>
    /// <param name="lease">How long it counts as alive after it was heard of last.</param>
    /// <param name="cancellationToken">Stops the joining.</param>
    Task<NodeLease> JoinAsync(string name, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Renews a node's lease, and reads who else lives and who has which shard.</summary>
    /// <remarks>Nodes whose leases have ended are gone for good once any node has noticed: their shards are free, and what still goes on in their name in the store is broken off.</remarks>
    /// <returns>Null when the node itself counts as gone: it has no shards any more, and must join anew.</returns>
    Task<ClusterView?> BeatAsync(NodeLease node, CancellationToken cancellationToken);

    /// <summary>Leaves: what the node still has is free, and its own inbox goes. One that is gone already is passed over.</summary>
    Task LeaveAsync(NodeLease node, CancellationToken cancellationToken);

    /// <summary>Takes those of the shards that are free, or whose owner is gone, as <see cref="IStore.TakeShardsAsync"/> does; those that another living node has are passed over.</summary>
    /// <remarks>A shard that the node has itself it takes again, under a new epoch; that is no unclean end.</remarks>
    /// <returns>The leases of the shards that it took, in the order asked for. None for a node that is gone.</returns>
    Task<IReadOnlyList<ShardLease>> TakeShardsAsync(NodeLease node, IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken);

    /// <summary>Reads all messages that wait in the inboxes of shards, in the order of shards and ids.</summary>
    Task<IReadOnlyList<InboxRow>> ReadInboxesAsync(IReadOnlyList<int> shards, CancellationToken cancellationToken);

    /// <summary>Tells a node soon that some of its shards have mail. It returns at once, and may fail in silence: who must not miss mail looks now and then.</summary>
    void Wake(long node, IReadOnlyCollection<int> shards);

    /// <summary>Hears of wake-ups from now until the answer is disposed. Calls come one at a time, on any thread, and must return quickly.</summary>
    /// <param name="node">Whose wake-ups.</param>
    /// <param name="mail">Is called with the shards that have mail; with none where the node must look at all of it, and at the other nodes: some may have been missed.</param>
    IDisposable Listen(NodeLease node, Action<IReadOnlyList<int>> mail);
}

/// <summary>A node's right to be one.</summary>
/// <param name="Node">Its number, from 1; larger for those that joined later.</param>
/// <param name="Name">What people call it.</param>
/// <param name="Duration">How long it counts as alive after it was heard of last.</param>
public sealed record NodeLease(long Node, string Name, TimeSpan Duration)
{
    /// <summary>The shard number of the first node's own inbox; no other shard has such a number.</summary>
    public const int FirstInbox = 1 << 20;

    /// <summary>Where messages are kept that nobody could take, and nobody waits for.</summary>
    public const int Unclaimed = FirstInbox;

    /// <summary>The shard number of the node's own inbox.</summary>
    public int Inbox => InboxOf(Node);

    /// <summary>The node whose own inbox has a shard number.</summary>
    internal static long NodeOf(int inbox) => inbox - FirstInbox;

    /// <summary>The shard number of a node's own inbox.</summary>
    public static int InboxOf(long node) => checked(FirstInbox + (int)node);
}

/// <summary>Who lives, and who has what.</summary>
/// <param name="Nodes">The nodes that live, in the order in which they joined.</param>
/// <param name="Owners">Who has each shard that was ever taken; of the nodes' own inboxes only the one of the node that asks.</param>
public sealed record ClusterView(IReadOnlyList<LivingNode> Nodes, IReadOnlyList<ShardOwner> Owners);

/// <summary>A node that lives.</summary>
/// <param name="Node">Its number.</param>
/// <param name="Name">What people call it.</param>
/// <param name="JoinedAt">Since when, by the store's clock.</param>
public sealed record LivingNode(long Node, string Name, DateTimeOffset JoinedAt);

/// <summary>Who has a shard.</summary>
/// <param name="Shard">The shard.</param>
/// <param name="Node">Its owner; null when it is free.</param>
/// <param name="Batch">The number of its last batch. Where it is lower than the owner's, the store has gone back: a standby that lagged was promoted, or a backup restored.</param>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
public readonly record struct ShardOwner(int Shard, long? Node, long Batch);
