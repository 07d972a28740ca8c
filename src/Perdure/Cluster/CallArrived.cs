using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Cluster;

/// <summary>The call of a client on another node, or in a transaction of its own, that waits in the shard's inbox until it is answered.</summary>
internal sealed class CallArrived(InboxRow row, Node node) : FlowMessage(row.To), IFromInbox
{
    private readonly FlowMessage? _call = Read(row, node);

    public override Knowledge Needs => _call?.Needs ?? Knowledge.Row;

    public override void Deliver(FlowSlot? slot)
    {
        if (row.Kind == MessageKind.StopWaiting)
        {
            StopWaiting();
        }
        else if (_call is null && slot is null)
        {
            Shard.Node.Log.StartWaitsForCode(Key); // it stays in the inbox, for a node that has the code
        }
        else if (Shard.Inbox.Take(row.Id))
        {
            FlowMessage call = _call ?? new StartFlow(Key, definition: null!, new NewFlow(row.Payload!, null, null, null), isNew: false, waiter: null) { Call = row };
            call.Shard = Shard;
            call.Deliver(slot);
        }
    }

    private void StopWaiting()
    {
        if (Shard.Inbox.Take(row.Id))
        {
            Shard.Inbox.Consume(row.Id);
            Shard.Inbox.Consume(row.Name!);
            Shard.Inbox.Consume(InboxId.OfWait(row.Name!)); // where the flow was started by the call
            Shard.Waiters.Remove(Key, row.Name!);
        }
    }

    /// <summary>The message that a client on this node would have posted; null where the code for it is missing.</summary>
    private static FlowMessage? Read(InboxRow row, Node node) => row.Kind switch
    {
        MessageKind.Start or MessageKind.StartAndWait => Start(row, node),
        MessageKind.Wait => new WaitForEnd(row.To) { Call = row },
        MessageKind.Signal => new SignalFlow(row.To, row.Name!, row.Payload!, row.Cause ?? row.Id) { Call = row }, // a second delivery must not signal twice
        MessageKind.CancelFlow => new CancelFlow(row.To, Reason(row)) { Call = row },
        MessageKind.Terminate => new TerminateFlow(row.To, Reason(row)) { Call = row },
        MessageKind.Retry => new RetryFlow(row.To) { Call = row },
        MessageKind.SettleUndo => new SettleUndo(row.To, Reason(row)) { Call = row },
        _ => null,
    };

    private static StartFlow? Start(InboxRow row, Node node)
        => node.Services.Registry.Newest(row.To.Type) is { } definition
            ? new StartFlow(row.To, definition, new NewFlow(row.Payload!, null, null, row.Name) { Correlation = row.Correlation, Cause = row.Cause }, isNew: false, waiter: null) { Call = row }
            : null;

    private static string Reason(InboxRow row) => FlowJson.DeserializeAnswer<string>(row.Payload!);
}
