namespace Likes.Posts;

/// <summary>What goes wrong with the posts' database; nothing at first.</summary>
public sealed class DatabaseFaults
{
    private int _lostAnswers;

    /// <summary>How long each call takes longer.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Whether all calls are refused.</summary>
    public bool IsDown { get; set; }

    /// <summary>Who may like nothing.</summary>
    public string? Barred { get; set; }

    /// <summary>How many of the next writes are committed without their callers ever hearing of it.</summary>
    public int LostAnswers
    {
        get => Volatile.Read(ref _lostAnswers);
        set => Volatile.Write(ref _lostAnswers, value);
    }

    public bool TakeLostAnswer()
    {
        int left = LostAnswers;
        return left > 0 && Interlocked.CompareExchange(ref _lostAnswers, left - 1, left) == left;
    }
}

/// <summary>The database refuses connections.</summary>
public sealed class DatabaseDownException() : IOException("the posts' database refuses connections");

/// <summary>The post was deleted, or never was.</summary>
public sealed class PostGoneException(string post) : Exception($"post {post} is gone");

/// <summary>The user may not like anything.</summary>
public sealed class NotAllowedException(string user) : Exception($"{user} may not like posts");
