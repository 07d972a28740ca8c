using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Cluster;

/// <summary>The calls of this node's clients to shards on other nodes, until they are answered. On the loop of the node's own inbox.</summary>
/// <remarks>
/// A call is a row in the receiving shard's inbox, and stays there until the batch that answers it: so whoever has the shard
/// then answers it, once. The answer is a row in the inbox of the node that asked. Who asks hears nothing more only if his own node is gone.
/// </remarks>
internal sealed class Calls(Shard inbox)
{
    private readonly Dictionary<string, ICall> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<object, string> _waits = new(ReferenceEqualityComparer.Instance);
    private long _count;

    /// <summary>An id for a message from this node.</summary>
    public string NextId() => InboxId.OfCall(inbox.Index, ++_count);

    public void Send(ICall call, int shard)
    {
        string id = NextId();
        _open.Add(id, call);
        if (call.Wait is { } wait)
        {
            _waits[wait] = id;
        }

        inbox.Send(call.ToRow(shard, id));
        inbox.Commits.Then(new Sent(this, id));
    }

    /// <summary>The client no longer waits.</summary>
    public void Withdraw(object wait, FlowKey key, int shard)
    {
        if (_waits.Remove(wait, out string? id) && _open.TryGetValue(id, out ICall? call))
        {
            if (!call.IsAlwaysAnswered)
            {
                _open.Remove(id);
            }

            inbox.Send(new InboxRow(shard, NextId(), MessageKind.StopWaiting, key) { Name = id });
        }
    }

    public void Answered(InboxRow answer) => Take(answer.Name!)?.Answered(answer);

    /// <summary>No answer can come any more.</summary>
    public void FailAll(PerdureException reason)
    {
        List<ICall> all = [.. _open.Values];
        _open.Clear();
        _waits.Clear();
        all.ForEach(call => call.Fail(reason));
    }

    private ICall? Take(string id)
    {
        if (_open.Remove(id, out ICall? call) && call.Wait is { } wait)
        {
            _waits.Remove(wait);
        }

        return call;
    }

    /// <summary>A call is durable: whoever has the shard will answer it.</summary>
    private sealed class Sent(Calls calls, string id) : IEffect
    {
        public void Release()
        {
            // It waits for its answer.
        }

        public void Lost(PerdureException reason) => calls.Take(id)?.Fail(reason);
    }
}

/// <summary>A client asks something of a shard on another node.</summary>
internal sealed class SendCall(ICall call, int shard) : Message
{
    public override bool CanWait => true;

    public override void Handle()
    {
        if (!Shard.Recovery.Holds(this))
        {
            Shard.Calls!.Send(call, shard);
        }
    }

    public override void Fail(PerdureException reason) => call.Fail(reason);

    public override void GoElsewhere() => call.Fail(Membership.Gone);
}

/// <summary>A client no longer waits for what it asked of another node.</summary>
internal sealed class WithdrawCall(object wait, FlowKey key, int shard) : Message
{
    public override void Handle()
    {
        if (!Shard.Recovery.Holds(this))
        {
            Shard.Calls!.Withdraw(wait, key, shard);
        }
    }
}

/// <summary>An answer came into the node's own inbox.</summary>
internal sealed class AnswerArrived(InboxRow row) : Message, IFromInbox
{
    public override bool CanWait => true;

    public override void Handle()
    {
        if (!Shard.Recovery.Holds(this) && Shard.Inbox.Take(row.Id))
        {
            Shard.Inbox.Consume(row.Id);
            Shard.Calls!.Answered(row);
        }
    }
}
