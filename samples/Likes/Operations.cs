using Likes.Posts;
using Microsoft.Data.Sqlite;
using Perdure;

namespace Likes;

/// <summary>Likes through the broker, each an operation that can be asked for and cancelled.</summary>
public sealed class Operations(PerdureClient perdure, LikesOptions options)
{
    /// <summary>Writes a like now if that takes no longer than the budget, and otherwise later.</summary>
    public async Task<LikeAnswer> LikeAsync(Like like, CancellationToken cancellationToken)
    {
        try
        {
            NowOrLater<LikeState> answer = await perdure.TryNowAsync(like, options.Budget, whenStoreDown: WhenStoreDown.RunUnrecorded, cancellationToken: cancellationToken);
            return answer switch
            {
                { IsDone: true, Result: { } state } => new LikeAnswer(LikeAnswer.Settled, state.Liked) { Count = state.Count },
                { IsRejected: true } => new LikeAnswer(LikeAnswer.Rejected, !like.Liked) { Reason = answer.Rejection },
                _ => new LikeAnswer(LikeAnswer.Pending, like.Liked) { Operation = answer.Job!.Id },
            };
        }
        catch (Exception e) when (IsUnavailable(e) && !cancellationToken.IsCancellationRequested)
        {
            return new LikeAnswer(LikeAnswer.Unavailable, like.Liked) { Reason = "kept on your device" };   // nobody here holds it
        }
    }

    /// <summary>Says where an operation stands.</summary>
    /// <exception cref="JobNotFoundException">It is not known, or no longer.</exception>
    public async Task<LikeAnswer> FindAsync(string operation, CancellationToken cancellationToken)
    {
        JobInfo job = await DescribeAsync(operation, cancellationToken);
        string state = job switch
        {
            { Status: JobStatus.Completed } => LikeAnswer.Settled,
            { Status: JobStatus.Failed, Error.Kind: ErrorKind.Rejected } => LikeAnswer.Rejected,
            { Status: JobStatus.Failed } => LikeAnswer.Expired,
            { Status: JobStatus.Cancelled, Error.Type: "Merged" } => LikeAnswer.Settled,    // with an unlike, before anything was written
            { Status: JobStatus.Cancelled or JobStatus.Cancelling } => LikeAnswer.Cancelled,
            _ => LikeAnswer.Pending,
        };
        return new LikeAnswer(state) { Operation = operation, Reason = job.Error?.Message };
    }

    /// <summary>Cancels an operation, and takes back what it may have written.</summary>
    /// <returns>False if it has settled.</returns>
    /// <remarks>A caller who gets no answer asks again: what was cancelled stays so, and is taken back once.</remarks>
    public async Task<bool> CancelAsync(string operation, CancellationToken cancellationToken)
    {
        JobInfo job = await DescribeAsync(operation, cancellationToken);
        await perdure.Job(operation).CancelAsync(cancellationToken: cancellationToken);
        if ((await DescribeAsync(operation, cancellationToken)).Status is not (JobStatus.Cancelled or JobStatus.Cancelling))
        {
            return false;
        }

        // An attempt that was cut off may have landed, or may land yet.
        string[] key = job.Key!.Split('/');
        await perdure.EnqueueAsync(new TakeBack(key[0], key[1], operation), cancellationToken: cancellationToken);
        return true;
    }

    private Task<JobInfo> DescribeAsync(string operation, CancellationToken cancellationToken) => perdure.Job(operation).DescribeAsync(cancellationToken);

    private static bool IsUnavailable(Exception e) => e is DatabaseDownException or SqliteException or TimeoutException or OperationCanceledException or PerdureException;
}

/// <summary>What a caller is told of a like.</summary>
/// <param name="State">Where it stands.</param>
/// <param name="Liked">Whether the user likes the post, as far as the user is concerned; null where that is not asked.</param>
public sealed record LikeAnswer(string State, bool? Liked = null)
{
    public const string Settled = "settled";
    public const string Pending = "pending";
    public const string Rejected = "rejected";
    public const string Cancelled = "cancelled";
    public const string Expired = "expired";
    public const string Unavailable = "unavailable";

    /// <summary>How many like the post, where it is settled.</summary>
    public int? Count { get; init; }

    /// <summary>The operation, where it is pending.</summary>
    public string? Operation { get; init; }

    /// <summary>Why it did not come to pass.</summary>
    public string? Reason { get; init; }
}
