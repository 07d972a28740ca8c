using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Cluster;

/// <summary>What a client asks of a shard that lives on another node.</summary>
internal interface ICall
{
    /// <summary>What stands in that shard's inbox until it is answered.</summary>
    InboxRow ToRow(int shard, string id);

    /// <summary>Who waits for the flow's end by it; null if nobody does.</summary>
    WaitForEnd? Wait => null;

    /// <summary>The answer has come, and is durable.</summary>
    void Answered(InboxRow answer);

    /// <summary>Nobody can say whether it took effect.</summary>
    void Fail(PerdureException reason);
}

/// <summary>An answer that may go to another node: as a row of the batch that it is based on, so neither is there without the other.</summary>
internal interface IAnswer
{
    /// <summary>The call of a client on another node that this answers; null for a client here.</summary>
    InboxRow? Call { get; }

    /// <summary>Puts the answer into the open batch, and takes the call out of the inbox. On the loop.</summary>
    void Send();
}
