using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Storage;
using Perdure.Worker;

namespace Perdure.Queues;

/// <summary>Starts jobs whose turn has come: gives them to this process's handlers, to flows, or to workers outside.</summary>
internal sealed class JobStarts(Home home)
{
    private readonly List<Job> _batch = [];
    private readonly Dictionary<long, TimeSpan> _budgets = [];
    private readonly Dictionary<long, (Dependency Dependency, DateTimeOffset At)> _entered = [];
    private HandlerDefinition? _handler; // of what is in the batch
    private bool _careful;
    private long _alone;
    private Suspect? _suspect;

    /// <summary>Whether one more job may start. After a crash loop only one runs at a time, so that the one to blame shows.</summary>
    public bool MayStart => !_careful || _alone == 0;

    public void Begin(ShardLease lease)
    {
        _batch.Clear();
        _budgets.Clear();
        _alone = 0;
        _careful = lease.UncleanEnds >= CarefulMode.UncleanEndsMin;
        _suspect = lease.Suspect is { Run: not 0 } s ? s with { Deaths = s.Deaths + 1 } : null;
        if (_careful)
        {
            home.Node.Log.CarefulMode(home.Shard.Index, lease.UncleanEnds);
        }
    }

    /// <summary>All jobs are in their places again: what does not run any more leaves what it depends on; the rest is still inside.</summary>
    public void Resumed()
    {
        foreach ((long number, (Dependency dependency, DateTimeOffset at)) in _entered.Where(e => home.Find(e.Key) is not { Phase: JobPhase.Running }).ToList())
        {
            _entered.Remove(number);
            dependency.Leave(at, DependencyOutcome.None, home.Shard.Now());
        }
    }

    /// <summary>A job runs that was started before this process, or before a reload: what it depends on counts it.</summary>
    public void IsInside(Job job)
    {
        home.Nodes.Resumed(job);
        if (!_entered.ContainsKey(job.Number) && home.Node.DependencyOf(home.Queues.Policy(job.Queue).Dependency) is { } dependency)
        {
            _entered.Add(job.Number, (dependency, dependency.Join(home.Shard.Now())));
        }
    }

    /// <summary>The process has lived for a while: what it does cannot be what killed the ones before.</summary>
    public void LivedOn()
    {
        if (_careful || home.Shard.Commits.Lease.UncleanEnds > 0)
        {
            _careful = false;
            _suspect = null;
            home.Batch.Suspect = CarefulMode.Nobody;
            home.Batch.Recovered = true;
        }
    }

    /// <summary>Starts a job that the dispatcher chose.</summary>
    public void Start(Job job, DateTimeOffset now)
    {
        HandlerDefinition? handler = home.Registry.HandlerOf(job.Queue, job.Type);
        job.Phase = JobPhase.Running;
        job.NotBefore = default;
        if (job.More?.Event is { } about)
        {
            about.StartedAt = now;
        }
        else if (job.More is { Correlation: not null } more)
        {
            more.StartedAt = now;
        }

        if (home.Node.DependencyOf(home.Queues.Policy(job.Queue).Dependency) is { } dependency)
        {
            _entered.Add(job.Number, (dependency, now));
        }

        if (_careful && _suspect?.Run == job.Number && _suspect.Deaths >= CarefulMode.DeathsMax)
        {
            _suspect = null; // whoever makes a job of it again means it
            home.Batch.Suspect = CarefulMode.Nobody;
            home.Outcomes.Dead(job, new ErrorInfo(ErrorKind.Permanent, ErrorCodes.CrashSuspect, "Crash", $"the process died {CarefulMode.DeathsMax} times while this job alone was running"));
            return;
        }

        if (job.More is { UntilStarted: true })
        {
            home.Dedups.Remove(job);
        }

        OtherNode? other = handler is FlowHandler ? null : home.Nodes.Choose(job, isOwn: handler is not null);
        if (_careful && other is null && handler is not null and not FlowHandler) // flows, and workers outside, have a careful mode of their own
        {
            _alone = job.Number;
            home.Batch.Suspect = new Suspect(job.Number, -1, _suspect?.Run == job.Number ? _suspect.Deaths : 0); // others may run before it has its turn
        }

        if (other is not null)
        {
            home.Nodes.Give(job, other, TimeoutOf(job));
        }
        else if (handler is null)
        {
            _budgets.Remove(job.Number);
            home.Leases.Give(job, now);
        }
        else if (handler is FlowHandler flow)
        {
            _budgets.Remove(job.Number);
            home.Flows.Start(job, flow);
        }
        else
        {
            if (_batch.Count > 0 && (!handler.TakesBatches || _batch[0].Queue != job.Queue || _batch[0].Type != job.Type || _batch.Count >= home.Queues.Policy(job.Queue).BatchMax))
            {
                Flush();
            }

            _handler = handler;
            _batch.Add(job);
        }

        home.Followers.Progressed(job);
    }

    /// <summary>Lets go what was gathered for one call of a handler.</summary>
    public void Flush()
    {
        if (_batch.Count > 0)
        {
            HandlerDefinition handler = _handler!;
            if (home.Queues.Policy(_batch[0].Queue) is { Rate: not null } or { RatePerKey: not null })
            {
                home.RememberRates();
                _ = home.Batch; // what they let go leaves with a batch, whose time a restart goes by, so that a crash forgets no start
            }

            var attempts = new JobAttempt[_batch.Count];
            for (int i = 0; i < attempts.Length; i++)
            {
                attempts[i] = Attempt(_batch[i]);
            }

            home.Shard.Commits.Then(new StartJobs(home, handler, attempts));
            _batch.Clear();
        }

        home.Nodes.Flush();
    }

    /// <summary>A running job has an outcome.</summary>
    public void Ended(Job job, bool comesBack, DependencyOutcome outcome)
    {
        if (_entered.Remove(job.Number, out (Dependency Dependency, DateTimeOffset At) entered))
        {
            entered.Dependency.Leave(entered.At, outcome, home.Shard.Now());
        }

        home.Dispatcher.Ended(job, comesBack);
        home.Nodes.Ended(job);
        if (_careful && _alone == job.Number)
        {
            _alone = 0;
            _suspect = _suspect?.Run == job.Number ? null : _suspect;
            home.Batch.Suspect = CarefulMode.Nobody;
        }
    }

    /// <summary>Starts a job before its turn, if its queue lets one more start; otherwise it waits.</summary>
    public void TryNow(Job job, TimeSpan budget, DateTimeOffset now)
    {
        if (!home.Queues.CanRun(job) || job.NotBefore > now || !MayStart || !home.Dispatcher.Admits(job, now))
        {
            home.Place(job, now);
            return;
        }

        int priority = job.Priority;
        job.Priority = Job.BeforeAll;
        job.Phase = JobPhase.Waiting;
        home.Dispatcher.Add(job);
        _budgets.Add(job.Number, budget);
        while (job.Phase == JobPhase.Waiting && MayStart && home.Dispatcher.Next(now) is { } next)
        {
            Start(next, now);
        }

        job.Priority = priority;
        if (job.Phase == JobPhase.Waiting)
        {
            _budgets.Remove(job.Number);
            home.Dispatcher.PriorityChanged(job);
        }
        else if (job.More is { Lease: not null } or { Flow: not null })
        {
            home.Write(job); // its start wrote the priority that it had for the moment
        }
    }

    /// <summary>Puts a new job's work into the place of one that waits, or drops both, or finds that it has nothing to add; null if it comes by itself.</summary>
    public Receipt? Replace(Job same, NewJob wanted, DateTimeOffset now)
    {
        byte[]? payload = wanted.Payload;
        if (wanted.Type.Merges && same.Payload is { } there)
        {
            bool stands;
            try
            {
                payload = wanted.Type.Merge(there, wanted.Payload, home.Node.Services.Json, out stands);
            }
            catch (Exception e)
            {
                home.Node.Log.MergeFailed(same, e); // each is done; foreign code must not stop the loop
                return null;
            }

            if (stands)
            {
                return new Receipt(same.Number, home.Subscriptions.Join(same, wanted, now), ReceiptKind.Joined);
            }
        }

        if (same.Phase == JobPhase.Running)
        {
            return null;
        }

        if (payload is null && !same.MayBeDone)
        {
            home.Outcomes.Drop(same);
            return new Receipt(same.Number, -1, ReceiptKind.Dropped);
        }

        payload ??= wanted.Payload;
        home.Displace(same);
        same.Attempts = 0;
        same.NotBefore = wanted.RunAt ?? (wanted.Delay is { } delay ? StoredTimes.Up(now, delay) : default);
        home.SetPayload(same, payload);
        int subscriber = home.Subscriptions.Join(same, wanted, now);
        home.Write(same, payload);
        home.Place(same, now);
        return new Receipt(same.Number, subscriber, ReceiptKind.Replaced);
    }

    private JobAttempt Attempt(Job job)
    {
        TimeSpan timeout = TimeoutOf(job);
        byte[]? payload = home.MustKeepPayload(job) ? job.Payload : home.TakePayload(job);
        return new JobAttempt(home.Shard, job, payload, timeout, home.Node.Services.Json);
    }

    /// <summary>The time for a job's next attempt; once for the budget of one that is tried at once.</summary>
    private TimeSpan TimeoutOf(Job job)
    {
        TimeSpan timeout = job.More?.Timeout ?? home.Queues.Policy(job.Queue).Timeout;
        return _budgets.Remove(job.Number, out TimeSpan budget) && budget < timeout ? budget : timeout;
    }
}

/// <summary>One call of a handler leaves.</summary>
internal sealed class StartJobs(Home home, HandlerDefinition handler, JobAttempt[] attempts) : IFreeEffect
{
    public void Release()
    {
        if (home.Node.Jobs.Begin(handler, attempts) is { } run)
        {
            home.Node.Seams.Run(run);
        }
    }

    public void Release(List<IThreadPoolWorkItem> work)
    {
        if (home.Node.Jobs.Begin(handler, attempts) is { } run) // registered now: once the home knows of the commit, it takes them for running
        {
            work.Add(run);
        }
    }

    public void Lost(PerdureException reason)
    {
        // Recovery decides it again.
    }
}
