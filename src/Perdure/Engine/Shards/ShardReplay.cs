using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Brings flows that were read back to life: their code runs again with all that history says, and what was open goes on.</summary>
internal sealed class ShardReplay(Shard shard)
{
    private Node Node => shard.Node;

    private ShardBatch Batch => shard.Commits.Open;

    private ShardTurns Turns => shard.Turns;

    /// <summary>Brings a flow back by giving it its history again; inputs that were never decided are decided now.</summary>
    public void Rebuild(FlowSlot slot, StoredFlow stored)
    {
        slot.Row = stored.Row;
        slot.NextPosition = stored.History.Count;
        slot.TouchedBatch = 0;
        slot.StepsRunning = 0;
        FlowDefinition? definition = Node.Services.Registry.Find(stored.Row.Key.Type, stored.Row.Version);
        if (shard.Refusals.TakeRefused(stored.Row.Run) is { } refused)
        {
            Park(slot, stored);
            Turns.MarkStuck(slot, new StuckReason(ErrorCodes.StoreRefused, refused));
        }
        else if (shard.Careful.Condemns(stored) is { } crash)
        {
            Park(slot, stored);
            Turns.MarkStuck(slot, crash);
        }
        else if (stored.Row.State.Status == FlowStatus.Stuck || definition is null)
        {
            Park(slot, stored);
        }
        else
        {
            Rebuild(slot, stored, definition);
        }

        shard.Careful.Loaded(slot.Key);
        if (slot.Phase != SlotPhase.Loading)
        {
            shard.Waited(slot);
        }
    }

    private void Rebuild(FlowSlot slot, StoredFlow stored, FlowDefinition definition)
    {
        slot.Flow = Turns.NewRun(definition, stored.Row);
        Turn turn = shard.Loop.Watch.Begin(slot);
        HistoryRow? undecided = Replay(slot.Flow, stored, turn);
        shard.Loop.Watch.End(turn);
        slot.Phase = SlotPhase.Live;
        if (turn.Stuck is { } stuck)
        {
            Park(slot, stored);
            Turns.MarkStuck(slot, stuck);
            return;
        }

        List<StepAsk> open = slot.Flow.Asks.All.OfType<StepAsk>().ToList();
        DecideRest(slot, stored, undecided);
        if (slot.Flow is not null)
        {
            Restart(slot, stored, open.FindAll(static a => a.Open));
        }
    }

    /// <summary>Gives the decided part of history to the flow's code; returns the first input that was never decided.</summary>
    private HistoryRow? Replay(FlowRun flow, StoredFlow stored, Turn turn)
    {
        foreach (HistoryRow row in stored.History)
        {
            if (row.Asks is null)
            {
                return row;
            }

            HistoryReplay.Take(flow, row, turn);
            shard.Loop.Watch.Check(turn);
            if (turn.Stuck is not null)
            {
                return null;
            }
        }

        return null;
    }

    /// <summary>Sets what is open going again: steps run (or wait out their back-off), and stopped ones are settled.</summary>
    private void Restart(FlowSlot slot, StoredFlow stored, List<StepAsk> open)
    {
        foreach (StepAsk ask in open)
        {
            BackoffRow? backoff = stored.Backoffs.FirstOrDefault(b => b.Ask == ask.Number);
            if (backoff is not null && backoff.NextAt > shard.Now() && !ask.Stopping && !ask.Settling)
            {
                ask.Progress = StepProgress.Of(backoff);
                slot.Flow!.Asks.SetDue(ask, backoff.NextAt);
            }
            else
            {
                ask.Progress = (backoff is null ? StepProgress.None : StepProgress.Of(backoff)) with { MayHaveHappened = true };
                if (shard.Careful.Takes(slot, ask))
                {
                    slot.StepsRunning++;
                }
                else
                {
                    Turns.RunStep(slot, ask);
                }
            }
        }

        Turns.SetWake(slot);
    }

    private void DecideRest(FlowSlot slot, StoredFlow stored, HistoryRow? undecided)
    {
        if (undecided is null)
        {
            return;
        }

        foreach (HistoryRow row in stored.History.Skip(undecided.Position))
        {
            ReturnIfLate(slot, row);
            if (slot.Phase == SlotPhase.Ended)
            {
                // It came before anybody knew that the flow would end without it. The result stands in the last row.
                row.Asks = "";
                row.Result = row == stored.History[^1] ? slot.Result : null;
                Batch.Decided.Add(row);
                if (row.SenderId is { } sender)
                {
                    (slot.SenderIds ??= new(StringComparer.Ordinal)).Add(sender);
                }
            }
            else if (slot.Flow is { } flow)
            {
                ShardBatch batch = Batch; // open from here on: what the turn sets going waits for it
                Turn turn = shard.Loop.Watch.Begin(slot);
                flow.Take(row, live: null, turn);
                shard.Loop.Watch.End(turn);
                slot.TouchedBatch = shard.Commits.Sequence;
                Turns.Decide(slot, row, turn);
                if (row.Asks is not null)
                {
                    batch.Decided.Add(row);
                }
            }
            else
            {
                slot.Undecided(row); // an input before it got the flow stuck again
            }
        }
    }

    /// <summary>Sends back an event that came while nobody could say that the flow would not want it: something before it has ended the wait, or the flow.</summary>
    private void ReturnIfLate(FlowSlot slot, HistoryRow row)
    {
        if (row.Kind == InputKind.EventReceived && (slot.Phase == SlotPhase.Ended || (slot.Flow is not null && !slot.Awaits(row.Ask))))
        {
            shard.Send(Outgoing.ReturnEvent(Node, slot.Key, row.Ask, row.SenderId!, row.Name!));
        }
    }

    private void Park(FlowSlot slot, StoredFlow stored)
    {
        slot.Phase = SlotPhase.Parked;
        slot.Flow = null;
        slot.SenderIds = FlowSlot.SendersIn(stored.History);
        slot.PivotPassed = stored.History.Any(h => AskText.PassesPivot(h.Asks));
        List<(AskKind Kind, string Name)> asks = [.. AskText.Asks(stored.History)];
        slot.StuckAsks.Clear();
        slot.StuckAsks.AddRange(stored.Backoffs.Where(b => b.NextAt == BackoffRow.Never).Select(b => new StuckAsk(b.Ask, asks[b.Ask].Kind == AskKind.Undo)));
        HashSet<int> answered = [.. stored.History.Select(h => h.Ask)];
        var open = asks.Select((a, i) => (a.Kind, a.Name, Number: i)).Where(a => !answered.Contains(a.Number)).ToList();
        slot.OpenChildren.Clear();
        slot.OpenChildren.AddRange(open.Where(a => a.Kind == AskKind.Child).Select(a => new ParentRef(AskText.Child(a.Name), a.Number)));
        slot.OpenChildren.AddRange(open.Where(a => a.Kind is AskKind.Job or AskKind.Event).Select(a => new ParentRef(Shard.HomeKey, a.Number)));
        slot.OpenWork.Clear();
        slot.OpenWork.UnionWith(open.Where(a => a.Kind is AskKind.Step or AskKind.Undo or AskKind.Child or AskKind.Job or AskKind.Event).Select(a => a.Number));
        if (stored.Row.State.Status != FlowStatus.Stuck && Node.Services.Registry.Find(slot.Key.Type, stored.Row.Version) is null)
        {
            Node.Log.NoCode(slot.Key, stored.Row.Version);
        }
    }
}
