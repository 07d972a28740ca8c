using Likes.Posts;
using Perdure;

namespace Likes;

/// <summary>What a user wants of a post: to like it, or not to.</summary>
/// <param name="User">Who.</param>
/// <param name="Post">Which post.</param>
/// <param name="Seq">Larger for what the user wanted later. With user and post it is the key under which a client sends it again.</param>
/// <param name="Liked">True for like, false for unlike.</param>
public sealed record Like(string User, string Post, long Seq, bool Liked) : IJob<LikeState>
{
    public string Key => KeyOf(User, Post);

    public static string KeyOf(string user, string post) => $"{user}/{post}";

    /// <summary>What is left to do of a wish that waits and one that comes. A click turns the other way what there was, so two that differ undo each other.</summary>
    public static Like? Merge(Like waiting, Like added) => added.Seq <= waiting.Seq ? waiting : added.Liked == waiting.Liked ? added : null;
}

/// <summary>Writes a like. It may be attempted again, so the write carries the client's sequence number.</summary>
public sealed class LikeHandler(PostsDatabase posts) : IHandler<Like, LikeState>
{
    public Task<LikeState> HandleAsync(Like job, JobContext context)
        => posts.WriteAsync(new LikeWrite(job.User, job.Post, job.Seq, job.Liked, context.IdempotencyKey), context);
}

/// <summary>Takes back what a cancelled operation may have written.</summary>
/// <param name="User">Whose like.</param>
/// <param name="Post">Of which post.</param>
/// <param name="Operation">The operation.</param>
public sealed record TakeBack(string User, string Post, string Operation) : IJob;

/// <summary>Takes back what a cancelled operation may have written, and keeps it from writing later.</summary>
public sealed class TakeBackHandler(PostsDatabase posts) : IHandler<TakeBack>
{
    public Task HandleAsync(TakeBack job, JobContext context) => posts.TakeBackAsync(job.User, job.Post, job.Operation, context);
}
