namespace Perdure.Queues;

/// <summary>Jobs that the same rules match, whose order no window's edge changes: the lines that may go, by their heads.</summary>
internal sealed class JobClass(ulong rules)
{
    public Heap<Line, LineOrder> Ready;

    /// <summary>Which rules match, as bits.</summary>
    public ulong Rules { get; } = rules;

    /// <summary>What is added to the priority now.</summary>
    public long Change { get; set; }
}

/// <summary>Sorts jobs into classes by a policy's rules, and knows which rules' windows are open. A window's edge changes a few sums; no job moves.</summary>
internal sealed class JobClasses
{
    public const int RulesMax = QueueOptions.PriorityRulesMax;

    private readonly PriorityRule[] _rules;
    private readonly Edges[] _windows;
    private readonly List<JobClass> _all = [];
    private long _until = long.MinValue;

    public JobClasses(PriorityRule[] rules)
    {
        _rules = rules;
        _windows = [.. rules.Select(r => new Edges(r.Window.Contains, r.Window.NextEdge))];
    }

    /// <summary>Few: one for each set of rules that matched some job.</summary>
    public List<JobClass> All => _all;

    /// <summary>When a window opens or closes next.</summary>
    public long Until => _until;

    public JobClass Of(Job job)
    {
        ulong matching = 0;
        for (int i = 0; i < _rules.Length; i++)
        {
            if (_rules[i].Matches(job.Type, job.Key, job.Priority))
            {
                matching |= 1UL << i;
            }
        }

        foreach (JobClass known in _all)
        {
            if (known.Rules == matching)
            {
                return known;
            }
        }

        var added = new JobClass(matching) { Change = ChangeOf(matching) };
        _all.Add(added);
        return added;
    }

    public void Refresh(long now)
    {
        if (now >= _until)
        {
            Find(now);
        }
    }

    private void Find(long now)
    {
        _until = Ticks.Never;
        foreach (Edges window in _windows)
        {
            window.Refresh(now);
            _until = Math.Min(_until, window.Until);
        }

        _all.ForEach(c => c.Change = ChangeOf(c.Rules));
    }

    private long ChangeOf(ulong rules)
    {
        long change = 0;
        for (int i = 0; i < _rules.Length; i++)
        {
            if ((rules & (1UL << i)) != 0 && _windows[i].IsOpen)
            {
                change += _rules[i].Change;
            }
        }

        return change;
    }
}
