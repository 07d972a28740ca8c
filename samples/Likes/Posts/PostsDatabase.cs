using Microsoft.Data.Sqlite;

namespace Likes.Posts;

/// <summary>Posts and who likes them, in an SQLite file. It knows nothing of jobs: what it offers is a write that can come again, and one that takes it back.</summary>
public sealed class PostsDatabase : IDisposable
{
    private static readonly TimeSpan NeverMind = TimeSpan.FromSeconds(30);

    private readonly DatabaseFaults _faults;
    private readonly PostsFile _file;
    private int _calls;
    private int _writes;

    public PostsDatabase(string path, DatabaseFaults faults)
    {
        _faults = faults;
        _file = new PostsFile(path);
    }

    /// <summary>How many calls have come, with or without success.</summary>
    public int Calls => Volatile.Read(ref _calls);

    /// <summary>How many calls have changed a like.</summary>
    public int Writes => Volatile.Read(ref _writes);

    /// <summary>Puts a like where the user wants it, unless something that the user wanted later is there.</summary>
    /// <exception cref="PostGoneException">There is no such post.</exception>
    /// <exception cref="NotAllowedException">The user may not.</exception>
    public Task<LikeState> WriteAsync(LikeWrite write, CancellationToken cancellationToken) => WriteAsync(db =>
    {
        if (db.Scalar<long>("SELECT count(*) FROM post WHERE id = $1", write.Post) == 0)
        {
            throw new PostGoneException(write.Post);
        }

        if (_faults.Barred == write.User)
        {
            throw new NotAllowedException(write.User);
        }

        int changed = db.Execute("""
            INSERT INTO likes (user_id, post_id, liked, before, seq, operation)
            SELECT $1, $2, $3, 0, $4, $5 WHERE NOT EXISTS (SELECT 1 FROM cancelled WHERE operation = $5)
            ON CONFLICT (user_id, post_id) DO UPDATE SET before = liked, liked = excluded.liked, seq = excluded.seq, operation = excluded.operation
              WHERE excluded.seq > likes.seq
            """, write.User, write.Post, write.Liked, write.Seq, write.Operation);
        Interlocked.Add(ref _writes, changed);
        return new LikeState(
            db.Scalar<long>("SELECT count(*) FROM likes WHERE user_id = $1 AND post_id = $2 AND liked", write.User, write.Post) > 0,
            (int)db.Scalar<long>("SELECT count(*) FROM likes WHERE post_id = $1 AND liked", write.Post));
    }, cancellationToken);

    /// <summary>Takes back what an operation has written, if nothing came after it, and keeps it from writing later. As often as one likes.</summary>
    public Task TakeBackAsync(string user, string post, string operation, CancellationToken cancellationToken) => WriteAsync(db =>
    {
        db.Execute("INSERT OR IGNORE INTO cancelled (operation) VALUES ($1)", operation);
        int changed = db.Execute("UPDATE likes SET liked = before WHERE user_id = $1 AND post_id = $2 AND operation = $3 AND liked <> before", user, post, operation);
        Interlocked.Add(ref _writes, changed);
        return changed;
    }, cancellationToken);

    /// <summary>Deletes a post, with its likes.</summary>
    public Task DeleteAsync(string post, CancellationToken cancellationToken) => WriteAsync(db =>
    {
        db.Execute("DELETE FROM likes WHERE post_id = $1", post);
        return db.Execute("DELETE FROM post WHERE id = $1", post);
    }, cancellationToken);

    /// <summary>All posts, as a user sees them.</summary>
    public Task<IReadOnlyList<PostInfo>> ListAsync(string user, CancellationToken cancellationToken) => RunAsync<IReadOnlyList<PostInfo>>(db => db.Query("""
        SELECT p.id, p.text, count(l.user_id), count(l.user_id) FILTER (WHERE l.user_id = $1)
        FROM post p LEFT JOIN likes l ON l.post_id = p.id AND l.liked GROUP BY p.id ORDER BY p.id
        """, row => new PostInfo(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3) > 0), user), cancellationToken);

    public void Dispose() => _file.Dispose();

    private async Task<T> WriteAsync<T>(Func<SqliteConnection, T> work, CancellationToken cancellationToken)
    {
        T result = await RunAsync(work, cancellationToken);
        if (_faults.TakeLostAnswer())
        {
            await Task.Delay(NeverMind, cancellationToken);
            throw new TimeoutException("the posts' database did not answer");
        }

        return result;
    }

    private async Task<T> RunAsync<T>(Func<SqliteConnection, T> work, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        RefuseWhenDown();
        if (_faults.Delay > TimeSpan.Zero)
        {
            await Task.Delay(_faults.Delay, cancellationToken);
            RefuseWhenDown();
        }

        return await _file.RunAsync(work, cancellationToken);
    }

    private void RefuseWhenDown()
    {
        if (_faults.IsDown)
        {
            throw new DatabaseDownException();
        }
    }
}

/// <summary>What is to be written.</summary>
/// <param name="User">Who.</param>
/// <param name="Post">Which post.</param>
/// <param name="Seq">Larger for what the user wanted later.</param>
/// <param name="Liked">Whether the user likes it.</param>
/// <param name="Operation">The same for all attempts of one write.</param>
public sealed record LikeWrite(string User, string Post, long Seq, bool Liked, string Operation);

/// <summary>What there is after a write.</summary>
/// <param name="Liked">Whether the user likes the post.</param>
/// <param name="Count">How many do.</param>
public sealed record LikeState(bool Liked, int Count);

/// <summary>A post, as a user sees it.</summary>
public sealed record PostInfo(string Id, string Text, int Count, bool Liked);
