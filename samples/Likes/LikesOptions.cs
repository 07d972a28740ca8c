namespace Likes;

/// <summary>The times and limits of the endpoint with the broker.</summary>
public sealed record LikesOptions
{
    /// <summary>How long a caller waits for the posts' database.</summary>
    public TimeSpan Budget { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The longest delay before the second attempt; it doubles from one attempt to the next, and chance makes each anything from nothing to that.</summary>
    public TimeSpan RetryFirst { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest delay between two attempts.</summary>
    public TimeSpan RetryCap { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>After how long a like that could not be written is given up, and kept for a person to look at.</summary>
    public TimeSpan ExpireAfter { get; init; } = TimeSpan.FromHours(24);

    /// <summary>How many likes the database is given per second at most, at once and after an outage.</summary>
    public int WritesPerSecond { get; init; } = 500;

    /// <summary>How many attempts must have ended before half of them failing keeps the others away.</summary>
    public int BreakerAtLeast { get; init; } = 10;

    /// <summary>How long the database is left alone before one attempt asks whether it is back.</summary>
    public TimeSpan BreakerOpenFor { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The longest time that the database is left alone; each attempt that finds it down doubles it up to there.</summary>
    public TimeSpan BreakerOpenForMax { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long a caller waits for the job store, where nothing else can answer.</summary>
    public TimeSpan JobStoreWait { get; init; } = TimeSpan.FromSeconds(2);
}
