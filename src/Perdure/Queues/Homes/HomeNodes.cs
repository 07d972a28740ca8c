using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>The other nodes that do a home's jobs: what each has handlers for, and what it has been given.</summary>
/// <remarks>
/// <para>A job that another node has is under a lease without an end: it counts as running until that node says what came of it, or is gone by the store's clock.
/// So a limit holds over all nodes, and whoever has the home next joins what runs. A node that has lost its place has stopped its attempts by then.</para>
/// <para>What nodes do is in memory only: the home asks each that it does not know.</para>
/// </remarks>
internal sealed class HomeNodes(Home home)
{
    private readonly SortedDictionary<long, OtherNode> _nodes = [];
    private readonly Dictionary<long, OtherNode> _has = [];
    private HashSet<(string Queue, string? Type)> _handled = [];

    private bool IsAlone => _handled.Count == 0;

    /// <summary>Whether another node has handlers for a queue.</summary>
    public bool Handle(string queue) => !IsAlone && _handled.Any(h => h.Queue == queue);

    /// <summary>Whether another node does such jobs.</summary>
    public bool Handle(string queue, string type) => !IsAlone && (_handled.Contains((queue, type)) || _handled.Contains((queue, null)));

    /// <summary>The home is read again: what nodes have is in the jobs' rows.</summary>
    public void Begin()
    {
        _has.Clear();
        foreach (OtherNode node in _nodes.Values)
        {
            node.Begin();
        }
    }

    /// <summary>The home lives elsewhere.</summary>
    public void Clear()
    {
        _nodes.Clear();
        _has.Clear();
        _handled = [];
    }

    /// <summary>A node has a job since before the home was read.</summary>
    public void Resumed(Job job)
    {
        if (job.More?.Lease is { Node: not 0 } lease)
        {
            Has(job, Of(lease.Node, lease.Worker));
        }
    }

    /// <summary>A running job has an outcome, or is given back.</summary>
    public void Ended(Job job)
    {
        if (_has.Remove(job.Number, out OtherNode? node))
        {
            node.Running[job.Queue]--;
            node.Count--;
        }
    }

    /// <summary>The store says who lives.</summary>
    /// <param name="living">Who.</param>
    /// <param name="me">The home's own node.</param>
    /// <param name="asked">When it was asked, by the monotonic clock.</param>
    public void Seen(IReadOnlyList<LivingNode> living, long me, long asked)
    {
        HashSet<long> there = [.. living.Select(n => n.Node)];
        HashSet<long> left = [];
        foreach (OtherNode gone in _nodes.Values.Where(n => n.KnownAt < asked && !there.Contains(n.Number)).ToList()) // others may have joined since
        {
            _nodes.Remove(gone.Number);
            left.Add(gone.Number);
            TakeBack(gone);
        }

        long newest = there.Max();
        home.Calls.Forget(n => left.Contains(n) || (n < newest && !there.Contains(n))); // one that joined before another, and does not live

        foreach (LivingNode other in living.Where(n => n.Node != me))
        {
            OtherNode node = Of(other.Node, other.Name);
            if (!node.WasAsked)
            {
                node.WasAsked = true;
                home.Shard.Send(new InboxRow(NodeLease.InboxOf(other.Node), home.Topics.MessageId(), MessageKind.AskOffer, Shard.HomeKey));
            }
        }

        Rearrange();
    }

    /// <summary>A node says what it does.</summary>
    public void Offered(InboxRow row)
    {
        home.Shard.Inbox.Consume(row.Id, InboxId.NoRun);
        NodeOffer offer = NodeOffer.Read(row.Payload!);
        if (_nodes.TryGetValue(offer.Node, out OtherNode? node))
        {
            node.Offer = offer;
            Rearrange();
        }
    }

    /// <summary>Says how many jobs of each queue the nodes have room for.</summary>
    public void SetCredits()
    {
        if (!IsAlone)
        {
            foreach (string queue in home.Queues.Names.Where(Handle))
            {
                int own = home.Registry.IsHandled(queue) ? Math.Max(0, OwnRoom()) : 0;
                home.Dispatcher.SetCredit(queue, own + _nodes.Values.Sum(n => n.Does(queue) ? n.Room : 0));
            }
        }
    }

    /// <summary>Chooses the node that does a job; null for the home's own, which comes first while it has no more than its share.</summary>
    /// <param name="job">The job.</param>
    /// <param name="isOwn">Whether the home's own node can do it.</param>
    public OtherNode? Choose(Job job, bool isOwn)
    {
        if (!Handle(job.Queue, job.Type))
        {
            return null;
        }

        List<OtherNode> others = [.. _nodes.Values.Where(n => n.Does(job.Queue, job.Type) is not null)];
        if (isOwn && OwnRoom() >= 0 && OwnShareIsFree(job.Queue, others.Count + 1))
        {
            return null;
        }

        OtherNode? best = others.Where(n => n.Room > 0).OrderBy(n => n.RunningOf(job.Queue)).ThenByDescending(n => n.Room).FirstOrDefault();
        return best is not null || isOwn ? best : others.MinBy(n => n.Count); // all that do it have enough to do, and others of the queue have not
    }

    /// <summary>Gives a job to a node.</summary>
    public void Give(Job job, OtherNode node, TimeSpan timeout)
    {
        int batchMax = node.Does(job.Queue, job.Type)!.TakesBatches ? home.Queues.Policy(job.Queue).BatchMax : 1;
        if (node.Next is { } next && (next.Queue != job.Queue || next.Type != job.Type || next.Jobs.Count >= batchMax))
        {
            Send(node);
        }

        var lease = new JobLease { Worker = node.Name, Node = node.Number, Token = home.Node.Seams.NewGuid() };
        (job.More ??= new JobMore()).Lease = lease;
        home.Write(job);
        Has(job, node);
        node.Next ??= new GivenWork(job.Queue, job.Type, []);
        node.Next.Jobs.Add(new GivenJob(job.Number, lease.Token, timeout)
        {
            Key = job.Key,
            Attempts = job.Attempts,
            CreatedAt = job.CreatedAt,
            Payload = home.MustKeepPayload(job) ? job.Payload : home.TakePayload(job),
            More = JobMore.Write(job.More),
        });
    }

    /// <summary>Lets go what was gathered for each node.</summary>
    public void Flush()
    {
        foreach (OtherNode node in _nodes.Values)
        {
            Send(node);
        }
    }

    /// <summary>Nobody wants a job any more: the node that has it is told.</summary>
    public void Cancel(Job job)
    {
        if (job.More?.Lease is { Node: not 0 } lease)
        {
            home.Shard.Send(new InboxRow(NodeLease.InboxOf(lease.Node), InboxId.OfStop(job.Number, lease.Token), MessageKind.StopJob, Shard.HomeKey) { Name = lease.Token.ToString("n") });
        }
    }

    /// <summary>A node says what came of jobs. What it holds no more it has no say in.</summary>
    public void Ran(InboxRow row)
    {
        RanWork work = RanWork.Read(row.Payload!);
        List<(RanJob Job, JobReport? Report)> held = [];
        foreach (RanJob ran in work.Jobs.Where(j => home.Leases.Has(j.Number, j.Token)))
        {
            held.Add((ran, ran.Report?.ToReport(home.Registry.Events)));
        }

        if (!home.Queues.Knows(work.Queue) || held.Exists(h => h.Job.Report is not null && h.Report is null))
        {
            home.Node.Log.CallWaitsForCode(work.Queue); // it stays in the inbox, for a node that knows the queue and its events
            return;
        }

        home.Shard.Inbox.Consume(row.Id, held.ConvertAll(h => h.Job.Number));
        foreach ((RanJob ran, JobReport? report) in held)
        {
            if (report is null)
            {
                home.Leases.Release(ran.Number, ran.Token);
            }
            else
            {
                home.Leases.Report(ran.Number, ran.Token, report);
            }
        }
    }

    private OtherNode Of(long number, string name)
    {
        if (!_nodes.TryGetValue(number, out OtherNode? node))
        {
            _nodes.Add(number, node = new OtherNode(number, name, home.Node.Seams.Time.GetTimestamp()));
        }

        return node;
    }

    private void Has(Job job, OtherNode node)
    {
        _has.Add(job.Number, node);
        node.Running[job.Queue] = node.RunningOf(job.Queue) + 1;
        node.Count++;
    }

    /// <summary>Whether the home's own node has less of a queue than its share.</summary>
    private bool OwnShareIsFree(string queue, int nodes)
    {
        int own = home.Dispatcher.Running(queue) - 1 - _nodes.Values.Sum(n => n.RunningOf(queue)); // without the one that is to start
        return home.Queues.Policy(queue).Concurrency is not { } limit || own < (limit + nodes - 1) / nodes;
    }

    /// <summary>How many jobs the home's own node has room for, with those that are about to start.</summary>
    private int OwnRoom()
    {
        int running = 0;
        foreach (string queue in home.Queues.Names)
        {
            running += home.Registry.IsHandled(queue) ? home.Dispatcher.Running(queue) - _nodes.Values.Sum(n => n.RunningOf(queue)) : 0;
        }

        return home.Node.Options.JobsPerNodeMax - running;
    }

    private void Send(OtherNode node)
    {
        if (node.Next is not { } work)
        {
            return;
        }

        node.Next = null;
        string id = InboxId.OfStart(work.Jobs[0].Number, work.Jobs[0].Token);
        foreach (GivenJob given in work.Jobs)
        {
            home.Batch.MemosOfJobs.Add((id, given.Number)); // none of them is given without the others
        }

        home.Shard.Send(new InboxRow(NodeLease.InboxOf(node.Number), id, MessageKind.RunJobs, Shard.HomeKey) { Payload = work.Write() });
    }

    /// <summary>A node is gone: what it had waits again.</summary>
    private void TakeBack(OtherNode gone)
    {
        DateTimeOffset now = home.Shard.Now();
        foreach (Job job in _has.Where(h => h.Value == gone).Select(h => home.Find(h.Key)).OfType<Job>().OrderBy(j => j.Number).ToList())
        {
            home.Leases.Lost(job, now);
        }
    }

    /// <summary>What the nodes do may be otherwise: jobs that somebody does now wait for their turn, and those that nobody does any more wait for a node.</summary>
    private void Rearrange()
    {
        HashSet<(string, string?)> handled = [.. _nodes.Values.SelectMany(n => n.Offer?.Handlers ?? []).Select(h => (h.Queue, h.Type))];
        if (handled.SetEquals(_handled))
        {
            return;
        }

        string[] before = [.. home.Queues.Names.Where(Handle)];
        _handled = handled;
        foreach (string queue in before.Where(q => !Handle(q)))
        {
            home.Leases.ResetCredit(queue);
        }

        DateTimeOffset now = home.Shard.Now();
        foreach (Job job in home.Jobs.Where(j => j.Phase is JobPhase.Parked or JobPhase.Waiting).ToList())
        {
            bool can = home.Queues.CanRun(job);
            if (can != (job.Phase == JobPhase.Waiting))
            {
                home.Displace(job);
                home.Place(job, now);
            }
        }
    }
}

/// <summary>Another node, as the home knows it.</summary>
internal sealed class OtherNode(long number, string name, long knownAt)
{
    public long Number => number;

    /// <summary>Since when it is known, by the monotonic clock: it lived then, or had lived.</summary>
    public long KnownAt => knownAt;

    public string Name => name;

    /// <summary>Whether it was asked what it does.</summary>
    public bool WasAsked { get; set; }

    /// <summary>What it does; null while it has not said so.</summary>
    public NodeOffer? Offer { get; set; }

    /// <summary>How many jobs of each queue it has.</summary>
    public Dictionary<string, int> Running { get; } = new(StringComparer.Ordinal);

    public int Count { get; set; }

    /// <summary>What it is to be given with the open batch.</summary>
    public GivenWork? Next { get; set; }

    public int Room => Math.Max(0, (Offer?.JobsMax ?? 0) - Count);

    public int RunningOf(string queue) => Running.GetValueOrDefault(queue);

    public bool Does(string queue) => Offer?.Handlers.Exists(h => h.Queue == queue) is true;

    public OfferedHandler? Does(string queue, string type) => Offer?.Handlers.Find(h => h.Queue == queue && (h.Type is null || h.Type == type));

    public void Begin()
    {
        Running.Clear();
        Count = 0;
        Next = null;
    }
}

/// <summary>The store has said who lives.</summary>
internal sealed class NodesSeen(IReadOnlyList<LivingNode> living, long me, long asked) : HomeMessage
{
    protected override void Deliver() => Home.Nodes.Seen(living, me, asked);
}
