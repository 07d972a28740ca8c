using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using Perdure.Client;
using Perdure.Queues;

namespace Perdure;

/// <summary>Acts on one job. Making one asks nothing; each call does.</summary>
public class JobHandle
{
    private protected JobHandle(JobCalls calls, string queue, long number, int? subscriber)
    {
        Calls = calls;
        Queue = queue;
        Number = number;
        Subscriber = subscriber;
    }

    /// <summary>The job's id; the same for all who joined it.</summary>
    public string Id => JobId.Text(Queue, Number);

    /// <summary>The queue.</summary>
    public string Queue { get; }

    /// <summary>What became of the enqueueing; <see cref="Enqueued.Added"/> for a handle on a job that was found.</summary>
    public Enqueued Enqueued { get; internal init; }

    internal long Number { get; }

    /// <summary>Which of the job's subscribers this is; null for a handle that acts on the job as a whole.</summary>
    internal int? Subscriber { get; }

    private protected JobCalls Calls { get; }

    internal static JobHandle Of(JobCalls calls, string queue, long number, int? subscriber, Enqueued enqueued = Enqueued.Added)
        => new(calls, queue, number, subscriber) { Enqueued = enqueued };

    /// <summary>Describes the job as it is now.</summary>
    /// <exception cref="JobNotFoundException">It has ended, and nothing is kept of it.</exception>
    public Task<JobInfo> DescribeAsync(CancellationToken cancellationToken = default) => Calls.DescribeAsync(Queue, Number, cancellationToken);

    /// <summary>Waits for the job's end, for as long as it takes.</summary>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="JobFailedException">It failed.</exception>
    /// <exception cref="JobCancelledException">It was cancelled.</exception>
    /// <exception cref="JobNotFoundException">It has ended, and its result is no longer kept.</exception>
    public Task DoneAsync(CancellationToken cancellationToken = default) => Calls.ResultAsync<NoResult>(Queue, Number, Subscriber, cancellationToken);

    /// <summary>
    /// Follows how far the job comes: how it is now, then each change, its end last. Who reads slowly sees the latest. All that is shown is durable.
    /// </summary>
    /// <exception cref="JobNotFoundException">It has ended, and nothing is kept of it.</exception>
    /// <exception cref="StoreUnavailableException">Nobody can say how it goes on; follow it again.</exception>
    public async IAsyncEnumerable<JobProgress> FollowAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        Engine.Shard home = Calls.Node.HomeShard;
        var follower = new JobFollower(Queue, Number);
        home.Post(follower);
        try
        {
            await foreach (JobProgress progress in follower.ReadAsync(cancellationToken))
            {
                yield return progress;
            }
        }
        finally
        {
            home.Post(new StopAsking(follower));
        }
    }

    /// <summary>
    /// Leaves the job: once the last of those who wanted it has left, it is cancelled. A job that waits goes at once; one that runs gets
    /// its token and is <see cref="JobStatus.Cancelling"/> until its worker has agreed. A handle that was found by its id cancels for all.
    /// </summary>
    /// <returns>Accepted, or AlreadyEnded. Leaving twice is as good as once.</returns>
    public Task<CancelAnswer> CancelAsync(string reason = "cancelled by a caller", CancellationToken cancellationToken = default)
        => Calls.CancelAsync(Number, Subscriber, reason, cancellationToken);
}

/// <summary>Acts on one job with a result.</summary>
/// <typeparam name="TResult">The result.</typeparam>
public sealed class JobHandle<TResult> : JobHandle
{
    private readonly JobWaiter? _waiter;

    internal JobHandle(JobCalls calls, string queue, long number, int? subscriber, JobWaiter? waiter = null)
        : base(calls, queue, number, subscriber)
    {
        _waiter = waiter;
    }

    /// <summary>Waits for the job's result, for as long as it takes.</summary>
    /// <param name="cancellationToken">Stops waiting; it withdraws nothing.</param>
    /// <exception cref="RejectedException">It was rejected.</exception>
    /// <exception cref="JobFailedException">It failed.</exception>
    /// <exception cref="JobCancelledException">It was cancelled.</exception>
    /// <exception cref="JobNotFoundException">It has ended, and its result is no longer kept.</exception>
    public Task<TResult> ResultAsync(CancellationToken cancellationToken = default)
        => _waiter is { HasFailed: false } waiter ? Calls.ResultOfAsync<TResult>(Queue, waiter, cancellationToken) : Calls.ResultAsync<TResult>(Queue, Number, Subscriber, cancellationToken);
}

/// <summary>What became of a job that was enqueued.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Enqueued>))]
public enum Enqueued
{
    /// <summary>It came.</summary>
    Added = 0,

    /// <summary>One with the same dedup key was there, and the caller has joined it.</summary>
    Joined = 1,

    /// <summary>One with the same dedup key was there, so this one was dropped; the handle is the other's.</summary>
    Ignored = 2,

    /// <summary>It took the place of one that waited.</summary>
    Replaced = 3,

    /// <summary>It and the one that waited came to nothing together; the handle is the other's, which has ended.</summary>
    Dropped = 4,
}
