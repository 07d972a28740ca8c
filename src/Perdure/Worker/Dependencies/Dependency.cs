using Microsoft.Extensions.Logging;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Queues;

namespace Perdure.Worker;

/// <summary>
/// One dependency on this node: its limits, its breaker, and who waits for it. Steps wait here; jobs wait in their queues, whose dispatchers
/// ask, and are told by <see cref="OnChanged"/> when it makes sense to ask again.
/// </summary>
/// <remarks>
/// From any thread; each call takes the lock once, and leaves no step waiting that may go. Time is passed in; where two threads pass it in out
/// of order, the later one holds. Where both steps and jobs wait they take turns: after a step, a job that was refused is offered the next
/// turn, and if no dispatcher takes it soon the steps go on. Under the lock nothing runs but what only posts work.
/// </remarks>
internal sealed class Dependency : IGate
{
    /// <summary>How long a turn is kept for jobs.</summary>
    private static readonly TimeSpan OfferFor = TimeSpan.FromMilliseconds(20);

    private readonly Lock _lock = new();
    private readonly DependencyOptions _options;
    private readonly Seams _seams;
    private readonly ILogger _log;
    private readonly Action<DateTimeOffset> _lookAt;
    private readonly AttemptCounts _counts;
    private readonly Breaker _breaker;
    private readonly Pace? _pace;
    private readonly WaitingSteps _steps = new();
    private DateTimeOffset _now;
    private long _tat;
    private DateTimeOffset? _lookingAt;
    private DateTimeOffset? _offerUntil;
    private bool _jobsWait;
    private bool _jobRetriesWait;
    private bool _lastWasJob;
    private long _lastWait;
    private News _news;
    private Action? _changed;

    /// <param name="name">Its name.</param>
    /// <param name="options">Its limits.</param>
    /// <param name="seams">Chance, and where waiting steps go on.</param>
    /// <param name="log">Is told what the breaker does.</param>
    /// <param name="lookAt">Is told when <see cref="Look"/> must be called next, and calls nothing back meanwhile.</param>
    public Dependency(string name, DependencyOptions options, Seams seams, ILogger log, Action<DateTimeOffset> lookAt)
    {
        Name = name;
        _options = options;
        _seams = seams;
        _log = log;
        _lookAt = lookAt;
        _counts = new AttemptCounts(options.Window);
        _breaker = new Breaker(options, _counts, seams.Chance);
        _pace = options.Rate is { } rate ? new Pace(rate) : null;
    }

    public string Name { get; }

    /// <summary>How many attempts run.</summary>
    public int Inside { get; private set; }

    /// <summary>How many attempts of steps wait.</summary>
    public int Waiting => _steps.Count;

    public bool IsOpen => !_breaker.IsClosed;

    /// <summary>Names what else is called, from any thread and outside of the lock, when jobs that were refused may go.</summary>
    public void OnChanged(Action changed)
    {
        lock (_lock)
        {
            _changed += changed;
        }
    }

    /// <summary>Whether one more attempt of a job may go now; if so it is counted until it leaves.</summary>
    /// <param name="now">The time; pass it to <see cref="Leave"/>, too.</param>
    /// <param name="isRetry">Whether it is not the job's first attempt.</param>
    public bool TryEnter(DateTimeOffset now, bool isRetry = false) => AskForJob(now, isRetry, enters: true);

    /// <summary>Whether an attempt of a job might go now; nothing is counted. If not, whoever asked is told when to ask again.</summary>
    public bool MayEnter(DateTimeOffset now, bool isRetry = false) => AskForJob(now, isRetry, enters: false);

    private bool AskForJob(DateTimeOffset now, bool isRetry, bool enters)
    {
        bool mayGo;
        News news;
        lock (_lock)
        {
            now = Move(now);
            mayGo = (_offerUntil is not null || NextStep(now) is null) && MayGo(now, isRetry);
            if (mayGo && enters)
            {
                _offerUntil = null;
                _lastWasJob = true;
                Go(now, isRetry);
            }
            else if (!mayGo)
            {
                _jobsWait |= !isRetry;
                _jobRetriesWait |= isRetry;
            }

            news = Settle(now);
        }

        Tell(news);
        return mayGo;
    }

    /// <summary>Lets an attempt of a step go, or makes it wait.</summary>
    /// <returns>Its wait; null if it may go.</returns>
    public DependencyWait? Enter(DateTimeOffset now, bool isRetry)
    {
        DependencyWait? wait = null;
        News news;
        lock (_lock)
        {
            now = Move(now);
            if (_offerUntil is null && NextStep(now) is null && MayGo(now, isRetry))
            {
                _lastWasJob = false;
                Go(now, isRetry);
            }
            else
            {
                wait = new DependencyWait(this, isRetry, ++_lastWait);
                _steps.Add(wait);
            }

            news = Settle(now);
        }

        Tell(news);
        return wait;
    }

    /// <summary>An attempt runs that was let go before this process: from now on it is counted.</summary>
    /// <returns>When it was let go, for <see cref="Leave"/>: before all that the breaker knows of, so its outcome says nothing.</returns>
    public DateTimeOffset Join(DateTimeOffset now)
    {
        lock (_lock)
        {
            Move(now);
            Inside++;
        }

        return DateTimeOffset.MinValue;
    }

    /// <summary>An attempt has ended.</summary>
    /// <param name="enteredAt">When it was let go.</param>
    /// <param name="outcome">What it says of the dependency.</param>
    /// <param name="now">The time.</param>
    public void Leave(DateTimeOffset enteredAt, DependencyOutcome outcome, DateTimeOffset now)
    {
        News news;
        lock (_lock)
        {
            now = Move(now);
            Inside--;
            Note(_breaker.Leave(enteredAt, outcome, now), now);
            news = Settle(now);
        }

        Tell(news);
    }

    /// <summary>Ends a step's wait; nothing if it was let go already.</summary>
    public void End(DependencyWait wait)
    {
        News news = default;
        lock (_lock)
        {
            if (wait.Place is not null)
            {
                _steps.Remove(wait);
                _seams.Run(wait);
                news = Settle(_now);
            }
        }

        Tell(news);
    }

    /// <summary>Lets go who may by now.</summary>
    public void Look(DateTimeOffset now)
    {
        News news;
        lock (_lock)
        {
            _lookingAt = null;
            news = Settle(Move(now));
        }

        Tell(news);
    }

    public DateTimeOffset? NextChange(DateTimeOffset now, bool isRetry = false)
    {
        lock (_lock)
        {
            return NextChangeAt(Move(now), isRetry);
        }
    }

    /// <summary>Moves time, and ends an offer that no dispatcher took.</summary>
    private DateTimeOffset Move(DateTimeOffset now)
    {
        _now = now > _now ? now : _now;
        if (_now >= _offerUntil)
        {
            _offerUntil = null;
            _lastWasJob = true;
        }

        return _now;
    }

    /// <summary>From when on the rate lets one more start.</summary>
    private long PaceAt => _pace?.EarliestAt(_tat) ?? long.MinValue;

    private bool HasRoom => _options.Concurrency is null || Inside < _options.Concurrency;

    private bool MayGo(DateTimeOffset now, bool isRetry)
        => HasRoom && _breaker.Admits(now) && PaceAt <= now.UtcTicks && (!isRetry || RetriesMayGo(now));

    /// <summary>Whether the budget has a retry left. A probe needs none.</summary>
    private bool RetriesMayGo(DateTimeOffset now)
    {
        if (_options.RetryBudget is not { } share || !_breaker.IsClosed)
        {
            return true;
        }

        Counts all = _counts.At(now);
        return all.Retries < (share * all.Firsts) + (_options.RetriesPerSecond * _options.Window.TotalSeconds);
    }

    /// <summary>The step that goes next if anything may go.</summary>
    private DependencyWait? NextStep(DateTimeOffset now) => _steps.Count == 0 ? null : _steps.Next(RetriesMayGo(now));

    private void Go(DateTimeOffset now, bool isRetry)
    {
        Inside++;
        _counts.Start(now, isRetry);
        _tat = _pace?.After(_tat, now.UtcTicks) ?? 0;
        Note(_breaker.Enter(), now);
    }

    /// <summary>Lets all go who may, and sees to it that the others are looked at in time.</summary>
    /// <returns>What must be told outside of the lock.</returns>
    private News Settle(DateTimeOffset now)
    {
        while (NextStep(now) is { } step && MayGo(now, step.IsRetry) && !JobsAreNext(now))
        {
            _steps.Remove(step);
            step.EnteredAt = now;
            _lastWasJob = false;
            Go(now, step.IsRetry);
            _seams.Run(step);
        }

        if (_offerUntil is null && ((_jobsWait && MayGo(now, isRetry: false)) || (_jobRetriesWait && MayGo(now, isRetry: true))))
        {
            TellJobs();
        }

        if (_steps.Count > 0 || _jobsWait || _jobRetriesWait)
        {
            DateTimeOffset? next = _offerUntil ?? NextChangeAt(now, isRetry: true);
            if (next is { } at && (_lookingAt is null || at < _lookingAt))
            {
                _lookingAt = at;
                _lookAt(at);
            }
        }

        News news = _news;
        _news = default;
        return news;
    }

    /// <summary>Whether the next turn is kept for a job.</summary>
    private bool JobsAreNext(DateTimeOffset now)
    {
        if (_offerUntil is null && !_lastWasJob && (_jobsWait || (_jobRetriesWait && RetriesMayGo(now))))
        {
            _offerUntil = now + OfferFor;
            TellJobs();
        }

        return _offerUntil is not null;
    }

    /// <summary>When something may go that may not go now, without anybody leaving.</summary>
    private DateTimeOffset? NextChangeAt(DateTimeOffset now, bool isRetry)
    {
        if (!HasRoom)
        {
            return null;
        }

        if (!_breaker.Admits(now))
        {
            return _breaker.NextChange;
        }

        return PaceAt > now.UtcTicks ? new DateTimeOffset(PaceAt, TimeSpan.Zero) : isRetry && !RetriesMayGo(now) ? _counts.NextChange(now) : null;
    }

    private void TellJobs()
    {
        _jobsWait = _jobRetriesWait = false; // whoever is refused again says so
        _news = _news with { ToJobs = true };
    }

    private void Note(BreakerChange change, DateTimeOffset now)
    {
        if (change != BreakerChange.None)
        {
            _news = _news with { Change = change, OpenUntil = _breaker.OpenUntil, Counts = _counts.At(now) };
        }
    }

    private void Tell(News news)
    {
        switch (news.Change)
        {
            case BreakerChange.Opened:
                _log.BreakerOpened(Name, news.Counts.Failures, news.Counts.Failures + news.Counts.Answers, news.OpenUntil);
                PerdureMeter.BreakerOpened(Name);
                break;
            case BreakerChange.Probed:
                _log.BreakerProbes(Name);
                break;
            case BreakerChange.StayedOpen:
                _log.BreakerStaysOpen(Name, news.OpenUntil);
                break;
            case BreakerChange.Closed:
                _log.BreakerClosed(Name);
                PerdureMeter.BreakerClosed(Name);
                break;
        }

        if (news.ToJobs)
        {
            _changed?.Invoke();
        }
    }

    /// <summary>What one call leaves to be told; the breaker changes once in it at most.</summary>
    private readonly record struct News(BreakerChange Change, DateTimeOffset OpenUntil, Counts Counts, bool ToJobs);
}
