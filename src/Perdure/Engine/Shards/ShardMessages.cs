namespace Perdure.Engine;

/// <summary>A message whose flow has been read. It is handled before anything newer.</summary>
/// <param name="Message">The message.</param>
/// <param name="Read">What was read; null if there is no such flow.</param>
internal readonly record struct ReadyMessage(FlowMessage Message, FlowSlot? Read)
{
    public void Handle()
    {
        // An earlier message may have started, parked or ended the flow since it was read.
        FlowSlot? now = Message.Shard.Find(Message.Key) ?? Read;
        if (now?.Phase == SlotPhase.Loading)
        {
            now.Waiting.Enqueue(Message);
        }
        else
        {
            Message.Deliver(now);
        }
    }
}

/// <summary>Tells when everything that a shard has decided is durable.</summary>
internal sealed class Drain(TaskCreationOptions continuations) : Message, IEffect
{
    private readonly TaskCompletionSource _drained = new(continuations);

    public Task Task => _drained.Task;

    public override void Handle() => Shard.Commits.Then(this);

    public void Release() => _drained.TrySetResult();

    public void Lost(PerdureException reason) => _drained.TrySetResult();
}

/// <summary>The node stops.</summary>
internal sealed class Stop(PerdureException reason, TaskCreationOptions continuations) : Message
{
    private readonly TaskCompletionSource _stopped = new(continuations);

    public Task Task => _stopped.Task;

    public override void Handle()
    {
        Shard.Recovery.Stop(reason);
        _stopped.TrySetResult();
    }
}
