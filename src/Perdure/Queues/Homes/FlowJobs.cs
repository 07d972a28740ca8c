using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Flows that wait for jobs. They speak with the home through inboxes, as flows do with their children.</summary>
/// <remarks>
/// A message is deleted by the batch that decides what becomes of it: a job that cannot come in yet leaves its message in the inbox. Each
/// flow that waits is a subscriber in its job's row, and gets one answer, in the batch in which the job ends or the flow leaves.
/// </remarks>
internal sealed class FlowJobs(Home home)
{
    private readonly Dictionary<ParentRef, Job> _waiting = [];
    private readonly HeldJobs _held = new();
    private readonly FlowRuns _runs = new(home);

    /// <summary>Forgets what is in memory; jobs are made known again, and messages handed over again.</summary>
    public void Clear()
    {
        _waiting.Clear();
        _held.Clear();
    }

    /// <summary>Notes which flows wait for a job.</summary>
    public void Know(Job job)
    {
        foreach (Subscriber subscriber in job.More?.Subscribers ?? [])
        {
            if (FlowOf(subscriber) is { } flow)
            {
                _waiting[flow] = job;
            }
        }
    }

    /// <summary>A message came from a flow: it wants a job, no longer wants it, or it was a job and has ended.</summary>
    public void Take(InboxRow row)
    {
        switch (row.Kind)
        {
            case MessageKind.EnqueueJob:
                var asked = new HeldJob(row, FlowJob.Read(row.Payload!));
                bool isNext = !_held.Any(asked.Wanted.Queue) || (row.From is not null && Refusal(asked.Wanted) is not null);
                if (!isNext || !TryLetIn(asked))
                {
                    Hold(asked);
                }

                break;
            case MessageKind.Cancel:
                Withdraw(row);
                break;
            default:
                _runs.Ended(row);
                break;
        }
    }

    /// <summary>Lets in what waits outside, as far as there is room.</summary>
    /// <returns>Whether any came in.</returns>
    public bool LetIn()
    {
        if (_held.IsEmpty)
        {
            return false;
        }

        bool any = false;
        foreach (string queue in _held.Firsts().ConvertAll(f => f.Wanted.Queue))
        {
            while (_held.First(queue) is { } first && TryLetIn(first))
            {
                _held.Remove(first);
                any = true;
            }
        }

        return any;
    }

    /// <summary>Time has passed: flows whose limit is over no longer wait outside.</summary>
    public void Due(DateTimeOffset now)
    {
        foreach (HeldJob late in _held.IsEmpty ? [] : _held.Late(now))
        {
            _held.Remove(late);
            home.Shard.Inbox.Consume(late.Row.Id);
            RefuseLate(late);
        }
    }

    /// <summary>Starts the flow that does a job.</summary>
    public void Start(Job job, FlowHandler handler) => _runs.Start(job, handler);

    /// <summary>Nobody wants a job that a flow does: the flow is cancelled.</summary>
    public void Cancel(Job job) => _runs.Cancel(job);

    /// <summary>Tells the flows that wait for a job how it ended.</summary>
    public void Answer(Job job, JobStatus status, byte[] result)
    {
        foreach (Subscriber subscriber in job.More?.Subscribers ?? [])
        {
            if (status == JobStatus.Completed)
            {
                Tell(job, subscriber, MessageKind.ChildCompleted, result);
            }
            else
            {
                Tell(job, subscriber, MessageKind.ChildFailed, JobErrorInfo.Write(FlowJson.DeserializeError(result), job.ToString(), job.Attempts));
            }
        }
    }

    /// <summary>Tells a flow that its limit was reached.</summary>
    public void LimitReached(Job job, Subscriber subscriber)
    {
        TimeSpan limit = subscriber.Limit ?? subscriber.Until!.Value - job.CreatedAt;
        Tell(job, subscriber, MessageKind.ChildFailed, JobErrorInfo.Write(LimitError(limit), job.ToString(), job.Attempts, limit));
    }

    /// <summary>A flow no longer wants its job: it leaves, or the job is cancelled and the flow hears of its end.</summary>
    private void Withdraw(InboxRow row)
    {
        home.Shard.Inbox.Consume(row.Id);
        ParentRef flow = row.From!;
        string reason = $"flow {flow.Flow} no longer wants it";
        if (_held.Find(flow) is { } held)
        {
            _held.Remove(held);
            home.Shard.Inbox.Consume(held.Row.Id);
            Refuse(held.Row, new ErrorInfo(ErrorKind.Cancelled, ErrorCodes.JobCancelled, "Cancelled", reason));
        }
        else if (_waiting.TryGetValue(flow, out Job? job) && job is { IsCancelling: false, More.Subscribers: { } all } && all.Find(s => s.IsFlow(flow)) is { } subscriber)
        {
            if (all.Exists(s => s != subscriber && !s.HasNoSay))
            {
                var error = new ErrorInfo(ErrorKind.Cancelled, ErrorCodes.JobCancelled, "Cancelled", reason);
                Tell(job, subscriber, MessageKind.ChildFailed, JobErrorInfo.Write(error, job.ToString(), job.Attempts));
                home.Subscriptions.Leave(job, subscriber.Number, reason, isLate: false);
            }
            else
            {
                home.Subscriptions.Cancel(job.Number, null, reason); // it is still a subscriber: it hears when the worker has agreed
            }
        }
        else
        {
            home.Topics.Waits.End(flow); // it waited for an event
        }
    }

    /// <summary>Decides what becomes of a job that a flow wants.</summary>
    /// <returns>False when it must wait outside.</returns>
    private bool TryLetIn(HeldJob asked)
    {
        FlowJob wanted = asked.Wanted;
        ErrorInfo? refusal = Refusal(wanted);
        if (refusal is not null && refusal.Code != ErrorCodes.JobShed && asked.Row.From is null)
        {
            return false; // nobody would hear of it: it comes in when the queue is resumed, or a process knows it again
        }

        if (refusal is null && home.Queues.Backlog(wanted.Queue) >= home.Queues.Policy(wanted.Queue).BacklogMax)
        {
            return false;
        }

        long job = 0;
        if (refusal is not null)
        {
            Refuse(asked.Row, refusal);
        }
        else if (asked.Until <= home.Shard.Now())
        {
            RefuseLate(asked);
        }
        else
        {
            job = Accept(asked);
        }

        home.Shard.Inbox.Consume(asked.Row.Id, job == 0 ? null : job);
        return true;
    }

    /// <returns>The job that is there for it; 0 if there is none.</returns>
    private long Accept(HeldJob asked)
    {
        DateTimeOffset now = home.Shard.Now();
        NewJob job = asked.Wanted.ToNew(home.Registry.Find(asked.Wanted.Type)!) with
        {
            Flow = asked.Row.From,
            TraceParent = asked.Row.Name,
            Since = asked.Wanted.At,
            Correlation = asked.Wanted.Correlation,
            Cause = asked.Wanted.Cause,
        };
        Receipt receipt = home.Intake.Add(job);
        if (asked.Row.From is null || receipt.Subscriber >= 0)
        {
            return receipt.Number;
        }

        if (home.Find(receipt.Number) is { } same)
        {
            home.Subscriptions.Join(same, job, now, hasNoSay: true);
            return same.Number;
        }
        else
        {
            Refuse(asked.Row, new ErrorInfo(ErrorKind.Cancelled, ErrorCodes.JobCancelled, "Dropped", receipt.Kind == ReceiptKind.Dropped
                ? "merged with one that undid it"
                : $"dropped: job {JobId.Text(job.Queue, receipt.Number)} was the one of its time, and has ended"));
            return 0;
        }
    }

    private void Hold(HeldJob asked)
    {
        _held.Add(asked);
        if (asked.Until is { } until)
        {
            home.Times.Add(0, until); // there is no job 0: the home is looked at
        }
    }

    /// <summary>Why no queue takes it now; null if one does, perhaps when it has room.</summary>
    private ErrorInfo? Refusal(FlowJob wanted)
    {
        string queue = wanted.Queue;
        if (wanted.ErrorCode is { } code)
        {
            return Rejected(code, wanted.Error!);
        }

        if (!home.Queues.Knows(queue))
        {
            return Rejected(ErrorCodes.UnknownQueue, home.Registry.Unknown(queue).Message);
        }

        if (home.Registry.Find(wanted.Type) is null || (home.Queues.IsHandled(queue) && !home.Queues.HasHandler(queue, wanted.Type)))
        {
            return Rejected(ErrorCodes.UnknownHandler, $"queue {queue} has no handler for job {wanted.Type}: add one with AddHandler.");
        }

        if (home.Queues.IsDraining(queue))
        {
            return Rejected(ErrorCodes.QueueDraining, $"queue {queue} drains: it takes no new jobs until it is resumed.");
        }

        return home.Dispatcher.Sheds(queue, wanted.Priority)
            ? Rejected(ErrorCodes.JobShed, $"queue {queue} takes no job of priority {wanted.Priority} now: a pool that it uses is saturated.")
            : null;
    }

    private void RefuseLate(HeldJob late)
    {
        TimeSpan limit = late.Wanted.Limit!.Value;
        Refuse(late.Row, LimitError(limit), limit);
    }

    /// <summary>Answers a flow whose job never was.</summary>
    private void Refuse(InboxRow asked, ErrorInfo error, TimeSpan? limit = null)
    {
        if (asked.From is { } flow)
        {
            home.Shard.Send(new InboxRow(home.Node.ShardOf(flow.Flow), asked.Id + "r", MessageKind.ChildFailed, flow.Flow)
            {
                From = new ParentRef(asked.To, flow.Ask),
                Payload = JobErrorInfo.Write(error, null, null, limit),
            });
        }
        else
        {
            home.Shard.Commits.Then(new ActionEffect(() => home.Node.Log.FlowJobDropped(asked.To.Type, error.Code, error.Message)));
        }
    }

    private void Tell(Job job, Subscriber subscriber, MessageKind kind, byte[] payload)
    {
        if (FlowOf(subscriber) is { } flow)
        {
            _waiting.Remove(flow);
            home.Shard.Send(new InboxRow(home.Node.ShardOf(flow.Flow), InboxId.Of(job.Number, subscriber.Number, 0), kind, flow.Flow)
            {
                From = new ParentRef(FlowRuns.KeyOf(job), flow.Ask),
                Payload = payload,
            });
        }
    }

    private static ParentRef? FlowOf(Subscriber subscriber)
        => subscriber.FlowType is { } type ? new ParentRef(new FlowKey(type, subscriber.FlowId!), subscriber.Ask) : null;

    private static ErrorInfo Rejected(string code, string message) => new(ErrorKind.Rejected, code, nameof(RejectedException), message);

    private static ErrorInfo LimitError(TimeSpan limit)
        => new(ErrorKind.Cancelled, ErrorCodes.LimitReached, nameof(LimitReachedException), $"the wait for it reached its limit of {limit}");
}
