using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>Runs flows' turns, and turns what they decide into rows of the open batch and effects.</summary>
internal sealed class ShardTurns(Shard shard)
{
    /// <summary>A wait longer than this is written into the flow's row; a shorter one is as good as busy.</summary>
    private static readonly TimeSpan LongWait = TimeSpan.FromSeconds(10);

    private Node Node => shard.Node;

    private ShardBatch Batch => shard.Commits.Open;

    /// <summary>Starts a flow and runs its first turn. The last thing that a message does.</summary>
    public FlowSlot Start(FlowKey key, FlowDefinition definition, NewFlow start, IEffect? then)
    {
        DateTimeOffset now = shard.Now();
        var row = new FlowRow(shard.NextRun(now), shard.Index, key, definition.Version, now)
        {
            Parent = start.Parent,
            TraceParent = start.TraceParent,
            Correlation = start.Correlation,
            Cause = start.Cause,
            State = new FlowState(FlowStatus.Running, FlowRow.Busy),
        };
        var slot = new FlowSlot(key) { Phase = SlotPhase.Live, Row = row, Flow = NewRun(definition, row) };
        shard.Add(slot);
        Batch.NewFlows.Add(row);
        slot.InsertedIn = shard.Commits.Sequence;
        PerdureMeter.FlowStarted(key.Type);
        Live(slot, new HistoryRow(row.Run, 0, now, InputKind.Started) { Payload = start.Input }, start.Live, then);
        return slot;
    }

    /// <summary>Gives a flow an input: records it, runs the turn if the flow can run, and commits both. The last thing that a message does.</summary>
    /// <param name="slot">The flow.</param>
    /// <param name="input">The input.</param>
    /// <param name="live">The payload's value, if it is at hand.</param>
    /// <param name="then">An answer that leaves once the input is durable.</param>
    public void Live(FlowSlot slot, HistoryRow input, object? live, IEffect? then)
    {
        slot.NextPosition = input.Position + 1;
        slot.TouchedBatch = shard.Commits.Sequence;
        Batch.History.Add(input);
        if (then is not null)
        {
            shard.Commits.Then(then);
        }

        if (slot.Flow is { } flow)
        {
            Turn turn = shard.Loop.Watch.Begin(slot);
            flow.Take(input, live, turn);
            shard.Loop.Watch.End(turn);
            Decide(slot, input, turn);
        }
        else
        {
            slot.Undecided(input);
            if (slot is { Phase: SlotPhase.Parked, Status: not FlowStatus.Stuck } && slot.State.WakeAt != FlowRow.Busy)
            {
                // A process that has its code must look at it at once.
                SetState(slot, slot.State with { WakeAt = FlowRow.Busy });
            }
        }
    }

    public HistoryRow Input(FlowSlot slot, InputKind kind) => new(slot.Row!.Run, slot.NextPosition, shard.Now(), kind);

    /// <summary>A turn was taken from a flow that would not give it back.</summary>
    public void Abandoned(FlowSlot slot, string reason)
    {
        MarkStuck(slot, new StuckReason(ErrorCodes.TurnTooLong, reason));
        shard.Careful.Loaded(slot.Key);
        shard.Waited(slot);
    }

    public void MarkStuck(FlowSlot slot, StuckReason reason)
    {
        if (slot.Flow is { } flow)
        {
            slot.SenderIds = flow.SenderIds;
            slot.PivotPassed = flow.Life.PivotPassed;
            slot.OpenChildren.AddRange(flow.Asks.All.OfType<ChildAsk>().Select(c => new ParentRef(c.Child, c.Number)));
            slot.OpenChildren.AddRange(flow.Asks.All.OfType<JobAsk>().Select(j => new ParentRef(Shard.HomeKey, j.Number)));
            slot.OpenWork.UnionWith(flow.Asks.All.Where(a => a.IsWork).Select(a => a.Number));
        }

        slot.Flow = null;
        slot.Phase = SlotPhase.Parked;
        slot.SenderIds ??= new(StringComparer.Ordinal);
        SetState(slot, new FlowState(FlowStatus.Stuck, null, null, reason.Code, reason.Message));
        shard.Commits.Then(new ActionEffect(() => Node.Log.FlowStuck(slot.Key, reason.Code, reason.Message)));
        PerdureMeter.FlowStuck(slot.Key.Type);
        AnswerCancels(slot, CancelAnswer.Accepted); // it is recorded, and decided after the repair
    }

    /// <summary>Puts a stuck flow back to work: it is read anew, and what came meanwhile is decided.</summary>
    public void Resume(FlowSlot slot)
    {
        EndStuckBackoffs(slot);
        SetState(slot, new FlowState(FlowStatus.Running, FlowRow.Busy));
        shard.Reload(slot);
    }

    /// <summary>Ends a flow whose code is not in memory.</summary>
    public void TerminateParked(FlowSlot slot, HistoryRow input, string reason, IEffect then)
    {
        input.Asks = AskText.End(FlowStatus.Terminated);
        Live(slot, input, live: null, then);
        Batch.EndedBackoffs.AddRange(slot.OpenWork.Select(ask => (slot.Row!.Run, ask)));
        shard.Commits.Then(new ActionEffect(() => Node.Worker.StopAll(slot.Row!.Run)));
        int sent = 0;
        foreach (ParentRef child in slot.OpenChildren)
        {
            shard.Send(Outgoing.CancelChild(Node, slot, child, InboxId.Of(slot.Row!.Run, input.Position, sent++)));
        }

        End(slot, input, FlowLife.Terminated(reason), sent);
    }

    public void SetState(FlowSlot slot, FlowState state)
    {
        long sequence = shard.Commits.Sequence;
        slot.TouchedBatch = sequence;
        slot.State = state;
        if (slot.InsertedIn == sequence)
        {
            _ = Batch; // the row itself is in this batch
            slot.Row!.State = state;
        }
        else if (slot.UpdatedIn == sequence)
        {
            Batch.Updates[slot.UpdateIndex] = new FlowUpdate(slot.Row!.Run, state);
        }
        else
        {
            slot.UpdatedIn = sequence;
            slot.UpdateIndex = Batch.Updates.Count;
            Batch.Updates.Add(new FlowUpdate(slot.Row!.Run, state));
        }
    }

    /// <summary>Writes down when somebody must look at the flow, where that changed by much, and sets the loop's wake-up.</summary>
    public void SetWake(FlowSlot slot)
    {
        DateTimeOffset now = shard.Commits.Time;
        DateTimeOffset? due = slot.Flow!.Asks.NextDue()?.Due;
        DateTimeOffset wake = slot.StepsRunning > 0 || due < now + LongWait ? FlowRow.Busy : due ?? BackoffRow.Never;
        DateTimeOffset stored = slot.State.WakeAt ?? BackoffRow.Never;
        FlowStatus status = slot.Flow.Life.IsUndoing ? FlowStatus.Undoing : FlowStatus.Running;

        // A wake-up that comes too early finds nothing to do, so a later one is written only when the stored one is over.
        bool mustWrite = wake < stored || (stored <= now && wake != stored);
        if (mustWrite || status != slot.Status)
        {
            SetState(slot, new FlowState(status, mustWrite ? wake : stored));
        }

        if (due is { } at && (wake == FlowRow.Busy || at < now + Node.NearFuture) && (slot.ArmedFor is null || at < slot.ArmedFor))
        {
            slot.ArmedFor = at;
            shard.Loop.WakeAt(at, shard, slot.Key);
        }
    }

    /// <summary>A step's back-off is over, or it was stopped in it.</summary>
    public void Retry(FlowSlot slot, StepAsk ask)
    {
        slot.Flow!.Asks.SetDue(ask, null);
        RunStep(slot, ask);
        SetWake(slot);
    }

    public FlowRun NewRun(FlowDefinition definition, FlowRow row) => new(definition, row, Node.SeedOf(row.Run), Node.Services, Strayed);

    private void EndStuckBackoffs(FlowSlot slot)
    {
        slot.StuckAsks.ForEach(s => Batch.EndedBackoffs.Add((slot.Row!.Run, s.Ask)));
        slot.StuckAsks.Clear();
    }

    /// <summary>Turns a live turn's decisions into rows and effects.</summary>
    public void Decide(FlowSlot slot, HistoryRow input, Turn turn)
    {
        if (turn.Stuck is { } stuck)
        {
            MarkStuck(slot, stuck); // the input stays undecided
            return;
        }

        input.Asks = turn.Text;
        int sent = 0;
        foreach (Ask ask in turn.Made)
        {
            switch (ask)
            {
                case StepAsk { Open: true } step:
                    RunStep(slot, step);
                    break;
                case ChildAsk child when child.Open || child.Kind == AskKind.DetachedChild:
                    shard.Send(Outgoing.StartChild(Node, slot, child, InboxId.Of(slot.Row!.Run, input.Position, sent++)));
                    break;
                case EventAsk { Open: true } wait:
                    shard.Send(Outgoing.AwaitEvent(Node, slot, wait, InboxId.Of(slot.Row!.Run, input.Position, sent++)));
                    break;
                case PublishAsk published:
                    shard.Send(Outgoing.PublishEvent(Node, slot, published, InboxId.Of(slot.Row!.Run, input.Position, sent++)));
                    break;
                case JobAsk job when job.Open || job.Kind == AskKind.DetachedJob:
                    shard.Send(Outgoing.EnqueueJob(Node, slot, job, InboxId.Of(slot.Row!.Run, input.Position, sent++)));
                    break;
            }
        }

        foreach (Ask ask in turn.Stopped)
        {
            if (ask is EventAsk && turn.Made.Contains(ask))
            {
                continue; // nobody was told
            }

            if (ask is ChildAsk or JobAsk or EventAsk)
            {
                var unwanted = new ParentRef((ask as ChildAsk)?.Child ?? Shard.HomeKey, ask.Number);
                shard.Send(Outgoing.CancelChild(Node, slot, unwanted, InboxId.Of(slot.Row!.Run, input.Position, sent++)));
            }
            else
            {
                StopStep(slot, (StepAsk)ask, isTerminated: turn.End is not null);
            }
        }

        foreach (Action line in turn.Observations)
        {
            shard.Commits.Then(new ActionEffect(line));
        }

        if (slot.Flow is { Life.CancelPending: false } flow)
        {
            AnswerCancels(slot, flow.Life.PivotPassed ? CancelAnswer.Refused : CancelAnswer.Accepted);
        }

        if (turn.End is { } end)
        {
            End(slot, input, end, sent);
        }
        else
        {
            SetWake(slot);
        }
    }

    private void End(FlowSlot slot, HistoryRow input, FlowEnd end, int sent)
    {
        input.Result = end.Result;
        slot.Result = end.Result;
        slot.SenderIds = slot.Flow?.SenderIds ?? slot.SenderIds;
        slot.Flow = null;
        slot.Phase = SlotPhase.Ended;
        AnswerCancels(slot, CancelAnswer.AlreadyEnded);
        SetState(slot, new FlowState(end.Status, null, input.At));
        if (slot.Row!.Parent is { } parent)
        {
            shard.Send(Outgoing.ChildEnded(Node, slot, parent, end, InboxId.Of(slot.Row.Run, input.Position, sent)));
        }

        if (shard.Waiters.Take(slot.Key) is { } waiters)
        {
            waiters.FindAll(w => w.Call is not null).ForEach(w => w.Ended(end)); // in this batch
            waiters.RemoveAll(w => w.Call is not null);
            shard.Commits.Then(new EndAnswers(shard, waiters, end));
        }

        shard.Commits.Then(new FlowEnded(shard, slot, end));
    }

    public void RunStep(FlowSlot slot, StepAsk ask)
    {
        slot.StepsRunning++;
        shard.Commits.Then(new StartStep(shard, ask));
    }

    private void StopStep(FlowSlot slot, StepAsk ask, bool isTerminated)
    {
        if (isTerminated && ask.Progress.IsStored)
        {
            Batch.EndedBackoffs.Add((slot.Row!.Run, ask.Number));
        }

        if (ask.Due is not null && !isTerminated)
        {
            Retry(slot, ask); // it was waiting for its next attempt: let the worker settle it
        }
        else
        {
            bool settle = ask.Settling && !ask.Stopping && !isTerminated;
            shard.Commits.Then(new ActionEffect(() => Node.Worker.Stop(slot.Row!.Run, ask.Number, settle, isTerminated)));
        }
    }

    private static void AnswerCancels(FlowSlot slot, CancelAnswer answer)
    {
        List<CancelFlow>? cancels = slot.PendingCancels;
        slot.PendingCancels = null;
        cancels?.ForEach(c => c.Answer(answer));
    }

    private void Strayed(FlowRun run, string message) => shard.Post(new FlowStrayed(run, message));
}
