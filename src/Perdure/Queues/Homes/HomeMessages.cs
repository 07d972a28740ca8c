using Perdure.Engine;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Something that a queues' home is told. While the home recovers it waits.</summary>
internal abstract class HomeMessage : Message
{
    public override bool CanWait => true;

    protected Home Home => Shard.Home!;

    /// <summary>Whether it waits while the store is known to be down.</summary>
    protected virtual bool WaitsForStore => true;

    /// <summary>Whether there may be many in a row, for which the home need not be pumped one by one.</summary>
    protected virtual bool ComesInCrowds => false;

    public sealed override void Handle()
    {
        if (!WaitsForStore && Shard.Recovery.Down is { } reason)
        {
            Fail(reason);
        }
        else if (!Shard.Recovery.Holds(this))
        {
            DeliverAndPump(Home);
        }
    }

    protected abstract void Deliver();

    /// <summary>Delivers it, and sees to it that what it changed takes effect.</summary>
    private void DeliverAndPump(Home home)
    {
        if (!ComesInCrowds)
        {
            home.PumpWhatIsOwed(); // it finds the home as if each had been pumped for
            Deliver();
            home.Pump();
            return;
        }

        Deliver();
        if (home.Shard.Commits.HasOpen)
        {
            home.OwesPump = true; // until the batch is sealed: what it lets start could not leave before
        }
        else
        {
            home.Pump();
        }
    }
}

/// <summary>What a client asks of a home. Its answer leaves when what it is based on is durable.</summary>
internal abstract class HomeCall<TAnswer> : HomeMessage, IFreeEffect
{
    private readonly TaskCompletionSource<TAnswer> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TAnswer? _ready;
    private Exception? _error;

    public Task<TAnswer> Task => _answer.Task;

    /// <summary>Who asks, for an error.</summary>
    public abstract string What { get; }

    public virtual void Release()
    {
        if (_error is not null)
        {
            _answer.TrySetException(_error);
        }
        else
        {
            _answer.TrySetResult(_ready!);
        }
    }

    public virtual void Lost(PerdureException reason) => Fail(reason);

    public override void Fail(PerdureException reason) => TryFail(reason);

    /// <summary>Tells who asks that nobody can say; false if it has its answer.</summary>
    protected bool TryFail(PerdureException reason) => _answer.TrySetException(new StoreUnavailableException(What, reason));

    /// <summary>Nothing more can happen: a test learns it at once.</summary>
    public void GiveUp(Exception reason) => _answer.TrySetException(reason);

    /// <summary>Answers once all that was decided up to now is durable.</summary>
    public void AnswerThen(TAnswer answer)
    {
        _ready = answer;
        Shard.Commits.Then(this);
    }

    public void RefuseThen(Exception error)
    {
        _error = error;
        Shard.Commits.Then(this);
    }
}

/// <summary>Waits for a job's end, as one of its subscribers.</summary>
internal sealed class JobWaiter(string queue, long number, int subscriber, bool wantsFirstAttempt = false) : HomeMessage
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

    public void Ended(JobEnd? end) => _end.TrySetResult(end);

    public void LimitReached(TimeSpan limit) => _end.TrySetException(new LimitReachedException($"the wait for job {Id}", limit));

    public void NotFound() => _end.TrySetException(new JobNotFoundException(Id));

    /// <summary>Nothing more can happen: a test learns it at once.</summary>
    public void GiveUp(Exception reason) => _end.TrySetException(reason);

    public override void Fail(PerdureException reason) => HasFailed |= _end.TrySetException(new StoreUnavailableException($"job {Id}", reason));

    protected override void Deliver()
    {
        IsAwaited = true;
        Home.Waiters.Wait(this);
    }
}

/// <summary>A caller awaits the end of the job that it enqueued.</summary>
internal sealed class JobAwaited(JobWaiter waiter) : HomeMessage
{
    protected override void Deliver() => waiter.IsAwaited = true;
}

/// <summary>The client no longer waits.</summary>
internal sealed class StopJobWaiting(JobWaiter waiter) : HomeMessage
{
    protected override void Deliver() => Home.Waiters.Remove(waiter);
}

/// <summary>Attempts have led to something.</summary>
internal sealed class JobReported(long number, JobReport report) : HomeMessage
{
    public override void GoElsewhere() => Shard.Node.Jobs.Taken(number); // who has the home now runs it again

    protected override bool ComesInCrowds => true;

    protected override void Deliver() => Home.Outcomes.Take(number, report);
}

/// <summary>A subscriber leaves a job, or somebody cancels it for all.</summary>
internal sealed class CancelJob(long number, int? subscriber, string reason) : HomeCall<CancelAnswer>
{
    public override string What => $"cancelling job {number:x}";

    protected override void Deliver() => AnswerThen(Home.Subscriptions.Cancel(number, subscriber, reason));
}

/// <summary>The time has come to look at the home.</summary>
internal sealed class HomeDue : HomeMessage
{
    protected override void Deliver() => Home.Due();
}

/// <summary>A message came through the home's inbox.</summary>
internal sealed class HomeInboxArrived(InboxRow row) : HomeMessage
{
    public string Id => row.Id;

    protected override void Deliver()
    {
        if (Shard.Inbox.Take(row.Id))
        {
            switch (row.Kind)
            {
                case MessageKind.PublishEvent:
                    Home.Topics.Publish(row);
                    break;
                case MessageKind.AwaitEvent:
                    Home.Topics.Waits.Await(row);
                    break;
                case MessageKind.ReturnEvent:
                    Home.Topics.Waits.Returned(row);
                    break;
                default:
                    Home.Flows.Take(row);
                    break;
            }
        }
    }
}
