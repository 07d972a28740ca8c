using Perdure.Client;
using Perdure.Cluster;
using Perdure.Diagnostics;
using Perdure.Serialization;
using Perdure.Storage;

namespace Perdure.Queues;

/// <summary>Jobs that a client wants, all or none of them.</summary>
internal interface IEnqueue
{
    IReadOnlyList<NewJob> Jobs { get; }

    /// <summary>Waits for the end of the one job, from its beginning on; null if nobody does.</summary>
    JobWaiter? Waiter { get; }

    /// <summary>What whoever gives up is told while the jobs wait for room; null while they do not. From any thread.</summary>
    PerdureException? Full { get; set; }

    /// <summary>Takes it, so that it can no longer be withdrawn; false if it was.</summary>
    bool TrySettle();

    /// <summary>Whether it was taken or withdrawn.</summary>
    bool IsSettled { get; }

    /// <summary>Says what became of each job, once that is durable.</summary>
    void AcceptThen(Receipt[] receipts);

    void RefuseThen(PerdureException error);

    /// <summary>The call of a client on another node that it came as; null for a client here.</summary>
    InboxRow? Call { get; }

    void Fail(PerdureException reason);
}

/// <summary>Asks a home to take jobs.</summary>
internal abstract class EnqueueCall<TAnswer>(IReadOnlyList<NewJob> jobs, JobWaiter? waiter) : HomeCall<TAnswer>, IEnqueue
{
    private const int Waits = 0;
    private const int Settled = 1;
    private int _state;
    private IReadOnlyList<long> _took = [];

    public IReadOnlyList<NewJob> Jobs => jobs;

    public JobWaiter? Waiter => waiter;

    public PerdureException? Full
    {
        get => Volatile.Read(ref field);
        set => Volatile.Write(ref field, value);
    }

    public override string What => $"enqueueing {(jobs.Count == 1 ? $"job {jobs[0].Type.Name}" : $"{jobs.Count} jobs")}";

    protected override bool WaitsForStore => jobs[0].Now is null;

    protected override bool ComesInCrowds => true;

    public sealed override object Wait => this;

    protected override CallText Text => new("enqueue", HomeCallText.Write(jobs));

    protected override IReadOnlyList<long> Took => _took;

    public void AcceptThen(Receipt[] receipts)
    {
        _took = Call is null ? [] : [.. receipts.Select(r => r.Number).Distinct()];
        AnswerThen(AnswerOf(receipts, waiter));
    }

    public override void Fail(PerdureException reason)
    {
        base.Fail(reason);
        waiter?.Fail(reason);
    }

    /// <summary>Whoever asked has given up: if the home has not taken the jobs yet, it does not. From any thread.</summary>
    /// <returns>Whether it had not.</returns>
    public bool Withdraw() => Interlocked.Exchange(ref _state, Settled) == Waits;

    /// <summary>The budget of whoever asked is over. From any thread.</summary>
    public void GiveUp()
    {
        if (Withdraw() && Full is { } full)
        {
            GiveUp(full);
            waiter?.GiveUp(full);
            return;
        }

        var reason = new StoreException(ErrorCodes.StoreFailed, "the job store did not take it within the budget");
        if (TryFail(reason)) // an answer that came together with it counts
        {
            waiter?.Fail(reason);
        }
    }

    public bool IsSettled => Volatile.Read(ref _state) == Settled;

    public bool TrySettle() => Interlocked.CompareExchange(ref _state, Settled, Waits) == Waits;

    public override void Withdrawn() => Withdraw();

    protected override void Deliver() => Home.Intake.Take(this);

    /// <summary>What the caller gets.</summary>
    /// <param name="receipts">What became of each job.</param>
    /// <param name="waiter">Who waits for the one job's end from its beginning on; null if nobody does.</param>
    protected abstract TAnswer AnswerOf(Receipt[] receipts, JobWaiter? waiter);

    protected sealed override TAnswer AnswerIn(byte[] json)
    {
        Receipt[] receipts = FlowJson.DeserializeAnswer<Receipt[]>(json);
        if (waiter is { WantsFirstAttempt: true })
        {
            (waiter.Number, waiter.Subscriber) = (receipts[0].Number, receipts[0].Subscriber);
            Shard.Post(waiter);
        }

        return AnswerOf(receipts, waiter: null); // who wants to know the end asks then
    }
}

/// <summary>Jobs whose caller makes something of the receipts.</summary>
internal sealed class EnqueueJobs(IReadOnlyList<NewJob> jobs, JobWaiter? waiter) : EnqueueCall<Receipt[]>(jobs, waiter)
{
    protected override Receipt[] AnswerOf(Receipt[] receipts, JobWaiter? waiter) => receipts;
}

/// <summary>One job without a result. The answer is what its caller gets, so that nothing stands between the two.</summary>
internal sealed class EnqueueJob(JobCalls calls, NewJob job) : EnqueueCall<JobHandle>([job], waiter: null)
{
    protected override JobHandle AnswerOf(Receipt[] receipts, JobWaiter? waiter) => JobHandle.Of(calls, job.Queue, receipts[0].Number, receipts[0].Subscriber, (Enqueued)receipts[0].Kind);
}

/// <summary>One job with a result.</summary>
internal sealed class EnqueueJob<TResult>(JobCalls calls, NewJob job, JobWaiter waiter) : EnqueueCall<JobHandle<TResult>>([job], waiter)
{
    protected override JobHandle<TResult> AnswerOf(Receipt[] receipts, JobWaiter? waiter)
        => new(calls, job.Queue, receipts[0].Number, receipts[0].Subscriber, waiter) { Enqueued = (Enqueued)receipts[0].Kind };
}
