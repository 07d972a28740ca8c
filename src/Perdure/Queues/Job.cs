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

    /// <summary>Its index in the heap or list where the dispatcher keeps it.</summary>
    public int Index { get; set; }

    /// <summary>Its index among its queue's waiting jobs by age.</summary>
    public int AgeIndex { get; set; }

    public JobStanding Standing { get; set; }
}

/// <summary>Where a job stands with the dispatcher.</summary>
internal enum JobStanding : byte
{
    /// <summary>Unknown to it.</summary>
    None = 0,

    /// <summary>Waits for its turn.</summary>
    Waiting = 1,

    /// <summary>Counts against its queue's limits.</summary>
    Running = 2,

    /// <summary>Will wait for its turn again, and until then keeps its key in order.</summary>
    ComingBack = 3,
}

/// <summary>Lets attempts that depend on something through, or makes them wait.</summary>
internal interface IGate
{
    /// <summary>Whether one more attempt may go now; if so it is counted until it leaves.</summary>
    bool TryEnter(DateTimeOffset now);

    /// <summary>Whether <see cref="TryEnter"/> might let an attempt through now. Counts nothing; true where that cannot be told. A job that has to wait for it keeps nobody from a pool.</summary>
    bool MayEnter(DateTimeOffset now) => true;

    /// <summary>When it may answer otherwise without an attempt leaving; null if only that helps.</summary>
    DateTimeOffset? NextChange(DateTimeOffset now);
}
