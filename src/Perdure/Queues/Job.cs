using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>A job in memory: what its queue needs to know to find its turn. There may be a million, so it is small.</summary>
internal sealed class Job(long number, string queue, string type)
{
    private readonly long _createdAt; // ticks: half as large as what they stand for
    private long _notBefore;

    /// <summary>Larger for jobs that came later: breaks ties of priority.</summary>
    public long Number { get; } = number;

    public string Queue { get; } = queue;

    /// <summary>The durable name of its contract.</summary>
    public string Type { get; } = type;

    public string? Key { get; init; }

    /// <summary>The best priority that one of its subscribers gave, before ageing and rules.</summary>
    public int Priority { get; set; }

    /// <summary>The priority of a job for the moment in which it is tried at once: better than any other, of whatever age.</summary>
    public const int BeforeAll = int.MinValue;

    public JobPhase Phase { get; set; }

    /// <summary>How many attempts have failed.</summary>
    public int Attempts { get; set; }

    /// <summary>Whether an attempt may have done its work without this home having heard of it.</summary>
    public bool MayBeDone { get; set; }

    public DateTimeOffset CreatedAt
    {
        get => new(_createdAt, TimeSpan.Zero);
        init => _createdAt = value.UtcTicks;
    }

    /// <summary>The earliest time of its next attempt; the default for at once.</summary>
    public DateTimeOffset NotBefore
    {
        get => new(_notBefore, TimeSpan.Zero);
        set => _notBefore = value.UtcTicks;
    }

    /// <summary>What most jobs do without; null for nothing.</summary>
    public JobMore? More { get; set; }

    /// <summary>The job itself (JSON), while it is young; later it is read from the store.</summary>
    public byte[]? Payload { get; set; }

    /// <summary>Where the dispatcher keeps it.</summary>
    public object? Place { get; set; }

    /// <summary>Its index in the heap or list where the dispatcher keeps it.</summary>
    public int Index { get; set; }

    /// <summary>Its index among its queue's waiting jobs by age.</summary>
    public int AgeIndex { get; set; }

    public JobStanding Standing { get; set; }

    /// <summary>Whether nobody wants it any more, and its worker has not agreed.</summary>
    public bool IsCancelling => More?.CancelReason is not null;

    public JobStatus Status => IsCancelling ? JobStatus.Cancelling : Phase == JobPhase.Running ? JobStatus.Running : JobStatus.Waiting;

    /// <summary>From when on its limits of time count: when it came, or was redriven last.</summary>
    public DateTimeOffset BeganAt => More?.RedrivenAt ?? CreatedAt;

    public JobState State => new(Priority, NotBefore == default ? null : NotBefore, Attempts, JobMore.Write(More));

    public override string ToString() => JobId.Text(Queue, Number);
}

/// <summary>What a job waits for.</summary>
internal enum JobPhase : byte
{
    /// <summary>Its time: a delay or a back-off.</summary>
    Delayed,

    /// <summary>Its turn; the dispatcher has it.</summary>
    Waiting,

    /// <summary>Its outcome; a worker has it.</summary>
    Running,

    /// <summary>A process with a handler for it.</summary>
    Parked,
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
    /// <param name="now">The time.</param>
    /// <param name="isRetry">Whether it is not its job's first.</param>
    bool TryEnter(DateTimeOffset now, bool isRetry = false);

    /// <summary>Whether <see cref="TryEnter"/> might let an attempt through now. Counts nothing; true where that cannot be told. A job that has to wait for it keeps nobody from a pool.</summary>
    bool MayEnter(DateTimeOffset now, bool isRetry = false) => true;

    /// <summary>When it may answer otherwise without an attempt leaving; null if only that helps.</summary>
    DateTimeOffset? NextChange(DateTimeOffset now, bool isRetry = false);
}
