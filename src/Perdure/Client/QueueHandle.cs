using Perdure.Client;
using Perdure.Queues;

namespace Perdure;

/// <summary>Acts on one queue.</summary>
public sealed class QueueHandle
{
    private readonly JobCalls _calls;

    internal QueueHandle(JobCalls calls, string name)
    {
        _calls = calls;
        Name = name;
    }

    /// <summary>The queue's name.</summary>
    public string Name { get; }

    /// <summary>Starts no more jobs until it is resumed. What runs runs on, and new jobs wait. It holds over restarts.</summary>
    public Task PauseAsync(CancellationToken cancellationToken = default) => SetModeAsync(QueueMode.Paused, cancellationToken);

    /// <summary>Takes no new jobs until it is resumed (PRD1016), and does those that are there. It holds over restarts.</summary>
    public Task DrainAsync(CancellationToken cancellationToken = default) => SetModeAsync(QueueMode.Draining, cancellationToken);

    /// <summary>Ends a pause, or draining.</summary>
    public Task ResumeAsync(CancellationToken cancellationToken = default) => SetModeAsync(QueueMode.Open, cancellationToken);

    private Task SetModeAsync(QueueMode mode, CancellationToken cancellationToken) => _calls.AskAsync(new SetQueueMode(Name, mode), cancellationToken);
}
