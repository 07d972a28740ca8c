using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Engine;

/// <summary>What a client asks of one flow. Its answer leaves when what it is based on is durable.</summary>
/// <typeparam name="TAnswer">The answer.</typeparam>
/// <param name="key">The flow.</param>
/// <param name="isAwaited">Whether anybody awaits <see cref="Task"/>.</param>
internal abstract class ClientMessage<TAnswer>(FlowKey key, bool isAwaited = true) : FlowMessage(key), IFreeEffect, ICall, IAnswer
{
    private readonly TaskCompletionSource<TAnswer>? _answer = isAwaited ? new(TaskCreationOptions.RunContinuationsAsynchronously) : null;
    private TAnswer? _ready;
    private PerdureException? _error;

    public Task<TAnswer> Task => _answer!.Task;

    public InboxRow? Call { get; init; }

    public virtual object? Wait => null;

    public virtual void Release()
    {
        if (_error is not null)
        {
            _answer?.TrySetException(_error);
        }
        else
        {
            _answer?.TrySetResult(_ready!);
        }
    }

    public void Lost(PerdureException reason) => Fail(reason);

    public override void Fail(PerdureException reason)
        => _answer?.TrySetException(new StoreUnavailableException(Key, reason));

    public override void GoElsewhere()
    {
        if (Call is null)
        {
            Shard.Node.Membership!.Call(this);
        }
    }

    public void Send()
    {
        long run = Shard.Find(Key)?.Row?.Run ?? InboxId.NoRun;
        Shard.Inbox.Answer(Call!, _error is null ? Outgoing.Answer(Call!, run, FlowJson.SerializeAnswer(_ready)) : Outgoing.Refusal(Call!, run, _error), _error);
    }

    public abstract InboxRow ToRow(int shard, string id);

    public virtual void Answered(InboxRow answer)
    {
        if (answer.Kind == MessageKind.Answer)
        {
            Ready(FlowJson.DeserializeAnswer<TAnswer>(answer.Payload!));
        }
        else
        {
            _error = Outgoing.RefusalOf(answer);
        }

        Release();
    }

    /// <summary>Sets the answer that <see cref="Release"/> gives.</summary>
    protected void Ready(TAnswer answer) => _ready = answer;

    /// <summary>Answers once all that was decided up to now is durable.</summary>
    protected void AnswerThen(TAnswer answer)
    {
        _ready = answer;
        Shard.Commits.Then(this);
    }

    protected void RefuseThen(PerdureException error)
    {
        _error = error;
        Shard.Commits.Then(this);
    }

    protected void RefuseMissing(FlowSlot? slot)
        => RefuseThen(slot is null
            ? new FlowNotFoundException(Key)
            : new PerdureException(ErrorCodes.FlowEnded, $"{Key} has ended ({slot.Status}), and takes nothing more."));
}

/// <summary>Starts a flow, unless it exists.</summary>
/// <param name="key">The flow.</param>
/// <param name="definition">Its type, newest version.</param>
/// <param name="start">Its input.</param>
/// <param name="isNew">Whether the id was made just now.</param>
/// <param name="waiter">Waits for the end of a flow that this starts; it gets null when the flow existed.</param>
internal sealed class StartFlow(FlowKey key, FlowDefinition definition, NewFlow start, bool isNew, WaitForEnd? waiter) : ClientMessage<bool>(key, isAwaited: waiter is null)
{
    public override Knowledge Needs => Knowledge.Row;

    public override bool IsNew => isNew;

    public override object? Wait => waiter;

    public override void Deliver(FlowSlot? slot)
    {
        if (slot is not null)
        {
            Exists();
            return;
        }

        if (waiter is not null)
        {
            waiter.Shard = Shard;
            waiter.IsOfStart = true;
            Shard.Waiters.Add(waiter);
        }

        Ready(true);
        if (Call?.Kind == MessageKind.StartAndWait)
        {
            Shard.Inbox.StartWaiting(Call);
            Shard.Turns.Start(Key, definition, start, then: null);
            return;
        }

        Shard.Turns.Start(Key, definition, start, waiter is null ? this : null);
    }

    /// <summary>The inputs of a start in a transaction, which nobody waits for, and of the run that was there have been compared.</summary>
    public void Compared(bool isSame)
    {
        if (isSame)
        {
            AnswerThen(false);
        }
        else
        {
            RefuseThen(new FlowConflictException(Key, sameInput: false));
        }
    }

    /// <summary>A client that waits compares the inputs itself.</summary>
    private void Exists()
    {
        if (Call is not null && InboxId.InboxOfCall(Call.Id) is null)
        {
            Shard.Commits.Then(new CompareInputs(this, start.Input)); // once the run that is there is durable
        }
        else
        {
            AnswerThen(false);
        }
    }

    public override InboxRow ToRow(int shard, string id)
        => new(shard, id, waiter is null ? MessageKind.Start : MessageKind.StartAndWait, Key)
        {
            Name = start.TraceParent,
            Correlation = start.Correlation,
            Cause = start.Cause,
            Payload = start.Input,
        };

    public override void Answered(InboxRow answer)
    {
        if (waiter is not null && answer.Kind == MessageKind.Answer && answer.Cause is not null)
        {
            waiter.Answered(answer);
        }
        else if (waiter is not null && answer.Kind == MessageKind.Refusal)
        {
            waiter.GiveUp(Outgoing.RefusalOf(answer));
        }
        else
        {
            base.Answered(answer);
        }
    }

    public override void Release()
    {
        if (waiter is null)
        {
            base.Release();
        }
        else
        {
            waiter.Existed();
        }
    }

    public override void Fail(PerdureException reason)
    {
        base.Fail(reason);
        waiter?.Fail(reason);
    }
}

/// <summary>Waits for a flow's end.</summary>
internal sealed class WaitForEnd(FlowKey key) : FlowMessage(key), ICall
{
    private readonly TaskCompletionSource<FlowEnd?> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>How it ended; null when a start found that it existed.</summary>
    public Task<FlowEnd?> Task => _end.Task;

    public override Knowledge Needs => Knowledge.Row;

    /// <summary>Whether a start brought it along, so that a flow that is not there has not started.</summary>
    public bool IsOfStart { get; set; }

    /// <summary>The call of a client on another node that it came as; null for a client here.</summary>
    public InboxRow? Call { get; init; }

    /// <summary>Tells who waits. On the loop, where the call came from another node.</summary>
    public void Ended(FlowEnd end)
    {
        if (Call is not null)
        {
            Shard.Inbox.Answer(Call, Outgoing.End(Call, Shard.Find(Key)?.Row?.Run ?? InboxId.NoRun, end));
        }

        _end.TrySetResult(end);
    }

    public void Existed() => _end.TrySetResult(null);

    /// <summary>Nothing more can happen: a test learns it at once.</summary>
    public void GiveUp(Exception reason) => _end.TrySetException(reason);

    public override void Fail(PerdureException reason)
        => _end.TrySetException(new StoreUnavailableException(Key, reason));

    public override void GoElsewhere()
    {
        if (IsOfStart)
        {
            IsOfStart = false; // whether it has started only the other node can say now
        }

        if (Call is null)
        {
            Shard.Node.Membership!.Call(this);
        }
    }

    public object Wait => this;

    public InboxRow ToRow(int shard, string id) => new(shard, id, MessageKind.Wait, Key);

    public void Answered(InboxRow answer)
    {
        if (answer.Kind == MessageKind.Refusal)
        {
            GiveUp(Outgoing.RefusalOf(answer));
        }
        else
        {
            Ended(Outgoing.EndOf(answer));
        }
    }

    public override void Deliver(FlowSlot? slot)
    {
        switch (slot)
        {
            case null when Call is not null:
                Shard.Inbox.Answer(Call, Outgoing.Refusal(Call, InboxId.NoRun, new FlowNotFoundException(Key)));
                break;
            case null when IsOfStart:
                Fail(new StoreException(ErrorCodes.StoreFailed, "the start was not committed"));
                break;
            case null:
                _end.TrySetException(new FlowNotFoundException(Key));
                break;
            case { Phase: SlotPhase.Ended, Result: { } result } when Shard.Find(Key) is null:
                Ended(new FlowEnd(slot.Status, result)); // read from the store, so durable
                break;
            default:
                Shard.Waiters.Add(this);
                break;
        }
    }
}

/// <summary>The client no longer waits.</summary>
internal sealed class StopWaiting(WaitForEnd waiter) : Message
{
    public override void Handle()
    {
        Shard.Waiters.Remove(waiter);
        Shard.Node.Membership?.Withdraw(waiter, waiter.Key);
    }
}

/// <summary>Sends a signal to a flow.</summary>
internal sealed class SignalFlow(FlowKey key, string name, byte[] payload, string? senderId) : ClientMessage<bool>(key)
{
    public override InboxRow ToRow(int shard, string id) => new(shard, id, MessageKind.Signal, Key) { Name = name, Cause = senderId, Payload = payload };

    /// <summary>Who sends again, because the first answer was lost, must learn that it was taken, even if the flow has ended since.</summary>
    public override Knowledge Needs => senderId is null ? Knowledge.Live : Knowledge.History;

    public override void Deliver(FlowSlot? slot)
    {
        if (slot is not null && senderId is not null && slot.HasSender(senderId))
        {
            AnswerThen(true);
        }
        else if (slot is null or { Phase: SlotPhase.Ended })
        {
            RefuseMissing(slot);
        }
        else
        {
            Ready(true);
            var input = new HistoryRow(slot.Row!.Run, slot.NextPosition, Shard.Now(), InputKind.SignalReceived)
            {
                Ask = slot.Flow?.Asks.Signals.FirstWait(name)?.Number ?? -1,
                Name = name,
                SenderId = senderId,
                Payload = payload,
            };
            Shard.Turns.Live(slot, input, live: null, then: this);
        }
    }
}

/// <summary>Asks a flow to cancel.</summary>
internal sealed class CancelFlow(FlowKey key, string reason) : ClientMessage<CancelAnswer>(key)
{
    public override InboxRow ToRow(int shard, string id) => new(shard, id, MessageKind.CancelFlow, Key) { Payload = FlowJson.SerializeAnswer(reason) };

    public void Answer(CancelAnswer answer) => AnswerThen(answer);

    public override void Deliver(FlowSlot? slot)
    {
        if (slot is null)
        {
            RefuseMissing(slot);
        }
        else if (slot.Phase == SlotPhase.Ended)
        {
            AnswerThen(CancelAnswer.AlreadyEnded);
        }
        else if (slot is { Phase: SlotPhase.Parked, PivotPassed: true })
        {
            AnswerThen(CancelAnswer.Refused);
        }
        else if (slot.Flow is { } flow && (flow.Life.PivotPassed || flow.Life.IsEnding || flow.Life.CancelRequested))
        {
            AnswerThen(flow.Life.CancelRequested ? CancelAnswer.Accepted : CancelAnswer.Refused);
        }
        else
        {
            // While the outcome of a step that may be the pivot is open, the answer waits for it.
            bool waits = slot.Flow?.Life.MustAwaitPivot ?? false;
            HistoryRow input = Shard.Turns.Input(slot, InputKind.CancelRequested) with { Payload = Reasons.Json(reason) };
            if (waits)
            {
                (slot.PendingCancels ??= []).Add(this);
            }

            Ready(CancelAnswer.Accepted);
            Shard.Turns.Live(slot, input, live: null, then: waits ? null : this);
        }
    }
}

/// <summary>Ends a flow at once, without undo.</summary>
internal sealed class TerminateFlow(FlowKey key, string reason) : ClientMessage<bool>(key)
{
    public override InboxRow ToRow(int shard, string id) => new(shard, id, MessageKind.Terminate, Key) { Payload = FlowJson.SerializeAnswer(reason) };

    public override void Deliver(FlowSlot? slot)
    {
        if (slot is null or { Phase: SlotPhase.Ended })
        {
            RefuseMissing(slot);
            return;
        }

        Ready(true);
        HistoryRow input = Shard.Turns.Input(slot, InputKind.Terminated) with { Payload = Reasons.Json(reason) };
        if (slot.Flow is null)
        {
            Shard.Turns.TerminateParked(slot, input, reason, this);
        }
        else
        {
            Shard.Turns.Live(slot, input, live: null, then: this);
        }
    }
}

/// <summary>Puts a stuck flow back to work.</summary>
internal sealed class RetryFlow(FlowKey key) : ClientMessage<bool>(key)
{
    public override InboxRow ToRow(int shard, string id) => new(shard, id, MessageKind.Retry, Key);

    public override void Deliver(FlowSlot? slot)
    {
        if (slot is null or { Phase: SlotPhase.Ended })
        {
            RefuseMissing(slot);
        }
        else if (slot.Status != FlowStatus.Stuck)
        {
            RefuseThen(new PerdureException(ErrorCodes.WrongState, $"{Key} is not stuck ({slot.Status})."));
        }
        else
        {
            Shard.Turns.Resume(slot);
            AnswerThen(true);
        }
    }
}

/// <summary>Takes the undo at which a flow is stuck as done.</summary>
internal sealed class SettleUndo(FlowKey key, string reason) : ClientMessage<bool>(key)
{
    public override InboxRow ToRow(int shard, string id) => new(shard, id, MessageKind.SettleUndo, Key) { Payload = FlowJson.SerializeAnswer(reason) };

    public override void Deliver(FlowSlot? slot)
    {
        if (slot is null or { Phase: SlotPhase.Ended })
        {
            RefuseMissing(slot);
        }
        else if (slot.Status != FlowStatus.Stuck || slot.StuckAsks.FindIndex(s => s.IsUndo && slot.Awaits(s.Ask)) is not (>= 0 and int index))
        {
            RefuseThen(new PerdureException(ErrorCodes.WrongState, $"{Key} is not stuck at an undo ({slot.Status})."));
        }
        else
        {
            Ready(true);
            HistoryRow input = Shard.Turns.Input(slot, InputKind.UndoSettled) with { Ask = slot.StuckAsks[index].Ask, Payload = Reasons.Json(reason) };
            Shard.Turns.Live(slot, input, live: null, then: this);
            Shard.Turns.Resume(slot);
        }
    }
}
