using Perdure.Diagnostics;
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
    public static InboxRow ReturnEvent(Node node, FlowKey from, int ask, string came, string name)
        => new(node.ShardOf(Shard.HomeKey), came + "r", MessageKind.ReturnEvent, Shard.HomeKey) { From = new ParentRef(from, ask), Name = name };

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

    public static InboxRow? Answer(InboxRow call, long run, byte[] answer) => To(call, run, MessageKind.Answer, answer);

    public static InboxRow? End(InboxRow call, long run, FlowEnd end) => To(call, run, MessageKind.Answer, end.Result, end.Status.ToString());

    public static FlowEnd EndOf(InboxRow answer) => new(Enum.Parse<FlowStatus>(answer.Cause!), answer.Payload!);

    public static InboxRow? Refusal(InboxRow call, long run, PerdureException error)
        => To(call, run, MessageKind.Refusal, Serialization.FlowJson.SerializeError(new ErrorInfo(ErrorKind.Rejected, error.Code, error.GetType().Name, error.MessageWithoutCode)));

    public static PerdureException RefusalOf(InboxRow answer)
    {
        ErrorInfo error = Serialization.FlowJson.DeserializeError(answer.Payload!);
        return error.Code == ErrorCodes.FlowNotFound ? new FlowNotFoundException(answer.To)
            : error.Type == nameof(StoreException) ? new StoreException(error.Code, error.Message)
            : new PerdureException(error.Code, error.Message);
    }

    /// <summary>An answer is named after its call; none where nobody waits for it.</summary>
    private static InboxRow? To(InboxRow call, long run, MessageKind kind, byte[] payload, string? cause = null)
        => InboxId.InboxOfCall(call.Id) is { } inbox
            ? new InboxRow(inbox, InboxId.OfAnswer(run, call.Id), kind, call.To) { Name = InboxId.CallOf(call.Id), Payload = payload, Cause = cause }
            : null;
}
