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
