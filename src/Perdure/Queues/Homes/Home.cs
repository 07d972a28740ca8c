using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Events;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>
/// Where queues live: the part of one shard that knows all jobs of its queues, so order and limits are exact. What it decides goes into
/// the shard's batches, and leaves when that is durable, as with flows.
/// </summary>
/// <remarks>
/// <para>A job's row is written when it comes and deleted when it ends. That it runs is not written down where its handler is in this
/// process: after a crash it waits again, and its handler gets it under the same key.</para>
/// <para>All that waits has an entry in memory; payloads are in memory only while they are young.</para>
/// </remarks>
internal sealed class Home
{
    /// <summary>How many bytes of payloads of waiting jobs stay in memory.</summary>
    private const long PayloadBytesMax = 32 * 1024 * 1024;

    private readonly Dictionary<long, Job> _jobs = [];
    private readonly Dictionary<long, int> _updates = [];
    private long _updatesIn;
    private DateTimeOffset? _armedFor;
    private long _payloadBytes;

    public Home(Shard shard, QueueRegistry registry)
    {
        Shard = shard;
        Registry = registry;
        Queues = new HomeQueues(this);
        Dedups = new DedupIndex();
        Times = new DueJobs(number => number == 0 || _jobs.ContainsKey(number)); // for 0 the home is looked at
        Intake = new Intake(this);
        Outcomes = new Outcomes(this);
        Subscriptions = new Subscriptions(this);
        Waiters = new JobWaiters(this);
        Flows = new FlowJobs(this);
        Starts = new JobStarts(this);
        Leases = new Leases(this);
        Followers = new Followers(this);
        Calls = new HomeCalls(this);
        Clients = new HomeClients(this);
        Nodes = new HomeNodes(this);
        Ends = new Ends(this);
        Gauges = new QueueGauges(this);
        Diagnostics.PerdureMeter.Show(this, Gauges);
        Schedules = new Schedules(this);
        Topics = new Topics(this);
    }

    public Shard Shard { get; }

    public QueueRegistry Registry { get; }

    public Dispatcher Dispatcher { get; private set; } = new(default);

    public HomeQueues Queues { get; }

    public DedupIndex Dedups { get; }

    public Intake Intake { get; }

    public Outcomes Outcomes { get; }

    public Subscriptions Subscriptions { get; }

    public JobWaiters Waiters { get; }

    public FlowJobs Flows { get; }

    public JobStarts Starts { get; }

    public Leases Leases { get; }

    public Followers Followers { get; }

    /// <summary>The clients who wait, all together.</summary>
    public HomeClients Clients { get; }

    /// <summary>What clients on other nodes ask.</summary>
    public HomeCalls Calls { get; }

    /// <summary>The other nodes that do jobs.</summary>
    public HomeNodes Nodes { get; }

    public Ends Ends { get; }

    public QueueGauges Gauges { get; }

    public Schedules Schedules { get; }

    public Topics Topics { get; }

    public DueJobs Times { get; }

    public Node Node => Shard.Node;

    public ShardBatch Batch => Shard.Commits.Open;

    public IEnumerable<Job> Jobs => _jobs.Values;

    /// <summary>Whether attempts run in this process, or are waited for. What flows and workers outside do is theirs to say.</summary>
    public bool HasWork => _jobs.Values.Any(j => j is { Phase: JobPhase.Running, More: null or { Lease: null, Flow: null } } || j is { Phase: JobPhase.Delayed, Attempts: > 0 });

    /// <summary>When something happens next that only time brings about; null if there is nothing.</summary>
    public DateTimeOffset? NextDue => NextDueAfter(Shard.Now());

    public Job? Find(long number) => _jobs.GetValueOrDefault(number);

    /// <summary>Begins with what the store holds. On the loop.</summary>
    public void Begin(ShardLease lease, HomeState state)
    {
        _jobs.Clear();
        OwesPump = false;
        _armedFor = null;
        _payloadBytes = 0;
        Times.Clear();
        Dedups.Clear();
        Flows.Clear();
        Calls.Clear();
        Intake.Begin();
        Ends.Begin();
        Waiters.ForgetRecent();
        DateTimeOffset now = Shard.Now();
        Dispatcher = new Dispatcher(now, lease.Time);
        Queues.Begin(state.Memos);
        Starts.Begin(lease);
        Nodes.Begin();
        Schedules.Begin(state.Memos, now);
        _jobs.EnsureCapacity(state.Jobs.Count);
        foreach (Job job in state.Jobs)
        {
            Add(job);
            job.MayBeDone = true; // nobody wrote down whether it ran
            Resume(job, now);
        }

        Topics.Begin(state.Topics, state.Memos);
        Starts.Resumed();
        Queues.ReportUnknown(_jobs.Values.Where(j => j.Phase == JobPhase.Parked || (j.Phase != JobPhase.Running && Registry.Find(j.Type) is null)));
        Leases.Begin();
        Waiters.AskAgain();
        Followers.AskAgain();
    }

    /// <summary>Takes an event's job that has no row of its own.</summary>
    public void Give(Job job)
    {
        Add(job);
        Resume(job, Shard.Now());
    }

    /// <summary>Goes on with a job that was there before.</summary>
    private void Resume(Job job, DateTimeOffset now)
    {
        if (Node.Membership is null && job.More?.Lease is { Node: not 0 })
        {
            job.More.Lease = null; // there are no other nodes any more
        }

        string? refused = Shard.Refusals.TakeRefused(job.Number);
        bool isHere = Node.Jobs.IsRunning(job.Number);
        if (isHere || (refused is null && job.More?.Flow is not null && Queues.Knows(job.Queue)))
        {
            job.Phase = JobPhase.Running; // since before a reload, or a flow does it: it is joined, not started twice
            Dispatcher.Started(job);
            Starts.IsInside(job);
            if (job.IsCancelling)
            {
                Node.Jobs.Cancel(job.Number); // its worker may not have been told
            }
        }
        else if (refused is { } reason)
        {
            // Its state is as the store has it, so what was refused is not in it, and all who want the job are.
            if (job.More is { } more)
            {
                (more.Lease, more.Flow) = (null, null); // whoever had it was not heard
            }

            Outcomes.Dead(job, new ErrorInfo(ErrorKind.Permanent, ErrorCodes.StoreRefused, "Refused", reason));
        }
        else if (job.IsCancelling && job.More is { Lease: null, Flow: null })
        {
            Outcomes.Cancelled(job);
        }
        else if (Leases.Has(job))
        {
            job.Phase = JobPhase.Running;
            Dispatcher.Started(job);
            Starts.IsInside(job);
            if (job.More!.UntilStarted)
            {
                Dedups.Remove(job);
            }
        }
        else if (!Subscriptions.Due(job, now)) // its time may have run out meanwhile
        {
            Place(job, now);
        }
    }

    /// <summary>Takes a job into memory, without a place.</summary>
    public void Add(Job job)
    {
        _jobs.Add(job.Number, job);
        Queues.Count(job.Queue, 1);
        Dedups.Add(job);
        Schedules.Came(job);
        Subscriptions.Watch(job);
        Flows.Know(job);
        if (_payloadBytes < PayloadBytesMax || MustKeepPayload(job))
        {
            _payloadBytes += job.Payload?.Length ?? 0;
        }
        else
        {
            job.Payload = null;
        }
    }

    /// <summary>Whether a job's payload stays in memory: later jobs may be merged with it, or it has no row to be read from.</summary>
    public bool MustKeepPayload(Job job) => job.More is { Event.HasRow: false } || Registry.Find(job.Type) is { Merges: true };

    /// <summary>Puts a job where it belongs: to wait for its time, or for its turn.</summary>
    public void Place(Job job, DateTimeOffset now)
    {
        if (!Queues.CanRun(job))
        {
            job.Phase = JobPhase.Parked;
        }
        else if (job.NotBefore > now)
        {
            if (job is { Attempts: > 0, Standing: JobStanding.None })
            {
                Dispatcher.ComesBack(job); // after a restart
            }

            job.Phase = JobPhase.Delayed;
            Times.Add(job.Number, job.NotBefore);
        }
        else
        {
            job.Phase = JobPhase.Waiting;
            Dispatcher.Add(job);
        }
    }

    /// <summary>Takes a job that does not run out of its place.</summary>
    public void Displace(Job job)
    {
        if (job.Standing != JobStanding.None)
        {
            Dispatcher.Remove(job);
        }
    }

    /// <summary>Forgets a job that has ended.</summary>
    public void Remove(Job job)
    {
        _jobs.Remove(job.Number);
        Queues.Count(job.Queue, -1);
        Dedups.Remove(job);
        Schedules.Ended(job);
        TakePayload(job);
    }

    /// <summary>A job's payload, if it is in memory; from then on it is not.</summary>
    public byte[]? TakePayload(Job job)
    {
        byte[]? payload = job.Payload;
        _payloadBytes -= payload?.Length ?? 0;
        job.Payload = null;
        return payload;
    }

    public void SetPayload(Job job, byte[] payload)
    {
        TakePayload(job);
        job.Payload = payload;
        _payloadBytes += payload.Length;
    }

    /// <summary>Writes a job's state into the batch.</summary>
    public void Write(Job job, byte[]? payload = null)
    {
        if (job.More is { Event.HasRow: false })
        {
            Topics.GiveRow(job);
            return;
        }

        List<JobUpdate> updates = Batch.JobUpdates;
        if (_updatesIn != Shard.Commits.Sequence)
        {
            _updatesIn = Shard.Commits.Sequence;
            _updates.Clear();
        }

        if (_updates.TryGetValue(job.Number, out int index))
        {
            updates[index] = new JobUpdate(job.Number, job.State, payload ?? updates[index].Payload);
        }
        else
        {
            _updates.Add(job.Number, updates.Count);
            updates.Add(new JobUpdate(job.Number, job.State, payload));
        }
    }

    /// <summary>Whether messages were handled for which the home is yet to be pumped, before its batch is sealed.</summary>
    public bool OwesPump { get; set; }

    /// <returns>Whether anything was owed.</returns>
    public bool PumpWhatIsOwed()
    {
        if (OwesPump)
        {
            Pump();
            return true;
        }

        return false;
    }

    /// <summary>Starts all that may start now, and sees to it that the home is looked at again in time.</summary>
    public void Pump()
    {
        OwesPump = false;
        DateTimeOffset now = Shard.Now();
        Nodes.SetCredits();
        do
        {
            Topics.Fill();
            while (Starts.MayStart && Dispatcher.Next(now) is { } job)
            {
                Starts.Start(job, now);
                Nodes.SetCredits();
            }

            Starts.Flush();
        }
        while (Intake.LetIn() | Flows.LetIn()); // what started has left room behind

        Topics.Remember();
        Leases.Answer(now);
        RememberRates();
        Arm(now);
    }

    /// <summary>Writes what rates are to remember into the batch.</summary>
    public void RememberRates()
    {
        foreach (ChangedRate rate in Dispatcher.TakeChangedRates())
        {
            Queues.RememberRate(rate.Name, rate.At);
        }
    }

    /// <summary>Time has passed.</summary>
    public void Due()
    {
        DateTimeOffset now = Shard.Now();
        if (_armedFor <= now)
        {
            _armedFor = null;
        }

        while (Times.TryTake(now, out long number))
        {
            if (Find(number) is { } job && !Subscriptions.Due(job, now) && job.Phase == JobPhase.Delayed && job.NotBefore <= now)
            {
                Place(job, now);
            }
        }

        Intake.Due(now);
        Flows.Due(now);
        Schedules.Due(now);
        Topics.Waits.Due(now);
    }

    private void Arm(DateTimeOffset now)
    {
        if (NextDueAfter(now) is { } at && (_armedFor is null || at < _armedFor))
        {
            _armedFor = at;
            Shard.Loop.WakeAt(at, Shard, Shard.HomeKey);
        }
    }

    private DateTimeOffset? NextDueAfter(DateTimeOffset now) => Earlier(Earlier(Earlier(Earlier(Times.Next, Leases.NextEnd), Schedules.Next), Intake.NextDue), Dispatcher.NextChange(now));

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => a is null || b < a ? b ?? a : a;
}
