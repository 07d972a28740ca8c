using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Engine;

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
