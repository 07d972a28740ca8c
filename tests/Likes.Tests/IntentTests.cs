using System.Net;
using Perdure;

namespace Likes.Tests;

/// <summary>What a user wants, wants again, wants no more, or may not want.</summary>
public sealed class IntentTests : IAsyncLifetime, IDisposable
{
    private readonly TestFolder _folder = new();
    private LikesHost _host = null!;

    public async Task InitializeAsync() => _host = await LikesHost.StartAsync(_folder.Path);

    public async Task DisposeAsync() => await _host.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task K6_the_same_click_twice_is_one_job_and_one_answer()
    {
        _host.Database.Delay = TimeSpan.FromSeconds(3);
        Answer[] together = await Task.WhenAll(_host.LikeAsync("ada"), _host.LikeAsync("ada"));
        Answer again = await _host.LikeAsync("ada");

        Answer[] answers = [.. together, again];
        answers.ShouldAllBe(a => a.Status == HttpStatusCode.Accepted);
        string operation = answers.Select(a => a.Body.Operation!).Distinct().ShouldHaveSingleItem();
        _host.Database.Delay = TimeSpan.Zero;
        await _host.BecomesAsync(operation, LikeAnswer.Settled);
        (await _host.LikeAsync("ada")).Body.ShouldBe(new LikeAnswer(LikeAnswer.Settled, Liked: true) { Count = 1 });
        _host.Posts.Writes.ShouldBe(1);
    }

    [Fact]
    public async Task K7_a_like_and_an_unlike_of_which_nothing_was_written_write_nothing()
    {
        string operation = await _host.PendingAsync("ada");
        QueueHandle queue = _host.Perdure.Queue("likes");
        await queue.PauseAsync();   // its next attempt may come at once, and an unlike that meets it comes behind it
        await Deadline.UntilAsync(async () => (await _host.Perdure.Job(operation).DescribeAsync()).Status == JobStatus.Waiting, "the like waits");

        Answer unlike = await _host.UnlikeAsync("ada");

        await queue.ResumeAsync();
        unlike.Status.ShouldBe(HttpStatusCode.Accepted);
        unlike.Body.Liked.ShouldBe(false);
        unlike.Body.Operation.ShouldBe(operation);
        (await _host.OperationAsync(operation)).State.ShouldBe(LikeAnswer.Settled);
        _host.Database.IsDown = false;
        await _host.PassAsync();
        _host.Posts.Writes.ShouldBe(1);     // the other one's
        (await _host.PostOfAsync("ada")).Count.ShouldBe(0);
    }

    [Fact]
    public async Task K7_an_unlike_after_a_like_that_may_have_landed_is_written()
    {
        _host.Database.LostAnswers = 1;
        Answer like = await _host.LikeAsync("ada");
        _host.Database.IsDown = true;
        Answer unlike = await _host.UnlikeAsync("ada");

        like.Status.ShouldBe(HttpStatusCode.Accepted);
        unlike.Status.ShouldBe(HttpStatusCode.Accepted);
        _host.Database.IsDown = false;
        await _host.BecomesAsync(like.Body.Operation!, LikeAnswer.Settled);
        await _host.BecomesAsync(unlike.Body.Operation!, LikeAnswer.Settled);
        PostBecomes(await _host.PostOfAsync("ada"), liked: false, count: 0);
    }

    [Fact]
    public async Task K7_what_the_client_wanted_later_wins_though_it_came_first()
    {
        _host.Database.IsDown = true;
        Answer unlike = await _host.UnlikeAsync("ada", seq: 5);
        Answer like = await _host.LikeAsync("ada", seq: 4);

        like.Body.Operation.ShouldBe(unlike.Body.Operation);
        _host.Database.IsDown = false;
        await _host.BecomesAsync(unlike.Body.Operation!, LikeAnswer.Settled);
        PostBecomes(await _host.PostOfAsync("ada"), liked: false, count: 0);
    }

    [Fact]
    public async Task K8_a_like_that_waits_is_gone_when_it_is_cancelled()
    {
        string operation = await _host.PendingAsync("ada");

        (await _host.CancelAsync(operation)).ShouldBe(HttpStatusCode.OK);
        (await _host.CancelAsync(operation)).ShouldBe(HttpStatusCode.OK);   // its answer may have been lost

        (await _host.OperationAsync(operation)).State.ShouldBe(LikeAnswer.Cancelled);
        _host.Database.IsDown = false;
        await _host.PassAsync();
        _host.Posts.Writes.ShouldBe(1);     // the other one's
    }

    [Fact]
    public async Task K8_a_like_in_flight_is_aborted_and_taken_back_if_it_landed()
    {
        string operation = await _host.PendingAsync("ada");
        (_host.Database.LostAnswers, _host.Database.IsDown) = (1, false);
        await Deadline.UntilAsync(async () => (await _host.PostOfAsync("ada")).Liked, "the like has landed, and its attempt still waits for the answer");

        (await _host.CancelAsync(operation)).ShouldBe(HttpStatusCode.OK);

        await Deadline.UntilAsync(async () => await _host.PostOfAsync("ada") is { Liked: false, Count: 0 }, "it is taken back");
        await _host.BecomesAsync(operation, LikeAnswer.Cancelled);
    }

    [Fact]
    public async Task K8_a_like_that_has_settled_cannot_be_cancelled_but_unliked()
    {
        string operation = await _host.PendingAsync("ada");
        _host.Database.IsDown = false;
        await _host.BecomesAsync(operation, LikeAnswer.Settled);

        (await _host.CancelAsync(operation)).ShouldBe(HttpStatusCode.Conflict);
        PostBecomes(await _host.PostOfAsync("ada"), liked: true, count: 1);
        await _host.UnlikeAsync("ada");
        await Deadline.UntilAsync(async () => await _host.PostOfAsync("ada") is { Liked: false, Count: 0 }, "it is unliked");
    }

    [Fact]
    public async Task K12_a_like_that_can_never_be_is_refused_and_not_tried_again()
    {
        using (HttpResponseMessage deleted = await _host.Http.DeleteAsync("posts/2"))
        {
            deleted.EnsureSuccessStatusCode();
        }

        Answer gone = await _host.LikeAsync("ada", post: "2");
        string operation = await _host.PendingAsync("bob");
        (_host.Database.Barred, _host.Database.IsDown) = ("bob", false);
        await _host.BecomesAsync(operation, LikeAnswer.Rejected);

        gone.Status.ShouldBe(HttpStatusCode.Conflict);
        gone.Body.Reason.ShouldBe("post 2 is gone");
        (await _host.OperationAsync(operation)).Reason.ShouldBe("bob may not like posts");
        _host.Database.Barred = null;
        await _host.PassAsync();
        (await _host.PostOfAsync("bob")).Liked.ShouldBeFalse();
    }

    [Fact]
    public async Task What_is_no_like_and_what_is_not_known_is_refused()
    {
        (await _host.LikeAsync("a/b")).Status.ShouldBe(HttpStatusCode.BadRequest);
        (await _host.LikeAsync("ada", seq: 0)).Status.ShouldBe(HttpStatusCode.BadRequest);
        using HttpResponseMessage unknown = await _host.Http.GetAsync("operations/likes-123");
        unknown.StatusCode.ShouldBe(HttpStatusCode.NotFound);
        using HttpResponseMessage noId = await _host.Http.GetAsync("operations/nope");
        noId.StatusCode.ShouldBe(HttpStatusCode.NotFound);
    }

    private static void PostBecomes(Posts.PostInfo post, bool liked, int count) => (post.Liked, post.Count).ShouldBe((liked, count));
}
