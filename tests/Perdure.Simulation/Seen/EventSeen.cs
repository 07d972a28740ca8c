namespace Perdure.Simulation.Seen;

/// <summary>What was seen of events from outside the engine.</summary>
internal sealed class EventSeen
{
    /// <summary>Which version of the code each process runs.</summary>
    public Dictionary<string, int> Versions { get; } = new(StringComparer.Ordinal);

    /// <summary>What handlers were called for.</summary>
    public List<HeardCall> Heard { get; } = [];

    /// <summary>Ids of the dead letters that are shown in the end.</summary>
    public HashSet<string> DeadLetters { get; } = new(StringComparer.Ordinal);
}

/// <summary>One call of a handler for an event, or for a job that publishes, written down by itself.</summary>
internal sealed record HeardCall(long Order, string Process, long Number, string Queue, int Attempt, int N)
{
    /// <summary>The event's topic; null for a job.</summary>
    public string? Topic { get; init; }

    public long Position { get; init; }

    public string? Type { get; init; }

    public string? Key { get; init; }

    public string Correlation { get; init; } = "";

    public long EndOrder { get; set; }

    public EffectEnd End { get; set; }

    /// <summary>Numbers of the events that it wants to be published together with its end.</summary>
    public List<int> Published { get; } = [];

    /// <summary>Numbers of the events that it published by itself.</summary>
    public List<int> PublishedBeside { get; } = [];

    /// <summary>Numbers of the jobs that it wants to come together with its end.</summary>
    public List<int> Enqueued { get; } = [];

    public bool Succeeded => End == EffectEnd.Succeeded;

    public override string ToString() => Topic is null ? $"{Queue}-{Number:x}" : $"{Topic}/{Position}@{Queue} ({Number:x})";
}
