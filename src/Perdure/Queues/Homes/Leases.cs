using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Worker;

namespace Perdure.Queues;

/// <summary>
/// Workers outside this process: they pull jobs, hold them under leases that they renew, and report.
/// <list type="bullet">
/// <item>A queue's credit with the dispatcher is the room in the pulls that wait, so a job that is chosen has a pull, the one that has waited longest.</item>
/// <item>The lease is written with the decision, and the pull is answered when that is durable. If its outcome is unknown, the pull is answered after the
/// recovery with those of its jobs whose lease has landed; if none has, it waits on.</item>
/// <item>A job counts as running until its lease and <see cref="Margin"/> are over by the shard's time, restarts included, so no limit is ever passed.</item>
/// <item>A token is random per lease: whoever has lost a job can do nothing to it, even when the same worker has it again.</item>
/// </list>
/// </summary>
internal sealed class Leases(Home home)
{
    private readonly Dictionary<string, LinkedList<PullJobs>> _waiting = new(StringComparer.Ordinal);
    private readonly SortedSet<PullJobs> _ends = new(Comparer<PullJobs>.Create(static (x, y) => (x.Until!.Value, x.Order).CompareTo((y.Until!.Value, y.Order))));
    private readonly List<PullJobs> _filled = [];
    private readonly List<PullJobs> _unknown = [];
    private long _pulls;

    /// <summary>How much longer than its worker a home takes a lease for valid: the time that an answer takes on its way.</summary>
    public static TimeSpan Margin { get; } = TimeSpan.FromSeconds(1);

    public bool IsEmpty => _waiting.Count == 0 && _unknown.Count == 0;

    /// <summary>When the next pull has waited long enough.</summary>
    public DateTimeOffset? NextEnd => _ends.Min?.Until;

    /// <summary>Whether a worker outside has the job, as a row says.</summary>
    public bool Has(Job job) => job.More?.Lease is not null && home.Queues.Knows(job.Queue);

    /// <summary>After a takeover: pulls that wait go on, and those whose answer was under way get what has landed of it.</summary>
    public void Begin()
    {
        _filled.Clear();
        foreach (PullJobs call in _waiting.Values.SelectMany(w => w).Where(p => p.Call is not null).ToList())
        {
            Dequeue(call); // it comes again through the inbox
        }

        List<PullJobs> unknown = [.. _unknown.OrderBy(p => p.Order)];
        _unknown.Clear();
        foreach (PullJobs pull in Enumerable.Reverse(unknown))
        {
            pull.Jobs.RemoveAll(j => Held(j.Number, j.Token) is null);
            if (pull.Jobs.Count > 0)
            {
                pull.AnswerThen(pull.Jobs);
            }
            else
            {
                Enqueue(pull, first: true);
            }
        }

        foreach (string queue in _waiting.Keys)
        {
            SetCredit(queue);
        }
    }

    /// <summary>A worker wants jobs.</summary>
    public void Take(PullJobs pull)
    {
        pull.Order = ++_pulls;
        pull.Until = pull.Patience == Timeout.InfiniteTimeSpan ? null : home.Shard.Now() + pull.Patience;
        Enqueue(pull, first: false);
        SetCredit(pull.Queue);
    }

    /// <summary>Gives a job whose turn has come to the pull that has waited longest.</summary>
    public void Give(Job job, DateTimeOffset now)
    {
        LinkedListNode<PullJobs> node = _waiting[job.Queue].First!;
        PullJobs pull = node.Value;
        var lease = new JobLease { Worker = pull.Worker, Token = home.Node.Seams.NewGuid(), Until = StoredTimes.Up(now, home.Queues.Policy(job.Queue).Lease) };
        (job.More ??= new JobMore()).Lease = lease;
        home.Times.Add(job.Number, lease.Until + Margin);
        home.Write(job);
        byte[]? payload = home.Registry.Find(job.Type) is { Merges: true } ? job.Payload : home.TakePayload(job);
        pull.Jobs.Add(new LeasedRow(job.Number, job.Queue, job.Type, job.Key, job.Attempts + 1, payload, lease.Token, lease.Until)
        {
            Saved = job.More.Saved,
            TraceParent = job.More.TraceParent,
            ScheduledFor = job.More.ScheduledFor,
        });
        if (pull.Jobs.Count == 1)
        {
            _filled.Add(pull);
        }

        if (pull.Room == 0)
        {
            Dequeue(pull);
        }
    }

    /// <summary>Answers the pulls that have got jobs, or have waited long enough.</summary>
    public void Answer(DateTimeOffset now)
    {
        _filled.ForEach(Dequeue);
        while (_ends.Min is { } late && late.Until <= now)
        {
            _filled.Add(late);
            Dequeue(late);
        }

        if (_filled.Count == 0)
        {
            return;
        }

        _filled.ForEach(p => p.AnswerThen(p.Jobs));

        foreach (string queue in _filled.Select(p => p.Queue).Distinct())
        {
            SetCredit(queue);
        }

        _filled.Clear();
    }

    /// <summary>A worker no longer waits; what it was given meanwhile it does not know of.</summary>
    public void Stop(PullJobs pull)
    {
        Dequeue(pull);
        SetCredit(pull.Queue);
        foreach (LeasedRow job in pull.Jobs)
        {
            Release(job.Number, job.Token);
        }
    }

    /// <summary>Nobody knows whether a pull's answer is durable.</summary>
    public void PutBack(PullJobs pull) => _unknown.Add(pull);

    /// <summary>A worker says what came of a job.</summary>
    /// <returns>Whether it held it.</returns>
    public bool Report(long number, Guid token, JobReport report)
    {
        if (Held(number, token) is not { } job)
        {
            return false;
        }

        job.More!.Lease = null;
        job.More.LostLeases = 0;
        home.Outcomes.Take(number, report);
        return true;
    }

    /// <summary>A worker is still at work.</summary>
    /// <returns>Until when it holds the job from now on; null when it does not, or nobody wants it any more.</returns>
    public DateTimeOffset? Renew(long number, Guid token, JobNote? note)
    {
        if (Held(number, token) is not { IsCancelling: false } job)
        {
            return null;
        }

        JobLease lease = job.More!.Lease!;
        lease.Until = StoredTimes.Up(home.Shard.Now(), home.Queues.Policy(job.Queue).Lease);
        home.Times.Add(number, lease.Until + Margin);
        note?.Put(job.More);
        home.Write(job);
        if (note is not null)
        {
            home.Followers.Progressed(job);
        }

        return lease.Until;
    }

    /// <summary>A worker gives a job back.</summary>
    /// <returns>Whether it held it.</returns>
    public bool Release(long number, Guid token)
    {
        if (Held(number, token) is not { } job)
        {
            return false;
        }

        job.More!.Lease = null;
        job.More.LostLeases = 0;
        GiveBack(job, home.Shard.Now());
        return true;
    }

    /// <summary>Takes a job back whose lease has ended.</summary>
    /// <returns>Whether the job has ended by that.</returns>
    public bool Due(Job job, DateTimeOffset now)
    {
        return job is { Phase: JobPhase.Running, More.Lease: { Node: 0 } lease } && lease.Until + Margin <= now && Lost(job, now);
    }

    /// <summary>Takes a job back whose worker is gone.</summary>
    /// <returns>Whether the job has ended by that.</returns>
    public bool Lost(Job job, DateTimeOffset now)
    {
        JobLease lease = job.More!.Lease!;
        home.Node.Log.LeaseLost(job, lease.Worker);
        job.More.Lease = null;
        job.More.LostLeases++;
        if (!job.IsCancelling && job.More.LostLeases >= home.Queues.Policy(job.Queue).LostLeasesMax)
        {
            home.Outcomes.Dead(job, new ErrorInfo(ErrorKind.Permanent, ErrorCodes.CrashSuspect, "LeaseLost", $"{job.More.LostLeases} workers in a row fell silent while they had this job, the last one {lease.Worker}"));
            return true;
        }

        GiveBack(job, now);
        return home.Find(job.Number) != job;
    }

    /// <summary>The home stops: whoever waits is told.</summary>
    public void Fail(PerdureException reason) => TakeAll().ForEach(p => p.Fail(reason));

    /// <summary>Takes everybody who waits.</summary>
    public List<PullJobs> TakeAll()
    {
        List<PullJobs> all = [.. _waiting.Values.SelectMany(w => w), .. _unknown];
        _unknown.Clear();
        all.ForEach(Dequeue);
        return all;
    }

    /// <summary>Whether a worker holds a job.</summary>
    public bool Has(long number, Guid token) => Held(number, token) is not null;

    private void GiveBack(Job job, DateTimeOffset now)
    {
        if (job.IsCancelling)
        {
            home.Outcomes.Cancelled(job);
        }
        else if (!home.Subscriptions.Expires(job, now))
        {
            home.Starts.Ended(job, comesBack: true, DependencyOutcome.None);
            job.MayBeDone = true;
            home.Write(job);
            home.Place(job, now);
            home.Dedups.AddBack(job);
            home.Followers.Progressed(job);
        }
    }

    private Job? Held(long number, Guid token)
        => home.Find(number) is { Phase: JobPhase.Running, More.Lease: { } lease } job && lease.Token == token ? job : null;

    private void Enqueue(PullJobs pull, bool first)
    {
        if (!_waiting.TryGetValue(pull.Queue, out LinkedList<PullJobs>? queue))
        {
            _waiting.Add(pull.Queue, queue = new());
        }

        pull.Place = first ? queue.AddFirst(pull) : queue.AddLast(pull);
        if (pull.Until is not null)
        {
            _ends.Add(pull);
        }
    }

    private void Dequeue(PullJobs pull)
    {
        if (pull.Place?.List is not { } queue)
        {
            return;
        }

        queue.Remove(pull.Place);
        pull.Place = null;
        if (queue.Count == 0)
        {
            _waiting.Remove(pull.Queue);
        }

        if (pull.Until is not null)
        {
            _ends.Remove(pull);
        }
    }

    /// <summary>No other node does a queue's jobs any more.</summary>
    public void ResetCredit(string queue)
    {
        if (home.Registry.IsHandled(queue))
        {
            home.Dispatcher.SetCredit(queue, null);
        }
        else
        {
            SetCredit(queue);
        }
    }

    private void SetCredit(string queue)
    {
        long room = 0;
        foreach (PullJobs pull in _waiting.GetValueOrDefault(queue) ?? [])
        {
            room += pull.Room;
        }

        home.Dispatcher.SetCredit(queue, (int)Math.Min(int.MaxValue, room));
    }
}
