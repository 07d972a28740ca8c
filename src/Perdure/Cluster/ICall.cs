using Perdure.Storage;

namespace Perdure.Cluster;

/// <summary>What a client asks of a shard that lives on another node.</summary>
internal interface ICall
{
    /// <summary>Whom it is to.</summary>
    FlowKey Key { get; }

    /// <summary>What stands in that shard's inbox until it is answered.</summary>
    InboxRow ToRow(int shard, string id);

    /// <summary>What the client has in hand to withdraw it by; null if it cannot.</summary>
    object? Wait => null;

    /// <summary>Whether it is answered also when it was withdrawn, since somebody must hear what it led to.</summary>
    bool IsAlwaysAnswered => false;

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
