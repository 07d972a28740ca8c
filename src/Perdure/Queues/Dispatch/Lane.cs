namespace Perdure.Queues;

/// <summary>The waiting jobs of one lane and one class. While the lane may go, the line stands in its class's heap by its head.</summary>
internal class Line
{
    private Heap<Job, JobOrder> _jobs;

    /// <summary>The class in whose heap it stands or stood last.</summary>
    public JobClass? Class { get; set; }

    public virtual Lane Owner => throw new NotSupportedException();

    /// <summary>Another line of the same lane.</summary>
    public Line? Next { get; set; }

    /// <summary>Its index in its class's heap; -1 when it does not stand there.</summary>
    public int ReadyIndex { get; set; } = -1;

    public Job? Head => _jobs.First;

    public int Count => _jobs.Count;

    public void Add(Job job, JobOrder order)
    {
        job.Place = this;
        _jobs.Add(job, order);
    }

    public void Remove(Job job, JobOrder order)
    {
        _jobs.Remove(job, order);
        job.Place = null;
    }

    /// <summary>Forgets its jobs, which are sorted anew.</summary>
    public void Clear()
    {
        _jobs = default;
        ReadyIndex = -1;
    }
}

/// <summary>A lane's second and further lines; few lanes have any.</summary>
internal sealed class FurtherLine(Lane lane) : Line
{
    public override Lane Owner => lane;
}

/// <summary>All of one key in a queue: what waits, and what its limits count. It is its own first line, which saves an object for each of what may be a million keys.</summary>
internal sealed class Lane(string? key) : Line
{
    /// <summary>Null for the lane of jobs whose key does not matter.</summary>
    public string? Key { get; } = key;

    /// <summary>When it last started a job, or when jobs came after it had none: the lowest goes first where keys take turns.</summary>
    public long Turn { get; set; }

    /// <summary>What its rate remembers; 0 for nothing.</summary>
    public long Tat { get; set; }

    public int Running { get; set; }

    /// <summary>How many of its jobs come back.</summary>
    public int ComingBack { get; set; }

    public int TimerIndex { get; set; } = -1;

    public LaneTimer Timer { get; set; }

    /// <summary>Whether <see cref="Tat"/> changed since it was last told.</summary>
    public bool TatChanged { get; set; }

    /// <summary>Whether a <see cref="Tat"/> was told that has not been told to be gone.</summary>
    public bool TatTold { get; set; }

    public override Lane Owner => this;

    public bool HasJobs
    {
        get
        {
            for (Line? line = this; line is not null; line = line.Next)
            {
                if (line.Count > 0)
                {
                    return true;
                }
            }

            return false;
        }
    }

    /// <summary>Whether nothing is lost with it.</summary>
    public bool IsIdle => Running == 0 && ComingBack == 0 && Tat == 0 && !TatChanged && !HasJobs;

    /// <summary>The line of its jobs of a class; an empty one is used again.</summary>
    public Line LineOf(JobClass jobClass)
    {
        Line? empty = null;
        for (Line? line = this; line is not null; line = line.Next)
        {
            if (line.Count == 0)
            {
                empty ??= line;
            }
            else if (line.Class == jobClass)
            {
                return line;
            }
        }

        if (empty is null)
        {
            empty = new FurtherLine(this) { Next = Next };
            Next = empty;
        }

        empty.Class = jobClass;
        return empty;
    }
}

/// <summary>What a lane waits for by time.</summary>
internal enum LaneTimer : byte
{
    None = 0,

    /// <summary>Its rate lets no job start before then.</summary>
    Blocked = 1,

    /// <summary>Its rate remembers something until then.</summary>
    Remembered = 2,
}
