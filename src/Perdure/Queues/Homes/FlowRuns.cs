using System.Globalization;
using Perdure.Engine;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Flows that do jobs: started and cancelled as children are, and their end is the job's.</summary>
/// <remarks>
/// The batch that sends the flow its start notes in the job's row that it does the job. So after a crash such a job runs, and no second
/// flow is started; its end is in the home's inbox until it is taken.
/// </remarks>
internal sealed class FlowRuns(Home home)
{
    private static readonly TimeSpan PauseAfterRead = TimeSpan.FromSeconds(1);

    /// <summary>A job as flows see it: who started them, and who answers.</summary>
    public static FlowKey KeyOf(Job job) => new(Shard.HomeKey.Type + job.Queue, job.Number.ToString("x", CultureInfo.InvariantCulture));

    /// <summary>Starts the flow that does a job.</summary>
    public void Start(Job job, FlowHandler handler)
    {
        byte[]? payload = home.Registry.Find(job.Type) is { Merges: true } ? job.Payload : home.TakePayload(job);
        if (payload is not null)
        {
            Send(job, handler, payload);
        }
        else
        {
            long number = job.Number;
            home.Shard.Commits.Then(new ActionEffect(() => _ = ReadAsync(number, handler)));
        }
    }

    /// <summary>Nobody wants a job any more: its flow is cancelled, and says when it has ended.</summary>
    public void Cancel(Job job)
    {
        if (job.More is { Flow: { } flow } more)
        {
            FlowKey key = AskText.Child(flow);
            home.Shard.Send(new InboxRow(home.Node.ShardOf(key), InboxId.Of(job.Number, more.FlowRuns, 2), MessageKind.Cancel, key) { From = new ParentRef(KeyOf(job), more.FlowRuns) });
        }
    }

    /// <summary>A flow that did a job has ended, or could not start.</summary>
    public void Ended(InboxRow row)
    {
        if (!home.Queues.Knows(row.To.Type[Shard.HomeKey.Type.Length..]))
        {
            return; // it stays in the inbox until a process has the queue again
        }

        home.Shard.Inbox.Consume(row.Id);
        if (home.Find(long.Parse(row.To.Id, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)) is not { More: { Flow: not null } more } job || more.FlowRuns != row.From!.Ask)
        {
            return;
        }

        more.Flow = null;
        if (job.IsCancelling)
        {
            home.Outcomes.Cancelled(job); // whatever came of it: it was shown as cancelled
        }
        else if (row.Kind == MessageKind.ChildCompleted)
        {
            home.Outcomes.Completed(job, row.Payload!);
        }
        else
        {
            Failed(job, more, FlowJson.DeserializeError(row.Payload));
        }
    }

    /// <summary>What a flow failed of it has retried and undone itself: the job is not tried again.</summary>
    private void Failed(Job job, JobMore more, ErrorInfo error)
    {
        if (error.Kind == ErrorKind.Cancelled)
        {
            more.CancelReason = error.Message;
            home.Outcomes.Cancelled(job);
        }
        else
        {
            home.Outcomes.Failed(job, error.Kind == ErrorKind.Rejected ? error : error with { Kind = ErrorKind.Permanent });
        }
    }

    private void Send(Job job, FlowHandler handler, byte[] payload)
    {
        JobMore more = job.More ??= new JobMore();
        more.FlowRuns++;
        string id = more.FlowRuns == 1 ? job.ToString() : string.Create(CultureInfo.InvariantCulture, $"{job}.{more.FlowRuns}"); // a job that was put back is a new flow
        var key = new FlowKey(handler.FlowType, id);
        more.Flow = key.ToString();
        home.Write(job);
        home.Shard.Send(new InboxRow(home.Node.ShardOf(key), InboxId.Of(job.Number, more.FlowRuns, 1), MessageKind.StartChild, key)
        {
            From = new ParentRef(KeyOf(job), more.FlowRuns),
            Name = more.TraceParent,
            Payload = payload,
            Correlation = more.Correlation ?? job.ToString(),
        });
    }

    private async Task ReadAsync(long number, FlowHandler handler)
    {
        byte[]? payload = null;
        try
        {
            payload = (await home.Node.Store.ReadPayloadsAsync(home.Shard.Index, [number], CancellationToken.None))[0];
        }
        catch (Exception e)
        {
            home.Node.Log.ReadFailed(e);
        }

        home.Shard.Post(new PayloadRead(this, number, handler, payload));
    }

    private void Read(long number, FlowHandler handler, byte[]? payload)
    {
        if (home.Find(number) is not { Phase: JobPhase.Running, More: null or { Flow: null } } job)
        {
            return;
        }

        if (job.IsCancelling)
        {
            home.Outcomes.Cancelled(job);
        }
        else if (payload is not null)
        {
            Send(job, handler, payload);
        }
        else
        {
            DateTimeOffset now = home.Shard.Now();
            home.Starts.Ended(job, comesBack: true, Worker.DependencyOutcome.None);
            job.NotBefore = StoredTimes.Up(now, PauseAfterRead);
            home.Place(job, now);
        }
    }

    /// <summary>A job's payload was read, for the flow that does it.</summary>
    private sealed class PayloadRead(FlowRuns runs, long number, FlowHandler handler, byte[]? payload) : HomeMessage
    {
        protected override void Deliver() => runs.Read(number, handler, payload);
    }
}
