using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.Data.Sqlite;
using Xunit.Abstractions;

namespace Likes.Tests;

/// <summary>K13: many likes while the database is down.</summary>
public sealed class OutageTests(ITestOutputHelper output) : IDisposable
{
    private const int Users = 2_500;
    private const int PerSecond = 500;
    private const int DrainPerSecond = 1_000;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task K13_thousands_of_likes_in_an_outage_are_answered_in_time_and_drained_at_a_bounded_rate()
    {
        var options = new LikesOptions { WritesPerSecond = DrainPerSecond, BreakerOpenFor = TimeSpan.FromMilliseconds(500), BreakerOpenForMax = TimeSpan.FromSeconds(1), RetryFirst = TimeSpan.FromMilliseconds(200), RetryCap = TimeSpan.FromSeconds(1) };
        await using LikesHost host = await LikesHost.StartAsync(_folder.Path, options);
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => host.LikeAsync($"early-{i}", "2")));

        // Everybody likes; then every fifth unlikes, and of these every other one likes again.
        (string User, bool Liked, long Seq)[] clicks =
        [
            .. Enumerable.Range(0, Users).Select(i => (Name(i), true, 1L)),
            .. Enumerable.Range(0, Users / 5).Select(i => (Name(i * 5), false, 2L)),
            .. Enumerable.Range(0, Users / 10).Select(i => (Name(i * 10), true, 3L)),
        ];
        host.Database.IsDown = true;
        ConcurrentBag<Answer> answers = await SendAsync(host, clicks);

        // On a busy machine a disk may take longer than the budget: then the server says so, and the page sends the click again.
        answers.Count(a => a.Status == HttpStatusCode.Accepted).ShouldBe(clicks.Length);
        answers.ShouldAllBe(a => a.Status == HttpStatusCode.Accepted || a.Status == HttpStatusCode.ServiceUnavailable);
        TimeSpan[] times = [.. answers.Select(a => a.Took).Order()];
        TimeSpan p99 = times[times.Length * 99 / 100];
        output.WriteLine($"{times.Length} likes while the database was down: p50 {times[times.Length / 2].TotalMilliseconds:0.0} ms, p99 {p99.TotalMilliseconds:0.0} ms, worst {times[^1].TotalMilliseconds:0.0} ms");
        p99.ShouldBeLessThan(TimeSpan.FromMilliseconds(250));

        int before = host.Posts.Writes;
        long recovered = Stopwatch.GetTimestamp();
        host.Database.IsDown = false;
        int rows = clicks.Count(c => c.Seq == 1) - (Users / 5) + (Users / 10);
        await Deadline.UntilAsync(() => Task.FromResult(Rows("liked") == rows), $"{rows} likes are written");
        TimeSpan drained = Stopwatch.GetElapsedTime(recovered);
        int writes = host.Posts.Writes - before;
        output.WriteLine($"{writes} writes in {drained.TotalSeconds:0.0} s");
        writes.ShouldBeInRange(rows, Users);
        drained.ShouldBeGreaterThan(TimeSpan.FromSeconds((rows - (DrainPerSecond / 10d)) / DrainPerSecond) * 0.95);     // never faster than the queue lets them

        Rows("true").ShouldBeInRange(rows, Users);      // one row each; where like and unlike met before anything was written, none
        Rows("liked AND user_id LIKE 'user-%5' AND seq < 3").ShouldBe(0);
        Rows("liked AND seq = 2").ShouldBe(0);          // what each key was told last is what there is
        (await host.PostOfAsync(Name(10))).Liked.ShouldBeTrue();
        (await host.PostOfAsync(Name(5))).Liked.ShouldBeFalse();
    }

    [Fact]
    public async Task K13_a_like_that_cannot_be_written_for_too_long_is_given_up_and_kept_for_a_person()
    {
        await using LikesHost host = await LikesHost.StartAsync(_folder.Path, LikesHost.Quick with { ExpireAfter = TimeSpan.FromMilliseconds(300) });

        string operation = await host.PendingAsync("ada");

        await host.BecomesAsync(operation, LikeAnswer.Expired);
        (await host.OperationAsync(operation)).Reason.ShouldNotBeNull().ShouldContain("not done within");
        host.Database.IsDown = false;
        await Deadline.UntilAsync(async () => (await host.LikeAsync("somebody-else", "5")).Status == HttpStatusCode.OK, "the database is asked again");
        (await host.PostOfAsync("ada")).Liked.ShouldBeFalse();
    }

    /// <summary>Sends clicks at a bounded rate. Those of one user are far apart, so each comes after the one before.</summary>
    private static async Task<ConcurrentBag<Answer>> SendAsync(LikesHost host, (string User, bool Liked, long Seq)[] clicks)
    {
        ConcurrentBag<Answer> answers = [];
        List<Task> sent = [];
        long began = Stopwatch.GetTimestamp();
        using var tick = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        while (sent.Count < clicks.Length)
        {
            await tick.WaitForNextTickAsync();
            int due = Math.Min(clicks.Length, (int)(Stopwatch.GetElapsedTime(began).TotalSeconds * PerSecond));
            sent.AddRange(clicks[sent.Count..Math.Max(sent.Count, due)].Select(SendOneAsync));
        }

        await Task.WhenAll(sent);
        return answers;

        async Task SendOneAsync((string User, bool Liked, long Seq) click)
        {
            Answer answer;
            do
            {
                answer = await host.PostAsync(click.Liked ? "likes" : "unlikes", click.User, "1", click.Seq);
                answers.Add(answer);
            }
            while (answer.Status == HttpStatusCode.ServiceUnavailable);
        }
    }

    private static string Name(int i) => $"user-{i}";

    private long Rows(string where)
    {
        using var db = new SqliteConnection($"Data Source={Path.Combine(_folder.Path, "posts.db")};Mode=ReadOnly;Pooling=False");
        db.Open();
        using SqliteCommand command = db.CreateCommand();
        command.CommandText = $"SELECT count(*) FROM likes WHERE post_id = '1' AND {where}";
        return (long)command.ExecuteScalar()!;
    }
}
