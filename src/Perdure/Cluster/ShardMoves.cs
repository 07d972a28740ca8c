using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Cluster;

/// <summary>The shard is this node's from now on, unless the node has lost its place meanwhile.</summary>
internal sealed class ShardTaken(ShardLease lease, Func<bool> isMember) : Message
{
    public override void Handle()
    {
        Shard.Recovery.IsMoving = false;
        if (isMember() && Shard.Recovery.IsElsewhere)
        {
            Shard.Recovery.Taken(lease);
        }
        else
        {
            Shard.Node.ShardIsReady(0); // nobody waits for it any more
        }
    }
}

/// <summary>The shard is another node's, or nobody's.</summary>
internal sealed class ShardLost(PerdureException reason) : Message
{
    public override void Handle() => Shard.Recovery.Lose(reason);
}

/// <summary>The store has forgotten batches of the shard that were durable.</summary>
internal sealed class ShardWentBack(PerdureException reason) : Message
{
    public override void Handle() => Shard.Recovery.WentBack(reason);
}

/// <summary>The shard's attempts have ended here, so that it can be given up.</summary>
internal sealed class GiveShard : Message
{
    public override void Handle() => Shard.Recovery.Leave();
}
