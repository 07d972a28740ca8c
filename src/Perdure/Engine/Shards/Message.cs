using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Something that a loop's shard is told. It is its own node in the mailbox's list.</summary>
internal abstract class Message
{
    public Message? Next { get; set; }

    /// <summary>How many messages were in the mailbox once this one was.</summary>
    public int Waiting { get; set; }

    /// <summary>Whether it may wait until enough have come for a commit, or one has ended, while commits are under way.</summary>
    public virtual bool CanWait => false;

    public Shard Shard { get; set; } = null!;

    public abstract void Handle();

    /// <summary>The shard cannot say whether the message was handled.</summary>
    public virtual void Fail(PerdureException reason)
    {
    }

    /// <summary>The shard lives on another node. What concerns only its memory is dropped, and so is what stands in its inbox; a client's call is sent there.</summary>
    public virtual void GoElsewhere()
    {
    }
}

/// <summary>How much of a flow must be known before a message can be handled.</summary>
internal enum Knowledge
{
    /// <summary>Whether it exists, and how it ended if it has.</summary>
    Row,

    /// <summary>Its code must run, unless it has ended.</summary>
    Live,

    /// <summary>Its code must run; and if it has ended, what it was told.</summary>
    History,
}

/// <summary>A message to one flow. A flow that is not in memory is read first; messages to it keep their order.</summary>
internal abstract class FlowMessage(FlowKey key) : Message
{
    public FlowKey Key { get; } = key;

    public virtual Knowledge Needs => Knowledge.Live;

    /// <summary>Whether the id was made just now, so that no flow can have it.</summary>
    public virtual bool IsNew => false;

    public override bool CanWait => true;

    public sealed override void Handle() => Shard.Route(this);

    /// <summary>Handles the message. It may run a turn, as the last thing that it does.</summary>
    /// <param name="slot">The flow; null if there is none.</param>
    public abstract void Deliver(FlowSlot? slot);
}

/// <summary>Many writers, one reader; the reader takes all at once, in order.</summary>
internal sealed class Mailbox
{
    private Message? _top;

    /// <summary>Adds a message.</summary>
    /// <returns>How many wait now.</returns>
    public int Add(Message message)
    {
        Message? top;
        do
        {
            top = Volatile.Read(ref _top);
            message.Next = top;
            message.Waiting = top is null ? 1 : top.Waiting + 1;
        }
        while (Interlocked.CompareExchange(ref _top, message, top) != top);
        return message.Waiting;
    }

    public bool IsEmpty => Volatile.Read(ref _top) is null;

    /// <summary>Takes all messages, the oldest first.</summary>
    public Message? TakeAll()
    {
        Message? newest = Interlocked.Exchange(ref _top, null);
        Message? oldest = null;
        while (newest is not null)
        {
            Message? older = newest.Next;
            newest.Next = oldest;
            oldest = newest;
            newest = older;
        }

        return oldest;
    }
}
