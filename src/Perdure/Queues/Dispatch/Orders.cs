namespace Perdure.Queues;

/// <summary>Jobs of one line: by priority and age, or by arrival where a key's jobs are done in order.</summary>
internal readonly struct JobOrder(QueuePolicy policy, bool byNumber) : IHeapOrder<Job>
{
    public bool Before(Job item, Job other)
    {
        if (!byNumber)
        {
            long level = policy.Level(item);
            long otherLevel = policy.Level(other);
            if (level != otherLevel)
            {
                return level < otherLevel;
            }
        }

        return item.Number < other.Number;
    }

    public int IndexOf(Job item) => item.Index;

    public void Moved(Job item, int index) => item.Index = index;
}

/// <summary>Waiting jobs by age.</summary>
internal readonly struct AgeOrder : IHeapOrder<Job>
{
    public bool Before(Job item, Job other) => item.CreatedAt.UtcTicks < other.CreatedAt.UtcTicks;

    public int IndexOf(Job item) => item.AgeIndex;

    public void Moved(Job item, int index) => item.AgeIndex = index;
}

/// <summary>Lines of one class by their heads; where keys take turns, equals by whose turn it is.</summary>
internal readonly struct LineOrder(QueuePolicy policy) : IHeapOrder<Line>
{
    public bool Before(Line item, Line other)
    {
        Job head = item.Head!;
        Job otherHead = other.Head!;
        long level = policy.Level(head);
        long otherLevel = policy.Level(otherHead);
        if (level != otherLevel)
        {
            return level < otherLevel;
        }

        return policy.FairKeys && item.Owner.Turn != other.Owner.Turn ? item.Owner.Turn < other.Owner.Turn : head.Number < otherHead.Number;
    }

    public int IndexOf(Line item) => item.ReadyIndex;

    public void Moved(Line item, int index) => item.ReadyIndex = index;
}

/// <summary>Lanes by the time that their rate remembers.</summary>
internal readonly struct TatOrder : IHeapOrder<Lane>
{
    public bool Before(Lane item, Lane other) => item.Tat < other.Tat;

    public int IndexOf(Lane item) => item.TimerIndex;

    public void Moved(Lane item, int index) => item.TimerIndex = index;
}
