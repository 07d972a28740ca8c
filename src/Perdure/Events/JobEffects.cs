using Perdure.Queues;
using Perdure.Storage;

namespace Perdure.Events;

/// <summary>What an attempt of a job wants to happen together with the job's end, once.</summary>
internal sealed class JobEffects
{
    public List<NewEvent> Events { get; } = [];

    public List<FlowStart> Starts { get; } = [];

    /// <summary>Jobs that are left to their queues.</summary>
    public List<FlowJob> Jobs { get; } = [];
}

/// <summary>A flow that is to be started, unless it is there.</summary>
/// <param name="Key">The flow.</param>
/// <param name="Input">Its input (JSON).</param>
internal sealed record FlowStart(FlowKey Key, byte[] Input)
{
    public string? TraceParent { get; init; }

    public string? Correlation { get; init; }

    public string? Cause { get; init; }
}
