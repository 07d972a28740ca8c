using System.Net;
using Perdure;

namespace Likes.Tests;

/// <summary>A database that is slow, down, or silent: what the caller is told, and what there is afterwards.</summary>
public sealed class SlowOrDownTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(250);

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Without_the_broker_a_slow_database_is_a_slow_like_and_one_that_is_down_an_error()
    {
        await using LikesHost host = await LikesHost.StartAsync(_folder.Path);
        (await host.PostAsync("direct/likes", "ada", "1", 1)).Body.Count.ShouldBe(1);

        host.Database.Delay = TimeSpan.FromMilliseconds(500);
        Answer slow = await host.PostAsync("direct/likes", "bob", "1", 1);
        host.Database.IsDown = true;
        Answer down = await host.PostAsync("direct/likes", "cy", "1", 1);

        slow.Took.ShouldBeGreaterThanOrEqualTo(TimeSpan.FromMilliseconds(490));     // timers count whole milliseconds
        slow.Status.ShouldBe(HttpStatusCode.OK);
        down.Status.ShouldBe(HttpStatusCode.ServiceUnavailable);
    }

    [Fact]
    public async Task K1_a_quick_database_settles_a_like_at_once()
    {
        await using LikesHost host = await LikesHost.StartAsync(_folder.Path);
        host.Database.Delay = TimeSpan.FromMilliseconds(20);

        Answer answer = await host.LikeAsync("ada");

        answer.Status.ShouldBe(HttpStatusCode.OK);
        answer.Body.ShouldBe(new LikeAnswer(LikeAnswer.Settled, Liked: true) { Count = 1 });
        (await host.PostOfAsync("ada")).Count.ShouldBe(1);
        host.Posts.Writes.ShouldBe(1);
    }

    [Fact]
    public async Task K2_a_slow_database_is_left_at_the_deadline_and_asked_again_later()
    {
        await using LikesHost host = await LikesHost.StartAsync(_folder.Path, new LikesOptions());
        await host.PassAsync();
        host.Database.Delay = TimeSpan.FromSeconds(3);
        List<Answer> answers = [];
        foreach (string user in (string[])["ada", "bob", "cy", "dee", "eve"])
        {
            answers.Add(await host.LikeAsync(user));
        }

        answers.ShouldAllBe(a => a.Status == HttpStatusCode.Accepted && a.Body.Liked == true && a.Body.Operation != null);
        answers.Min(a => a.Took).ShouldBeLessThan(Soon);    // the least: what else the machine does is not the sample's
        string last = answers[^1].Body.Operation!;
        await Deadline.UntilAsync(async () => (await host.Perdure.Job(last).DescribeAsync()).Attempts == 1, "the attempt was cut off");
        JobInfo job = await host.Perdure.Job(last).DescribeAsync();
        (job.NotBefore!.Value - job.Errors[0].At).ShouldBeInRange(TimeSpan.Zero, TimeSpan.FromMilliseconds(1001));
        host.Posts.Writes.ShouldBe(1);                      // that of the one before it was slow

        host.Database.Delay = TimeSpan.Zero;
        foreach (Answer answer in answers)
        {
            await host.BecomesAsync(answer.Body.Operation!, LikeAnswer.Settled);
        }

        (await host.PostOfAsync("ada")).ShouldSatisfyAllConditions(p => p.Count.ShouldBe(5), p => p.Liked.ShouldBeTrue());
    }

    [Fact]
    public async Task K3_while_the_breaker_is_open_a_database_that_is_down_is_not_asked()
    {
        List<Answer> answers = [];
        await using (LikesHost host = await LikesHost.StartAsync(_folder.Path, LikesHost.Quick with { BreakerAtLeast = 3, BreakerOpenFor = TimeSpan.FromHours(1), BreakerOpenForMax = TimeSpan.FromHours(1) }))
        {
            host.Database.IsDown = true;
            foreach (int i in Enumerable.Range(0, 4))
            {
                answers.Add(await host.LikeAsync($"first-{i}"));    // three attempts, then none
            }

            int calls = host.Posts.Calls;
            foreach (int i in Enumerable.Range(0, 20))
            {
                answers.Add(await host.LikeAsync($"then-{i}"));
            }

            answers.ShouldAllBe(a => a.Status == HttpStatusCode.Accepted);
            answers.Min(a => a.Took).ShouldBeLessThan(Soon);
            host.Posts.Calls.ShouldBe(calls);
        }

        await using LikesHost next = await LikesHost.StartAsync(_folder.Path);
        foreach (Answer answer in answers)
        {
            await next.BecomesAsync(answer.Body.Operation!, LikeAnswer.Settled);
        }

        (await next.PostOfAsync("then-7")).Count.ShouldBe(24);
    }

    [Fact]
    public async Task K4_a_like_that_landed_though_its_answer_was_lost_is_counted_once()
    {
        await using LikesHost host = await LikesHost.StartAsync(_folder.Path);
        host.Database.LostAnswers = 1;

        Answer answer = await host.LikeAsync("ada");

        answer.Status.ShouldBe(HttpStatusCode.Accepted);
        await host.BecomesAsync(answer.Body.Operation!, LikeAnswer.Settled);
        (await host.PostOfAsync("ada")).Count.ShouldBe(1);
        host.Posts.Writes.ShouldBe(1);
        host.Posts.Calls.ShouldBe(3);   // the attempt, the next one, and the list
    }

    [Fact]
    public async Task K5_a_like_that_was_accepted_survives_the_process()
    {
        string operation;
        using (SampleProcess first = await SampleProcess.StartAsync(_folder.Path))
        {
            await first.ControlAsync(new Server.Control(IsDown: true));
            operation = await first.PendingAsync("ada");
            first.Kill();
        }

        using SampleProcess second = await SampleProcess.StartAsync(_folder.Path);

        await Deadline.UntilAsync(async () => await second.StateAsync(operation) == LikeAnswer.Settled, "the like has settled");
        (await second.GetAsync("posts?user=ada")).ShouldContain("\"count\":1,\"liked\":true");
        second.Kill();
    }

    [Fact]
    public async Task K9_while_the_job_store_is_down_likes_are_written_directly()
    {
        await using LikesHost host = await LikesHost.StartAsync(_folder.Path);
        host.Jobs.IsDown = true;

        List<Answer> answers = [await host.LikeAsync("ada"), await host.LikeAsync("bob"), await host.LikeAsync("cy")];

        answers.ShouldAllBe(a => a.Status == HttpStatusCode.OK && a.Body.State == LikeAnswer.Settled);
        (await host.PostOfAsync("ada")).Count.ShouldBe(3);
        (host.Jobs.IsDown, host.Database.IsDown) = (false, true);
        await Deadline.UntilAsync(async () => (await host.LikeAsync("dee")).Status == HttpStatusCode.Accepted, "the job store takes jobs again");
    }

    [Fact]
    public async Task K9_a_job_store_that_is_silent_is_waited_for_until_the_deadline()
    {
        await using LikesHost host = await LikesHost.StartAsync(_folder.Path);
        host.Jobs.IsSilent = true;

        Answer answer = await host.LikeAsync("ada");

        answer.Status.ShouldBe(HttpStatusCode.OK);
        (await host.PostOfAsync("ada")).Count.ShouldBe(1);
        int calls = host.Posts.Calls;
        host.Jobs.IsSilent = false;
        await Deadline.UntilAsync(() => Task.FromResult(host.Posts.Calls > calls), "the job, which became durable after all, has been done, too");
        await host.PassAsync();
        (await host.PostOfAsync("ada")).Count.ShouldBe(1);
        host.Posts.Writes.ShouldBe(2);      // ada's, once, and the other one's
    }

    [Fact]
    public async Task K10_with_both_down_nobody_claims_to_hold_the_like()
    {
        await using LikesHost host = await LikesHost.StartAsync(_folder.Path);
        (host.Jobs.IsDown, host.Database.IsDown) = (true, true);

        List<Answer> answers = [await host.LikeAsync("ada"), await host.LikeAsync("ada")];

        answers.ShouldAllBe(a => a.Status == HttpStatusCode.ServiceUnavailable && a.Body.Reason == "kept on your device" && a.Body.Operation == null);
        (host.Jobs.IsDown, host.Database.IsDown) = (false, false);
        await host.PassAsync();
        (await host.PostOfAsync("ada")).Liked.ShouldBeFalse();      // nothing was kept
        await host.LikeAsync("ada");                                // the device sends it again, under the same key
        await Deadline.UntilAsync(async () => await host.PostOfAsync("ada") is { Liked: true, Count: 1 }, "the like is there");
    }
}
