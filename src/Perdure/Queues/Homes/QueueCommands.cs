namespace Perdure.Queues;

/// <summary>Pauses, drains or resumes a queue.</summary>
internal sealed class SetQueueMode(string queue, QueueMode mode) : HomeCall<bool>
{
    public override string What => $"queue {queue}";

    protected override void Deliver()
    {
        Home.Queues.SetMode(queue, mode);
        AnswerThen(true);
    }
}
