using Perdure.Diagnostics;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>A message that stands in the shard's inbox until it is taken in, so that a shard that begins anew reads it.</summary>
internal interface IFromInbox;

/// <summary>A message that came through the shard's inbox from another flow.</summary>
internal sealed class InboxArrived(InboxRow row) : FlowMessage(row.To), IFromInbox
{
    public override Knowledge Needs => row.Kind switch
    {
        MessageKind.StartChild => Knowledge.Row,
        MessageKind.EventCame => Knowledge.History, // one that has ended may have had it
        _ => Knowledge.Live,
    };

    public override void Deliver(FlowSlot? slot)
    {
        if (WaitsForCode(slot) || !Shard.Inbox.Take(row.Id))
        {
            return; // it was handed over and read at the takeover
        }

        Shard.Inbox.Consume(row.Id);
        switch (row.Kind)
        {
            case MessageKind.StartChild:
                StartChild(slot);
                break;
            case MessageKind.Cancel:
                Cancel(slot);
                break;
            case MessageKind.EventCame:
                EventCame(slot);
                break;
            default:
                EndOfChild(slot);
                break;
        }
    }

    /// <summary>Where other nodes may have the code, a start that this one cannot do stays in the inbox.</summary>
    private bool WaitsForCode(FlowSlot? slot)
    {
        bool waits = slot is null && row.Kind == MessageKind.StartChild && Shard.Node.Membership is not null && Shard.Node.Services.Registry.Newest(Key.Type) is null;
        if (waits)
        {
            Shard.Node.Log.StartWaitsForCode(Key);
        }

        return waits;
    }

    private void StartChild(FlowSlot? slot)
    {
        if (slot is null)
        {
            if (Shard.Node.Services.Registry.Newest(Key.Type) is { } definition)
            {
                Shard.Turns.Start(Key, definition, new NewFlow(row.Payload!, null, row.From, row.Name) { Correlation = row.Correlation, Cause = row.Cause }, then: null);
            }
            else
            {
                Refuse(ErrorCodes.UnknownFlowType, $"no flow type {Key.Type} is registered");
            }
        }
        else if (slot.Row!.Parent != row.From)
        {
            Refuse(ErrorCodes.StartConflict, $"{Key} exists already, and is not this flow's child");
        }
    }

    private void Refuse(string code, string message)
    {
        if (row.From is { } parent)
        {
            Shard.Send(Outgoing.ChildRefused(Shard.Node, row, parent, new ErrorInfo(ErrorKind.Rejected, code, nameof(FlowConflictException), message)));
        }
        else
        {
            Shard.Node.Log.DetachedChildRefused(Key, code, message);
        }
    }

    private void Cancel(FlowSlot? slot)
    {
        if (slot is { Phase: SlotPhase.Live or SlotPhase.Parked } && !slot.HasSender(row.Id))
        {
            HistoryRow input = Shard.Turns.Input(slot, InputKind.CancelRequested) with
            {
                SenderId = row.Id, // another owner of the shard may have told it already
                Payload = Reasons.Json($"its parent {row.From!.Flow} no longer wants it"),
            };
            Shard.Turns.Live(slot, input, live: null, then: null);
        }
    }

    private void EventCame(FlowSlot? slot)
    {
        if (slot is not null && slot.HasSender(row.Id))
        {
            return; // another owner of the shard has told it already: sent back, the event would go to somebody else as well
        }

        if (slot is not null && slot.Awaits(row.From!.Ask))
        {
            HistoryRow input = Shard.Turns.Input(slot, InputKind.EventReceived) with { Ask = row.From!.Ask, Name = row.Name, Payload = row.Payload, SenderId = row.Id };
            Shard.Turns.Live(slot, input, live: null, then: null);
        }
        else
        {
            Shard.Send(Outgoing.ReturnEvent(Shard.Node, row.To, row.From!.Ask, row.Id, row.Name!));
        }
    }

    private void EndOfChild(FlowSlot? slot)
    {
        if (slot is not null && slot.Awaits(row.From!.Ask))
        {
            InputKind kind = row.Kind == MessageKind.ChildCompleted ? InputKind.Completed : InputKind.Failed;
            Shard.Turns.Live(slot, Shard.Turns.Input(slot, kind) with { Ask = row.From!.Ask, Payload = row.Payload }, live: null, then: null);
        }
    }
}

/// <summary>A timer or limit of a flow came due, or a step's back-off is over.</summary>
internal static class DueAsks
{
    public static void Fire(Shard shard, FlowSlot slot, DateTimeOffset now)
    {
        slot.ArmedFor = null;
        if (slot.Flow?.Asks.NextDue() is not { } ask)
        {
            return;
        }

        if (ask.Due > now)
        {
            shard.Turns.SetWake(slot);
        }
        else if (ask is StepAsk step)
        {
            shard.Turns.Retry(slot, step);
        }
        else
        {
            shard.Turns.Live(slot, shard.Turns.Input(slot, InputKind.TimerFired) with { Ask = ask.Number }, live: null, then: null);
        }
    }
}

/// <summary>The time has come to look at a flow.</summary>
internal sealed class FlowDue(FlowKey key) : FlowMessage(key)
{
    public override void Deliver(FlowSlot? slot)
    {
        if (slot?.Phase == SlotPhase.Live)
        {
            DueAsks.Fire(Shard, slot, Shard.Now());
        }
    }
}

/// <summary>Flow code ran outside its turn.</summary>
internal sealed class FlowStrayed(FlowRun run, string message) : FlowMessage(run.Key)
{
    public override void Deliver(FlowSlot? slot)
    {
        if (slot?.Flow == run)
        {
            Shard.Turns.MarkStuck(slot, new StuckReason(ErrorCodes.NotDurable, message));
        }
    }
}

/// <summary>What somebody gave as the reason for a command, as history holds it.</summary>
internal static class Reasons
{
    public static byte[] Json(string reason)
        => FlowJson.SerializeError(new ErrorInfo(ErrorKind.Cancelled, ErrorCodes.FlowCancelled, "Reason", reason));
}

/// <summary>What starting a flow takes.</summary>
/// <param name="Input">The input (JSON).</param>
/// <param name="Live">The input as a reader of the JSON gets it; null if nobody has it yet.</param>
/// <param name="Parent">The flow that awaits its end.</param>
/// <param name="TraceParent">The W3C trace parent of the start.</param>
internal sealed record NewFlow(byte[] Input, object? Live, ParentRef? Parent, string? TraceParent)
{
    /// <summary>The business transaction that it belongs to; null for its own.</summary>
    public string? Correlation { get; init; }

    /// <summary>What caused the start; null for nothing inside.</summary>
    public string? Cause { get; init; }
}
