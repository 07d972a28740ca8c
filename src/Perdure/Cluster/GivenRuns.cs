using Perdure.Engine;
using Perdure.Queues;
using Perdure.Storage;
using Perdure.Worker;

namespace Perdure.Cluster;

/// <summary>The jobs that the home on another node gave this one, until what came of them is durable. On the loop of the node's own inbox.</summary>
/// <remarks>
/// The row that gives jobs stands in the node's inbox until the batch that says what came of them, as a row in the home's inbox: so they are
/// reported once, whoever has the home by then, and a reload of the inbox joins what still runs. A node that loses its place forgets them, and
/// its home gives them to others once the node is gone by the store's clock.
/// </remarks>
internal sealed class GivenRuns(Shard inbox)
{
    private readonly Dictionary<string, GivenRun> _runs = new(StringComparer.Ordinal);
    private bool _isLeaving;

    private Node Node => inbox.Node;

    /// <summary>A home gives jobs.</summary>
    public void Take(InboxRow row)
    {
        if (_runs.TryGetValue(row.Id, out GivenRun? known))
        {
            if (known.IsDone)
            {
                if (inbox.Refusals.TakeRefused(known.Numbers.Min()) is { } reason)
                {
                    known.Refuse(reason);
                }

                Answer(known); // it was not durable
            }

            return;
        }

        var run = new GivenRun(inbox, row);
        _runs.Add(row.Id, run);
        GivenWork work = run.Work;
        HandlerDefinition? handler = _isLeaving ? null : Node.Services.Queues?.HandlerOf(work.Queue, work.Type);
        JobAttempt[] attempts = [.. work.Jobs.Select(j => new JobAttempt(Node.HomeShard, j.ToJob(work), j.Payload, j.Timeout, Node.Services.Json) { Token = j.Token, Given = run })];
        JobRun? begun = handler is null ? null : Node.Jobs.Begin(handler, attempts);
        foreach (JobAttempt attempt in attempts.Where(a => begun?.Attempts.Contains(a) is not true))
        {
            run.Reports[attempt.Number] = null; // it cannot be done here now
        }

        if (begun is not null)
        {
            Node.Seams.Run(begun);
        }

        AnswerIfDone(run);
    }

    /// <summary>Nobody wants a job any more.</summary>
    public void Cancel(InboxRow row)
    {
        inbox.Inbox.Consume(row.Id);
        Guid token = Guid.ParseExact(row.Name!, "n");
        if (_runs.Values.SelectMany(r => r.Work.Jobs).FirstOrDefault(j => j.Token == token) is { } job)
        {
            Node.Jobs.Cancel(job.Number);
        }
    }

    /// <summary>The home asks what this node does.</summary>
    public void Offer(InboxRow row)
    {
        inbox.Inbox.Consume(row.Id);
        SendOffer();
    }

    /// <summary>The node is about to leave: it takes no more jobs.</summary>
    public void Leave()
    {
        _isLeaving = true;
        SendOffer();
    }

    /// <summary>An attempt has led to something.</summary>
    public void Reported(GivenRun run, long number, JobReport? report)
    {
        if (_runs.GetValueOrDefault(run.Row.Id) == run)
        {
            run.Reports[number] = report is null ? null : SentReport.Of(report);
            AnswerIfDone(run);
        }
    }

    /// <summary>The node has lost its place: others do these jobs.</summary>
    public void Forget()
    {
        _runs.Clear();
        Node.Jobs.Abandon(a => a.Given is not null);
    }

    private void AnswerIfDone(GivenRun run)
    {
        if (run.IsDone)
        {
            Answer(run);
        }
    }

    private void Answer(GivenRun run)
    {
        run.IsUnknown = false;
        inbox.Inbox.Consume(run.Row.Id, run.Numbers);
        inbox.Send(new InboxRow(Node.HomeIndex, InboxId.OfReport(run.Row.Id), MessageKind.JobsRan, Shard.HomeKey)
        {
            Payload = new RanWork(run.Work.Queue, run.Work.Jobs.ConvertAll(j => new RanJob(j.Number, j.Token, run.Reports[j.Number]))).Write(),
        });
        inbox.Commits.Then(new Answered(this, run));
    }

    private void Settle(GivenRun run)
    {
        if (_runs.GetValueOrDefault(run.Row.Id) == run)
        {
            _runs.Remove(run.Row.Id);
            run.Numbers.ForEach(n => Node.Jobs.Taken(n));
        }
    }

    private void SendOffer()
    {
        List<OfferedHandler> handlers = _isLeaving ? [] : [.. Node.Services.Queues?.Offered ?? []];
        var offer = new NodeOffer(NodeLease.NodeOf(inbox.Index), Node.Options.NodeName, Node.Options.JobsPerNodeMax, handlers);
        inbox.Send(new InboxRow(Node.HomeIndex, inbox.Calls!.NextId(), MessageKind.Offer, Shard.HomeKey) { Payload = offer.Write() });
    }

    /// <summary>What came of jobs is durable.</summary>
    private sealed class Answered(GivenRuns runs, GivenRun run) : IEffect
    {
        public void Release() => runs.Settle(run);

        public void Lost(PerdureException reason)
        {
            run.IsUnknown = true;
            run.Inbox.Post(new SettleUnknown(runs, run));
        }
    }

    /// <summary>The inbox has been read again since nobody knew whether an answer was durable: it was, if the row is gone.</summary>
    private sealed class SettleUnknown(GivenRuns runs, GivenRun run) : Message
    {
        public override void Handle()
        {
            if (!Shard.Recovery.Holds(this) && run.IsUnknown)
            {
                runs.Settle(run);
            }
        }
    }
}

/// <summary>One call of a handler for a home on another node.</summary>
internal sealed class GivenRun(Shard inbox, InboxRow row)
{
    public Shard Inbox => inbox;

    public InboxRow Row => row;

    public GivenWork Work { get; } = GivenWork.Read(row.Payload!);

    /// <summary>What came of its jobs; null for one that is given back.</summary>
    public Dictionary<long, SentReport?> Reports { get; } = [];

    public List<long> Numbers => Work.Jobs.ConvertAll(j => j.Number);

    public bool IsDone => Reports.Count == Work.Jobs.Count;

    /// <summary>Whether nobody knows if the answer is durable.</summary>
    public bool IsUnknown { get; set; }

    /// <summary>The store refused to take what came of the jobs.</summary>
    public void Refuse(string reason)
        => Numbers.ForEach(n => Reports[n] = new SentReport(null, new ErrorInfo(ErrorKind.Permanent, Diagnostics.ErrorCodes.StoreRefused, "Refused", reason), null, null, null));

    /// <summary>An attempt has led to something; null where it is given back. From any thread.</summary>
    public void Report(long number, JobReport? report) => inbox.Post(new GivenReported(this, number, report));

    private sealed class GivenReported(GivenRun run, long number, JobReport? report) : Message
    {
        public override bool CanWait => true;

        public override void Handle()
        {
            if (!Shard.Recovery.Holds(this))
            {
                Shard.Given!.Reported(run, number, report);
            }
        }
    }
}

/// <summary>The home of the queues says something to this node.</summary>
internal sealed class HomeSaid(InboxRow row) : Message, IFromInbox
{
    public override bool CanWait => true;

    public override void Handle()
    {
        if (Shard.Recovery.Holds(this) || !Shard.Inbox.Take(row.Id))
        {
            return;
        }

        switch (row.Kind)
        {
            case MessageKind.RunJobs:
                Shard.Given!.Take(row);
                break;
            case MessageKind.StopJob:
                Shard.Given!.Cancel(row);
                break;
            default:
                Shard.Given!.Offer(row);
                break;
        }
    }
}

/// <summary>The node is about to leave.</summary>
internal sealed class LeaveSoon : Message
{
    public override void Handle()
    {
        if (!Shard.Recovery.Holds(this))
        {
            Shard.Given!.Leave();
        }
    }
}
