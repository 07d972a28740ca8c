using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Lets jobs in: joins, replaces or drops those that are there already, and keeps the backlog within its bounds.</summary>
internal sealed class Intake(Home home)
{
    /// <summary>How much of its budget a call from another node may wait for room: the rest is for the answer's way.</summary>
    private const double ShareOfBudget = 0.75;

    private readonly Dictionary<string, Queue<IEnqueue>> _blocked = new(StringComparer.Ordinal);
    private readonly PriorityQueue<IEnqueue, DateTimeOffset> _ends = new();

    /// <summary>When the next caller on another node has waited for room as long as he may; null if none does.</summary>
    public DateTimeOffset? NextDue => _ends.TryPeek(out _, out DateTimeOffset at) ? at : null;

    /// <summary>Takes jobs that a client wants: all of them, or none with an error.</summary>
    public void Take(IEnqueue call)
    {
        for (int i = 0; i < call.Jobs.Count; i++) // a foreach over the interface allocates, and this runs for each job
        {
            SetPriority(call.Jobs[i]);
        }

        PerdureException? refusal = Refusal(call.Jobs, isNew: true, out string? full);
        string? queue = full ?? (refusal is null ? QueueBefore(call.Jobs) : null);
        if (queue is not null)
        {
            call.Full = Full(queue);
            if (!_blocked.TryGetValue(queue, out Queue<IEnqueue>? waiting))
            {
                _blocked.Add(queue, waiting = new());
            }

            waiting.Enqueue(call);
            if (call is { Call: not null, Jobs: [{ Now: { } budget }] })
            {
                _ends.Enqueue(call, StoredTimes.Up(home.Shard.Now(), budget * ShareOfBudget));
            }
        }
        else if (call.TrySettle())
        {
            Decide(call, refusal);
        }
    }

    /// <summary>Refuses callers on other nodes whose budget is about to end: only here it is known that they waited for room, and not for the store.</summary>
    public void Due(DateTimeOffset now)
    {
        while (NextDue <= now)
        {
            IEnqueue call = _ends.Dequeue();
            if (call.TrySettle())
            {
                Decide(call, call.Full);
            }
        }
    }

    /// <summary>Lets in those for whom there is room now.</summary>
    /// <returns>Whether there were any.</returns>
    public bool LetIn()
    {
        bool any = false;
        foreach ((string queue, Queue<IEnqueue> waiting) in _blocked.Count == 0 ? [] : _blocked.ToList())
        {
            while (waiting.TryPeek(out IEnqueue? call))
            {
                PerdureException? refusal = null;
                string? full = null;
                if (!call.IsSettled) // whoever has given up is not let in, and holds up nobody
                {
                    refusal = Refusal(call.Jobs, isNew: false, out full); // the queue may drain by now, or have another policy
                }

                if (full is not null)
                {
                    break;
                }

                waiting.Dequeue();
                if (call.TrySettle())
                {
                    Decide(call, refusal);
                    any = true;
                }
            }

            if (waiting.Count == 0)
            {
                _blocked.Remove(queue);
            }
        }

        return any;
    }

    /// <summary>After a takeover: callers on other nodes come again through the inbox.</summary>
    public void Begin()
    {
        _ends.Clear();
        foreach ((string queue, Queue<IEnqueue> waiting) in _blocked.ToList())
        {
            _blocked[queue] = new Queue<IEnqueue>(waiting.Where(c => c.Call is null));
        }
    }

    /// <summary>Takes all callers who wait for room.</summary>
    public List<HomeAsk> TakeAll()
    {
        List<HomeAsk> all = [.. _blocked.Values.SelectMany(b => b).Cast<HomeAsk>()];
        _blocked.Clear();
        _ends.Clear();
        return all;
    }

    /// <summary>How many callers wait for room in a queue.</summary>
    public int Blocked(string queue) => _blocked.GetValueOrDefault(queue)?.Count(c => !c.IsSettled) ?? 0;

    public void Fail(PerdureException reason)
    {
        foreach (IEnqueue call in _blocked.Values.SelectMany(b => b))
        {
            call.Fail(reason);
        }

        _blocked.Clear();
        _ends.Clear();
    }

    /// <summary>Takes one job.</summary>
    public Receipt Add(NewJob wanted)
    {
        SetPriority(wanted);
        DateTimeOffset now = home.Shard.Now();
        if (wanted.DedupKey is { } key)
        {
            if (wanted.Dedup.Window is { } window && home.Queues.OnceUntil(wanted.Queue, $"{wanted.Type.Name}/{key}", now, window) is { } earlier)
            {
                return new Receipt(earlier, -1, ReceiptKind.Ignored);
            }

            if (home.Dedups.Find(wanted.Queue, wanted.Type.Name, key) is { IsCancelling: false } same && Same(wanted, same, now) is { } receipt)
            {
                return receipt;
            }
        }

        Job job = New(wanted, now);
        if (wanted.Dedup.Window is { } once && wanted.DedupKey is { } name)
        {
            home.Queues.RememberOnce(wanted.Queue, $"{wanted.Type.Name}/{name}", job.Number, StoredTimes.Up(now, once));
        }

        return new Receipt(job.Number, 0, ReceiptKind.Added);
    }

    /// <summary>The queue's policy may have been changed since the start.</summary>
    private void SetPriority(NewJob wanted) => wanted.Priority = wanted.HasQueuePriority ? home.Queues.Policy(wanted.Queue).Priority : wanted.Priority;

    private void Decide(IEnqueue call, PerdureException? refusal)
    {
        if (refusal is null)
        {
            Accept(call);
        }
        else
        {
            call.RefuseThen(refusal);
            call.Waiter?.GiveUp(refusal);
        }
    }

    private void Accept(IEnqueue call)
    {
        var receipts = new Receipt[call.Jobs.Count];
        for (int i = 0; i < receipts.Length; i++)
        {
            receipts[i] = Add(call.Jobs[i]);
        }

        if (call.Waiter is { } waiter)
        {
            waiter.Shard = home.Shard;
            waiter.Number = receipts[0].Number;
            waiter.Subscriber = receipts[0].Subscriber;
            if (receipts[0].Kind == ReceiptKind.Dropped)
            {
                waiter.Ended(Outcomes.Merged);
            }
            else
            {
                home.Waiters.Wait(waiter);
            }
        }

        call.AcceptThen(receipts);
    }

    /// <summary>What becomes of a job that is the same as one that is there; null if it comes all the same.</summary>
    private Receipt? Same(NewJob wanted, Job same, DateTimeOffset now)
    {
        bool runs = same.Phase == JobPhase.Running;
        if (runs && wanted.Dedup.UntilStarted)
        {
            return null;
        }

        switch (wanted.Dedup.Mode)
        {
            case DedupMode.Ignore:
                return new Receipt(same.Number, -1, ReceiptKind.Ignored);
            case DedupMode.Join:
                return new Receipt(same.Number, home.Subscriptions.Join(same, wanted, now), ReceiptKind.Joined);
            default:
                return home.Starts.Replace(same, wanted, now);
        }
    }

    private Job New(NewJob wanted, DateTimeOffset now)
    {
        DateTimeOffset notBefore = wanted.RunAt ?? (wanted.Delay is { } delay && delay > TimeSpan.Zero ? StoredTimes.Up(now, delay) : default);
        var job = new Job(home.Shard.NextRun(now), home.Queues.Intern(wanted.Queue), wanted.Type.Name)
        {
            Key = wanted.Key,
            Priority = wanted.Priority,
            CreatedAt = now,
            NotBefore = notBefore > now ? notBefore : default,
            More = MoreOf(wanted, now),
            Payload = wanted.Payload,
        };
        home.Batch.NewJobs.Add(new JobRow(job.Number, home.Shard.Index, job.Queue, job.Type, now) { Key = job.Key, Payload = wanted.Payload, State = job.State });
        home.Add(job);
        PerdureMeter.JobEnqueued(job.Queue);
        if (wanted.Now is { } budget)
        {
            home.Starts.TryNow(job, budget, now);
        }
        else
        {
            home.Place(job, now);
        }

        return job;
    }

    private JobMore? MoreOf(NewJob wanted, DateTimeOffset now)
    {
        TimeSpan? expireAfter = wanted.ExpireAfter ?? home.Queues.Policy(wanted.Queue).ExpireAfter;
        bool isPlain = wanted is { DedupKey: null, Limit: null, Timeout: null, Retry: null, KeepResult: null, TraceParent: null, Correlation: null, ScheduledFor: null, Flow: null } && expireAfter is null;
        return isPlain ? null : new JobMore
        {
            Dedup = wanted.DedupKey,
            UntilStarted = wanted.Dedup.UntilStarted,
            ExpireAt = expireAfter is { } e ? StoredTimes.Up(now, e) : null,
            Timeout = wanted.Timeout,
            Retry = RetryData.Of(wanted.Retry),
            KeepResult = wanted.KeepResult,
            TraceParent = wanted.TraceParent,
            Correlation = wanted.Correlation,
            Cause = wanted.Cause,
            ScheduledFor = wanted.ScheduledFor,
            Schedule = wanted.Schedule,
            Subscribers = wanted.Limit is null && wanted.Flow is null ? null : [Subscriptions.Of(wanted, number: 0, now)],
        };
    }

    /// <summary>Why jobs may not come now; null if they may, or if their caller waits until there is room (<paramref name="blocks"/>).</summary>
    public PerdureException? Refusal(IReadOnlyList<NewJob> jobs, out bool blocks)
    {
        PerdureException? refusal = Refusal(jobs, isNew: true, out string? full);
        blocks = full is not null;
        return refusal;
    }

    /// <param name="jobs">The jobs.</param>
    /// <param name="isNew">Whether they come only now: who has waited for room is not shed.</param>
    /// <param name="waitsFor">The queue for whose room their caller waits; null for none.</param>
    private PerdureException? Refusal(IReadOnlyList<NewJob> jobs, bool isNew, out string? waitsFor)
    {
        waitsFor = null;
        if (home.OwesPump && (IsFull(jobs, out _) || HasPool(jobs)))
        {
            home.Pump(); // what runs by then makes room, and counts
        }

        for (int i = 0; i < jobs.Count; i++)
        {
            NewJob job = jobs[i];
            if (home.Queues.IsDraining(job.Queue))
            {
                return new PerdureException(ErrorCodes.QueueDraining, $"queue {job.Queue} drains: it takes no new jobs until it is resumed.");
            }

            if (isNew && home.Dispatcher.Sheds(job.Queue, job.Priority))
            {
                return new PerdureException(ErrorCodes.JobShed, $"queue {job.Queue} takes no job of priority {job.Priority} now: a pool that it uses is saturated.");
            }
        }

        if (IsFull(jobs, out string full))
        {
            QueueOptions policy = home.Queues.Policy(full);
            waitsFor = policy.WhenFull == WhenFull.Block && jobs.Count <= policy.BacklogMax ? full : null;
            return waitsFor is not null ? null : Full(full);
        }

        return null;
    }

    private bool HasPool(IReadOnlyList<NewJob> jobs)
    {
        foreach (NewJob job in jobs)
        {
            if (home.Queues.Policy(job.Queue).Uses.Count > 0)
            {
                return true;
            }
        }

        return false;
    }

    private PerdureException Full(string queue)
        => new(ErrorCodes.QueueFull, $"queue {queue} is full: {home.Queues.Backlog(queue):N0} jobs wait, and at most {home.Queues.Policy(queue).BacklogMax:N0} may.");

    /// <summary>A queue for whose room somebody waits already: who comes later does not pass him, though there may be room for less. Null for none.</summary>
    private string? QueueBefore(IReadOnlyList<NewJob> jobs) => _blocked.Count == 0 ? null : jobs.FirstOrDefault(j => _blocked.ContainsKey(j.Queue) && !TakesNoRoom(j))?.Queue;

    private bool IsFull(IReadOnlyList<NewJob> jobs, out string queue)
    {
        if (jobs.Count == 1)
        {
            queue = jobs[0].Queue;
            return home.Queues.Backlog(queue) >= home.Queues.Policy(queue).BacklogMax && !TakesNoRoom(jobs[0]);
        }

        foreach (IGrouping<string, NewJob> group in jobs.GroupBy(j => j.Queue))
        {
            if (home.Queues.Backlog(group.Key) + group.Count(j => !TakesNoRoom(j)) > home.Queues.Policy(group.Key).BacklogMax)
            {
                queue = group.Key;
                return true;
            }
        }

        queue = "";
        return false;
    }

    /// <summary>Whether a job joins or replaces the one that is there, or is dropped for it, so that no more wait than before.</summary>
    private bool TakesNoRoom(NewJob wanted)
    {
        if (wanted.DedupKey is not { } key)
        {
            return false;
        }

        return (wanted.Dedup.Window is { } window && home.Queues.OnceUntil(wanted.Queue, $"{wanted.Type.Name}/{key}", home.Shard.Now(), window) is not null)
            || (home.Dedups.Find(wanted.Queue, wanted.Type.Name, key) is { IsCancelling: false } same && (same.Phase != JobPhase.Running || wanted.Dedup is { UntilStarted: false, Mode: not DedupMode.Replace }));
    }
}
