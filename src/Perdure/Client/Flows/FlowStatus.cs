using System.Text.Json.Serialization;

namespace Perdure;

/// <summary>Where a run stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FlowStatus>))]
public enum FlowStatus
{
    /// <summary>It is open: it works or waits.</summary>
    Running = 0,

    /// <summary>It is open and undoes what it did.</summary>
    Undoing = 1,

    /// <summary>It is open and needs a person: see its reason, repair, and retry. It loses nothing.</summary>
    Stuck = 2,

    /// <summary>It returned its result.</summary>
    Completed = 3,

    /// <summary>It failed, and what it did was undone.</summary>
    Failed = 4,

    /// <summary>It was cancelled, and what it did was undone.</summary>
    Cancelled = 5,

    /// <summary>It was ended at once; nothing was undone.</summary>
    Terminated = 6,
}
