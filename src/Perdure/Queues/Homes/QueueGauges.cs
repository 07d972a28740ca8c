namespace Perdure.Queues;

/// <summary>What the meter shows of a home's queues. It is asked from any thread, so each answer is the one before, and asks for the next.</summary>
internal sealed class QueueGauges(Home home)
{
    private volatile QueueGauge[] _latest = [];

    /// <summary>How the queues were when this was asked the last time.</summary>
    public IReadOnlyList<QueueGauge> Latest => _latest;

    /// <summary>Asks how the queues are. From any thread.</summary>
    public void Ask() => home.Shard.Post(new ReadGauges(this));

    /// <summary>The home has stopped.</summary>
    public void Clear() => _latest = [];

    private sealed class ReadGauges(QueueGauges gauges) : HomeMessage
    {
        protected override void Deliver()
        {
            DateTimeOffset now = Shard.Now();
            gauges._latest = [.. Home.Queues.Names.Select(q => new QueueGauge(q, Home.Queues.Backlog(q), now - Home.Dispatcher.OldestWaiting(q)))];
        }
    }
}

/// <summary>How a queue was.</summary>
/// <param name="Queue">The queue.</param>
/// <param name="Depth">How many jobs waited, for their turn or their time.</param>
/// <param name="OldestWait">For how long the oldest that waited for its turn had been there; null if none waited.</param>
internal sealed record QueueGauge(string Queue, int Depth, TimeSpan? OldestWait);
