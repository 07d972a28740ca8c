namespace Perdure.Queues;

/// <summary>A job in memory: what its queue needs to know to find its turn. There may be a million, so it is small.</summary>
internal sealed class Job(long number, string queue, string type)
{
    /// <summary>Larger for jobs that came later: breaks ties of priority.</summary>
    public long Number { get; } = number;

    public string Queue { get; } = queue;

    /// <summary>The durable name of its contract.</summary>
    public string Type { get; } = type;

    public string? Key { get; init; }

    /// <summary>The best priority that one of its subscribers gave, before ageing and rules.</summary>
    public int Priority { get; set; }

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Where the dispatcher keeps it.</summary>
    public object? Place { get; set; }

    /// <summary>Its index in the heap where the dispatcher keeps it.</summary>
    public int Index { get; set; }
}

/// <summary>Lets attempts that depend on something through, or makes them wait.</summary>
internal interface IGate
{
    /// <summary>Whether one more attempt may go now; if so it is counted until it leaves.</summary>
    bool TryEnter(DateTimeOffset now);

    /// <summary>When it may answer otherwise without an attempt leaving; null if only that helps.</summary>
    DateTimeOffset? NextChange(DateTimeOffset now);
}
