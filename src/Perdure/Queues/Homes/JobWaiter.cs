using Perdure.Cluster;
using Perdure.Engine;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Waits for a job's end, as one of its subscribers.</summary>
internal sealed class JobWaiter(string queue, long number, int subscriber, bool wantsFirstAttempt = false) : HomeAsk
{
    private readonly TaskCompletionSource<JobEnd?> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Number { get; set; } = number;

    public int Subscriber { get; set; } = subscriber;

    /// <summary>The job as people see it.</summary>
    public string Id => JobId.Text(queue, Number);

    /// <summary>Whether it no longer waits once the first attempt has failed, or was not made at once.</summary>
    public bool WantsFirstAttempt { get; } = wantsFirstAttempt;

    /// <summary>Whether a caller awaits it by now: one that comes with its job waits from the beginning, whether anybody asks or not.</summary>
    public bool IsAwaited { get; set; } = wantsFirstAttempt;

    /// <summary>Whether nobody could say: whoever still wants to know asks anew.</summary>
    public bool HasFailed { get; private set; }

    /// <summary>How it ended; null when it was to know of the first attempt only, and that led to no end.</summary>
    public Task<JobEnd?> Task => _end.Task;

    public override object Wait => this;

    protected override CallText Text => CallText.Of("wait", (queue, Number, Subscriber, WantsFirstAttempt));

    public void Ended(JobEnd? end) => _end.TrySetResult(end);

    /// <summary>Tells a client here.</summary>
    public void Tell(WaitAnswer answer)
    {
        if (answer.Limit is { } limit)
        {
            _end.TrySetException(new LimitReachedException($"the wait for job {Id}", limit));
        }
        else if (answer.IsMissing)
        {
            _end.TrySetException(new JobNotFoundException(Id));
        }
        else
        {
            Ended(answer.End);
        }
    }

    /// <summary>Tells a client on another node, in the open batch.</summary>
    public void Send(WaitAnswer answer) => Home.Calls.Answer(this, [], run => Outgoing.Answer(Call!, run, FlowJson.SerializeAnswer(answer)));

    /// <summary>Tells a client on another node that nobody can say.</summary>
    public void Refuse(PerdureException reason) => Home.Calls.Refuse(this, reason);

    public override void Answered(InboxRow answer)
    {
        if (answer.Kind == MessageKind.Answer)
        {
            Tell(FlowJson.DeserializeAnswer<WaitAnswer>(answer.Payload!));
        }
        else
        {
            Fail(Outgoing.RefusalOf(answer));
        }
    }

    /// <summary>Nothing more can happen: a test learns it at once.</summary>
    public void GiveUp(Exception reason) => _end.TrySetException(reason);

    public override void Fail(PerdureException reason) => HasFailed |= _end.TrySetException(new StoreUnavailableException($"job {Id}", reason));

    public override void Withdrawn() => Home.Waiters.Remove(this);

    protected override void Deliver()
    {
        IsAwaited = true;
        Home.Waiters.Wait(this);
    }
}

/// <summary>What one who waits for a job is told.</summary>
internal sealed record WaitAnswer
{
    /// <summary>How it ended; null when only the first attempt was to be known, and that led to no end.</summary>
    public JobEnd? End { get; init; }

    /// <summary>The limit of the wait, if that was reached.</summary>
    public TimeSpan? Limit { get; init; }

    /// <summary>Whether there is no such job, or nothing is kept of it.</summary>
    public bool IsMissing { get; init; }
}

/// <summary>A caller awaits the end of the job that it enqueued.</summary>
internal sealed class JobAwaited(JobWaiter waiter) : HomeMessage
{
    public override void GoElsewhere() => waiter.IsAwaited = true; // it goes there with all who wait

    protected override void Deliver() => waiter.IsAwaited = true;
}
