using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Messages that a flow's turn sends to other flows.</summary>
internal static class Outgoing
{
    public static InboxRow StartChild(Node node, FlowSlot from, ChildAsk child, string id)
        => new(node.ShardOf(child.Child), id, MessageKind.StartChild, child.Child)
        {
            From = child.Kind == AskKind.DetachedChild ? null : new ParentRef(from.Key, child.Number),
            Name = from.Row!.TraceParent,
            Correlation = from.Row.Correlation ?? from.Key.ToString(),
            Cause = Events.CurrentCause.OfFlow(from.Key, child.Number),
            Payload = child.Input,
        };

    public static InboxRow EnqueueJob(Node node, FlowSlot from, JobAsk job, string id)
    {
        var home = new FlowKey(Shard.HomeKey.Type + job.Wanted!.Queue, "");
        return new InboxRow(node.ShardOf(home), id, MessageKind.EnqueueJob, home)
        {
            From = job.Kind == AskKind.DetachedJob ? null : new ParentRef(from.Key, job.Number),
            Name = from.Row!.TraceParent,
            Payload = job.Wanted.Write(),
        };
    }

    public static InboxRow AwaitEvent(Node node, FlowSlot from, EventAsk wait, string id)
        => new(node.ShardOf(Shard.HomeKey), id, MessageKind.AwaitEvent, Shard.HomeKey)
        {
            From = new ParentRef(from.Key, wait.Number),
            Payload = wait.Wanted.Write(),
        };

    public static InboxRow PublishEvent(Node node, FlowSlot from, PublishAsk published, string id)
        => new(node.ShardOf(Shard.HomeKey), id, MessageKind.PublishEvent, Shard.HomeKey)
        {
            From = new ParentRef(from.Key, published.Number),
            Payload = published.Wanted!.Write(),
        };

    /// <summary>The flow no longer waits for the event that came.</summary>
    public static InboxRow ReturnEvent(Node node, InboxRow came)
        => new(node.ShardOf(Shard.HomeKey), came.Id + "r", MessageKind.ReturnEvent, Shard.HomeKey) { From = new ParentRef(came.To, came.From!.Ask), Name = came.Name };

    public static InboxRow CancelChild(Node node, FlowSlot from, ParentRef child, string id)
        => new(node.ShardOf(child.Flow), id, MessageKind.Cancel, child.Flow) { From = new ParentRef(from.Key, child.Ask) };

    public static InboxRow ChildEnded(Node node, FlowSlot child, ParentRef parent, FlowEnd end, string id)
        => new(node.ShardOf(parent.Flow), id, end.Status == FlowStatus.Completed ? MessageKind.ChildCompleted : MessageKind.ChildFailed, parent.Flow)
        {
            From = new ParentRef(child.Key, parent.Ask),
            Payload = end.Result,
        };

    public static InboxRow ChildRefused(Node node, InboxRow start, ParentRef parent, ErrorInfo error)
        => new(node.ShardOf(parent.Flow), start.Id + "r", MessageKind.ChildFailed, parent.Flow)
        {
            From = new ParentRef(start.To, parent.Ask),
            Payload = Serialization.FlowJson.SerializeError(error),
        };
}
