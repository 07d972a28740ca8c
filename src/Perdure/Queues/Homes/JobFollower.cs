using System.Threading.Channels;
using Perdure.Cluster;
using Perdure.Engine;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Follows one job. From another node it asks for each change.</summary>
internal sealed class JobFollower(string queue, long number) : HomeAsk
{
    private readonly Channel<JobProgress> _shown = Channel.CreateBounded<JobProgress>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest });

    public long Number => number;

    /// <summary>What it was shown last from another node; null for nothing.</summary>
    public JobProgress? Seen { get; set; }

    public override object Wait => this;

    protected override CallText Text => CallText.Of("follow", (queue, number, Seen));

    public IAsyncEnumerable<JobProgress> ReadAsync(CancellationToken cancellationToken) => _shown.Reader.ReadAllAsync(cancellationToken);

    public void Show(JobProgress progress) => _shown.Writer.TryWrite(progress);

    public void End(JobProgress end)
    {
        _shown.Writer.TryWrite(end);
        _shown.Writer.TryComplete();
    }

    /// <summary>Tells a client here how a job has ended; null for one of which nothing is kept.</summary>
    public void Tell(JobProgress? end)
    {
        if (end is null)
        {
            _shown.Writer.TryComplete(new JobNotFoundException(JobId.Text(queue, number)));
        }
        else
        {
            End(end);
        }
    }

    /// <summary>Shows a client on another node how far the job has come, in the open batch; null for one of which nothing is kept.</summary>
    public void Send(JobProgress? progress) => Home.Calls.Answer(this, [], run => Outgoing.Answer(Call!, run, FlowJson.SerializeAnswer(progress)));

    /// <summary>Tells a client on another node that nobody can say.</summary>
    public void Refuse(PerdureException reason) => Home.Calls.Refuse(this, reason);

    public override void Answered(InboxRow answer)
    {
        if (answer.Kind == MessageKind.Refusal)
        {
            Fail(Outgoing.RefusalOf(answer));
        }
        else if (FlowJson.DeserializeAnswer<JobProgress?>(answer.Payload!) is { Status: < JobStatus.Completed } progress)
        {
            Show(Seen = progress);
            if (!HasLeft)
            {
                Shard.Post(this);
            }
        }
        else
        {
            Tell(FlowJson.DeserializeAnswer<JobProgress?>(answer.Payload!));
        }
    }

    /// <summary>Nothing more can happen: a test learns it at once.</summary>
    public void GiveUp(Exception reason) => _shown.Writer.TryComplete(reason);

    public override void Fail(PerdureException reason) => _shown.Writer.TryComplete(new StoreUnavailableException($"job {JobId.Text(queue, number)}", reason));

    public override void Withdrawn() => Home.Followers.Remove(this);

    protected override void Deliver() => Home.Followers.Add(this);
}

/// <summary>The end of a job that a client on another node follows was read.</summary>
internal sealed class FollowedEndRead(JobFollower follower, JobProgress? end, PerdureException? error) : HomeMessage
{
    protected override void Deliver()
    {
        if (error is null)
        {
            follower.Send(end);
        }
        else
        {
            follower.Refuse(error);
        }
    }
}
