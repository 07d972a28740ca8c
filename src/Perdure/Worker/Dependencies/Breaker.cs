namespace Perdure.Worker;

/// <summary>What an attempt says of what it depends on.</summary>
internal enum DependencyOutcome
{
    /// <summary>It was ended from here (a cancel, a stopping host): it says nothing.</summary>
    None,

    /// <summary>There was an answer: a result, a rejection, an error that will not pass.</summary>
    Answered,

    /// <summary>A transient error, an unknown outcome or a time-out.</summary>
    Failed,
}

/// <summary>What the breaker did.</summary>
internal enum BreakerChange
{
    None,

    /// <summary>It opened: nothing goes for a while.</summary>
    Opened,

    /// <summary>The probe went.</summary>
    Probed,

    /// <summary>The probe failed: it stays open, for longer.</summary>
    StayedOpen,

    /// <summary>The probe was answered.</summary>
    Closed,
}

/// <summary>
/// The breaker of one dependency: closed until too large a share of the attempts fails; then open for a while; then one probe at a time goes,
/// whose answer closes it, and whose failure opens it for longer.
/// </summary>
/// <remarks>
/// Not for several threads at once; time is passed in, and never goes back. Who leaves says when it entered: what went before the breaker last
/// opened says nothing about now, so it neither closes nor opens it. Of those that entered later there is only the probe until it is closed.
/// Once closed it lets two run at once, and with each answer one more: what has just come back is not overrun.
/// </remarks>
internal sealed class Breaker(DependencyOptions options, AttemptCounts counts, Func<double> chance)
{
    private const double Growth = 2;
    private const int RampFrom = 2;
    private const int RampTo = 1024;

    /// <summary>The largest share of the time that chance takes off, so that nodes do not probe all at once.</summary>
    private const double Jitter = 0.2;

    private DateTimeOffset _openedAt = DateTimeOffset.MinValue;
    private int _failedProbes;
    private bool _isProbing;

    /// <summary>How many run that entered since it last opened.</summary>
    private int _inside;

    /// <summary>How many of them may run at once, for a while after it has closed; null for no limit of its own.</summary>
    private int? _ramp;

    public bool IsClosed { get; private set; } = true;

    /// <summary>Until when nothing goes; a time that is over once it may be probed.</summary>
    public DateTimeOffset OpenUntil { get; private set; }

    /// <summary>Whether one more may go.</summary>
    public bool Admits(DateTimeOffset now) => IsClosed ? _ramp is null || _inside < _ramp : now >= OpenUntil && !_isProbing;

    /// <summary>When it may answer otherwise without anybody leaving; null if only that helps.</summary>
    public DateTimeOffset? NextChange => IsClosed || _isProbing ? null : OpenUntil;

    /// <summary>One goes that was admitted.</summary>
    public BreakerChange Enter()
    {
        _inside++;
        _isProbing = !IsClosed;
        return _isProbing ? BreakerChange.Probed : BreakerChange.None;
    }

    /// <summary>One has ended.</summary>
    public BreakerChange Leave(DateTimeOffset enteredAt, DependencyOutcome outcome, DateTimeOffset now)
    {
        if (enteredAt <= _openedAt)
        {
            return BreakerChange.None;
        }

        _inside--;
        return IsClosed ? Count(outcome, now) : EndProbe(outcome, now);
    }

    private BreakerChange Count(DependencyOutcome outcome, DateTimeOffset now)
    {
        if (outcome == DependencyOutcome.None)
        {
            return BreakerChange.None;
        }

        counts.End(now, outcome == DependencyOutcome.Failed);
        if (outcome == DependencyOutcome.Answered)
        {
            _ramp = _ramp < (options.Concurrency ?? RampTo) ? _ramp + 1 : null;
            return BreakerChange.None;
        }

        Counts all = counts.At(now);
        int ended = all.Answers + all.Failures;
        return ended >= options.AtLeast && all.Failures >= options.OpenAt * ended ? Open(now, BreakerChange.Opened) : BreakerChange.None;
    }

    private BreakerChange EndProbe(DependencyOutcome outcome, DateTimeOffset now)
    {
        _isProbing = false;
        switch (outcome)
        {
            case DependencyOutcome.Answered:
                IsClosed = true;
                _failedProbes = 0;
                _ramp = RampFrom;
                counts.ForgetEnds();
                return BreakerChange.Closed;
            case DependencyOutcome.Failed:
                _failedProbes++;
                return Open(now, BreakerChange.StayedOpen);
            default:
                return BreakerChange.None; // the next one is the probe
        }
    }

    private BreakerChange Open(DateTimeOffset now, BreakerChange change)
    {
        // The power overflows to infinity long before the cap would be missed, so compare as doubles.
        double ticks = Math.Min(options.OpenForMax.Ticks, options.OpenFor.Ticks * Math.Pow(Growth, _failedProbes));
        IsClosed = false;
        _inside = 0;
        _ramp = null;
        _openedAt = now;
        OpenUntil = now + TimeSpan.FromTicks((long)(ticks * (1 - (Jitter * chance()))));
        return change;
    }
}
