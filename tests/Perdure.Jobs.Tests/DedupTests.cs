using Perdure.Testing;

namespace Perdure.Jobs.Tests;

/// <summary>Jobs that are one and the same, and those who want them.</summary>
public sealed class DedupTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task Callers_of_the_same_job_get_the_same_answer()
    {
        await using Workshop shop = await SlowAsync(Dedup.Join);

        JobHandle<string> first = await shop.Perdure.EnqueueAsync(new Request("a"));
        JobHandle<string> second = await shop.Perdure.EnqueueAsync(new Request("a"));

        second.Enqueued.ShouldBe(Enqueued.Joined);
        second.Id.ShouldBe(first.Id);
        (await first.ResultAsync()).ShouldBe("a");
        (await second.ResultAsync()).ShouldBe("a");
        shop.Log.ShouldBe(["a"]);
        (await shop.Perdure.EnqueueAsync(new Request("a"))).Enqueued.ShouldBe(Enqueued.Added); // after its end a new one is made
    }

    [Fact]
    public async Task Who_comes_after_a_start_can_ask_for_a_job_of_its_own()
    {
        await using Workshop shop = await SlowAsync(Dedup.JoinUntilStarted);

        JobHandle<string> first = await shop.Perdure.EnqueueAsync(new Request("a"));
        JobHandle<string> second = await shop.Perdure.EnqueueAsync(new Request("a"));
        JobHandle<string> third = await shop.Perdure.EnqueueAsync(new Request("a"));

        second.Enqueued.ShouldBe(Enqueued.Added);
        third.Enqueued.ShouldBe(Enqueued.Joined);
        third.Id.ShouldBe(second.Id);
        await Task.WhenAll(first.ResultAsync(), second.ResultAsync(), third.ResultAsync());
        shop.Log.ShouldBe(["a", "a"]);
    }

    [Fact]
    public async Task The_same_job_is_dropped_while_one_is_there()
    {
        await using Workshop shop = await SlowAsync(Dedup.Ignore);

        JobHandle<string> first = await shop.Perdure.EnqueueAsync(new Request("a"));
        JobHandle<string> second = await shop.Perdure.EnqueueAsync(new Request("a"));

        second.Enqueued.ShouldBe(Enqueued.Ignored);
        (await second.ResultAsync()).ShouldBe("a");
        shop.Log.ShouldBe(["a"]);
        (await second.CancelAsync()).ShouldBe(CancelAnswer.AlreadyEnded);
    }

    [Fact]
    public async Task A_newer_job_takes_the_place_of_one_that_waits_and_its_delay_begins_anew()
    {
        await using Workshop shop = await Workshop.OpenAsync((s, r, _) =>
        {
            s.Note($"{r.Url} at {s.Test.Now:ss}");
            return Task.FromResult(r.Url);
        }, contract: c => (c.DedupKey, c.Dedup) = (r => r.Url[..1], Dedup.Replace), time: TestTime.ByHand);
        var debounce = new JobOptions { Delay = TimeSpan.FromSeconds(10) };

        JobHandle<string> first = await shop.Perdure.EnqueueAsync(new Request("a1"), debounce);
        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(6));
        JobHandle<string> second = await shop.Perdure.EnqueueAsync(new Request("a2"), debounce);
        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(30));

        second.Enqueued.ShouldBe(Enqueued.Replaced);
        shop.Log.ShouldBe(["a2 at 16"]);
        (await first.ResultAsync()).ShouldBe("a2");
    }

    [Fact]
    public async Task A_job_that_runs_is_never_replaced()
    {
        await using Workshop shop = await SlowAsync(Dedup.Replace);

        JobHandle<string> first = await shop.Perdure.EnqueueAsync(new Request("a"));
        JobHandle<string> second = await shop.Perdure.EnqueueAsync(new Request("a"));

        second.Enqueued.ShouldBe(Enqueued.Added);
        await Task.WhenAll(first.ResultAsync(), second.ResultAsync());
        shop.Log.ShouldBe(["a", "a"]);
    }

    [Fact]
    public async Task Two_jobs_can_be_merged_or_come_to_nothing_together_even_after_a_crash()
    {
        await using Workshop shop = await Workshop.OpenAsync((s, r, _) =>
        {
            s.Note(r.Url);
            return Task.FromResult(r.Url);
        }, contract: c =>
        {
            (c.DedupKey, c.Dedup) = (_ => "one", Dedup.Replace);
            c.Merge = (waiting, added) => added.Url == "undo" ? null : new Request($"{waiting.Url}+{added.Url}");
        }, time: TestTime.ByHand);
        await shop.Queue.PauseAsync();

        JobHandle<string> like = await shop.Perdure.EnqueueAsync(new Request("like"));
        JobHandle<string> unlike = await shop.Perdure.EnqueueAsync(new Request("undo"));
        await shop.Perdure.EnqueueAsync((IJob)new Request("a"));
        await shop.Test.CrashAsync();
        await shop.Perdure.EnqueueAsync((IJob)new Request("b"));
        await shop.Queue.ResumeAsync();
        await shop.Test.IdleAsync();

        unlike.Enqueued.ShouldBe(Enqueued.Dropped);
        await Should.ThrowAsync<JobCancelledException>(() => like.ResultAsync());
        shop.Log.ShouldBe(["a+b"]);
    }

    [Fact]
    public async Task Where_a_merge_throws_both_jobs_are_done_and_the_queue_goes_on()
    {
        await using Workshop shop = await Workshop.OpenAsync((s, r, _) =>
        {
            s.Note(r.Url);
            return Task.FromResult(r.Url);
        }, contract: c =>
        {
            (c.DedupKey, c.Dedup) = (_ => "one", Dedup.Replace);
            c.Merge = (_, _) => throw new InvalidOperationException("a defect");
        }, time: TestTime.ByHand);
        await shop.Queue.PauseAsync();

        await shop.Perdure.EnqueueAsync((IJob)new Request("a"));
        await shop.Perdure.EnqueueAsync((IJob)new Request("b"));
        await shop.Queue.ResumeAsync();
        await shop.Test.IdleAsync();

        shop.Log.ShouldBe(["a", "b"]);
    }

    [Fact]
    public async Task At_most_one_job_per_window_comes_even_after_its_end_and_a_crash()
    {
        await using Workshop shop = await Workshop.OpenAsync((s, r, _) =>
        {
            s.Note($"{r.Url} at {s.Test.Now:mm:ss}");
            return Task.FromResult(r.Url);
        }, contract: c => (c.DedupKey, c.Dedup) = (r => r.Url, Dedup.OncePer(TimeSpan.FromMinutes(1))), time: TestTime.ByHand);

        List<Enqueued> came = [];
        for (int i = 0; i < 10; i++)
        {
            came.Add((await shop.Perdure.EnqueueAsync((IJob)new Request("a"))).Enqueued);
            await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(15));
            if (i == 2)
            {
                await shop.Test.CrashAsync();
            }
        }

        shop.Log.ShouldBe(["a at 00:00", "a at 01:00", "a at 02:00"]);
        came.Count(e => e == Enqueued.Ignored).ShouldBe(7);
    }

    [Fact]
    public async Task A_job_can_come_once_for_ever()
    {
        await using Workshop shop = await Workshop.OpenAsync((_, r, _) => Task.FromResult(r.Url));
        var once = new JobOptions { DedupKey = "k", Dedup = Dedup.OncePer(TimeSpan.MaxValue) };
        await (await shop.Perdure.EnqueueAsync(new Request("a"), once)).ResultAsync();

        await shop.Test.CrashAsync();

        (await shop.Perdure.EnqueueAsync(new Request("a"), once)).Enqueued.ShouldBe(Enqueued.Ignored);
    }

    public static TheoryData<Dedup, Enqueued> WaysToNeedNoRoom => new()
    {
        { Dedup.Join, Enqueued.Joined },
        { Dedup.Ignore, Enqueued.Ignored },
        { Dedup.Replace, Enqueued.Replaced },
        { Dedup.OncePer(TimeSpan.FromHours(1)), Enqueued.Ignored },
    };

    [Theory]
    [MemberData(nameof(WaysToNeedNoRoom))]
    public async Task A_job_that_is_there_takes_no_room_in_a_full_queue(Dedup dedup, Enqueued becomes)
    {
        await using Workshop shop = await Workshop.OpenAsync((_, r, _) => Task.FromResult(r.Url), q => (q.BacklogMax, q.WhenFull) = (1, WhenFull.Block));
        await shop.Queue.PauseAsync();
        var same = new JobOptions { DedupKey = "k", Dedup = dedup };
        JobHandle<string> first = await shop.Perdure.EnqueueAsync(new Request("a"), same);
        Task<JobHandle<string>> another = shop.Perdure.EnqueueAsync(new Request("b"));

        JobHandle<string> second = await shop.Perdure.EnqueueAsync(new Request("a"), same);

        (second.Id, second.Enqueued, another.IsCompleted).ShouldBe((first.Id, becomes, false));
        await shop.Queue.ResumeAsync();
        (await (await another).ResultAsync()).ShouldBe("b");
    }

    [Fact]
    public async Task The_best_priority_of_those_who_still_want_a_job_counts()
    {
        await using Workshop shop = await SlowAsync(Dedup.Join, TestTime.ByHand);
        await shop.Perdure.EnqueueAsync((IJob)new Request("first"));
        JobHandle<string> low = await shop.Perdure.EnqueueAsync(new Request("a"), new JobOptions { Priority = 9 });
        await shop.Perdure.EnqueueAsync((IJob)new Request("b"), new JobOptions { Priority = 5 });
        JobHandle<string> high = await shop.Perdure.EnqueueAsync(new Request("a"), new JobOptions { Priority = 1 });

        (await low.DescribeAsync()).Priority.ShouldBe(1);
        await high.CancelAsync();
        (await low.DescribeAsync()).Priority.ShouldBe(9);
        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(10));

        shop.Log.ShouldBe(["first", "b", "a"]);
        await Should.ThrowAsync<JobCancelledException>(() => high.ResultAsync());
        (await low.ResultAsync()).ShouldBe("a");
    }

    [Fact]
    public async Task A_job_is_cancelled_when_the_last_one_who_wants_it_leaves()
    {
        await using Workshop shop = await SlowAsync(Dedup.Join, TestTime.ByHand);
        await shop.Perdure.EnqueueAsync((IJob)new Request("first"));
        JobHandle<string> one = await shop.Perdure.EnqueueAsync(new Request("a"));
        JobHandle<string> two = await shop.Perdure.EnqueueAsync(new Request("a"));

        (await one.CancelAsync()).ShouldBe(CancelAnswer.Accepted);
        (await one.CancelAsync()).ShouldBe(CancelAnswer.AlreadyEnded);
        (await two.DescribeAsync()).Status.ShouldBe(JobStatus.Waiting);
        await two.CancelAsync();
        (await two.DescribeAsync()).Status.ShouldBe(JobStatus.Cancelled);
        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(10));

        shop.Log.ShouldBe(["first"]);
    }

    [Fact]
    public async Task A_job_that_runs_is_cancelling_until_its_handler_agrees_and_a_late_result_is_dropped()
    {
        await using Workshop shop = await Workshop.OpenAsync(async (s, _, job) =>
        {
            s.Note("began");
            await s.WorkAsync(TimeSpan.FromSeconds(3), CancellationToken.None); // deaf to its token
            s.Note(job.CancellationToken.IsCancellationRequested ? "was told" : "was not told");
            return "too late";
        }, time: TestTime.ByHand);
        JobHandle<string> job = await shop.Perdure.EnqueueAsync(new Request("a"));
        await shop.Test.AdvanceAsync(Second);

        await job.CancelAsync();
        (await shop.Perdure.Job(job.Id).DescribeAsync()).Status.ShouldBe(JobStatus.Cancelling);
        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(10));

        (await shop.Perdure.Job(job.Id).DescribeAsync()).Status.ShouldBe(JobStatus.Cancelled);
        await Should.ThrowAsync<JobCancelledException>(() => job.ResultAsync());
        shop.Log.ShouldBe(["began", "was told"]);
    }

    [Fact]
    public async Task A_job_that_was_cancelling_at_a_crash_is_cancelled_and_not_done_again()
    {
        await using Workshop shop = await Workshop.OpenAsync(async (s, _, job) =>
        {
            s.Note("began");
            await s.WorkAsync(TimeSpan.FromHours(1), CancellationToken.None);
            return "";
        }, time: TestTime.ByHand);
        JobHandle<string> job = await shop.Perdure.EnqueueAsync(new Request("a"));
        await shop.Test.AdvanceAsync(Second);
        await job.CancelAsync();

        await shop.Test.CrashAsync();
        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(10));

        (await shop.Perdure.Job(job.Id).DescribeAsync()).Status.ShouldBe(JobStatus.Cancelled);
        shop.Log.ShouldBe(["began"]);
    }

    [Fact]
    public async Task Each_caller_has_a_limit_of_its_own()
    {
        await using Workshop shop = await SlowAsync(Dedup.Join, TestTime.ByHand);

        JobHandle<string> hasty = await shop.Perdure.EnqueueAsync(new Request("a"), new JobOptions { Limit = TimeSpan.FromMilliseconds(300) });
        JobHandle<string> patient = await shop.Perdure.EnqueueAsync(new Request("a"));
        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(10));

        await Should.ThrowAsync<LimitReachedException>(() => hasty.ResultAsync());
        (await patient.ResultAsync()).ShouldBe("a");
    }

    /// <summary>One at a time, a second each.</summary>
    private static Task<Workshop> SlowAsync(Dedup dedup, TestTime time = TestTime.MovesByItself) => Workshop.OpenAsync(async (s, r, job) =>
    {
        s.Note(r.Url);
        await s.WorkAsync(Second, job);
        return r.Url;
    }, q => q.Concurrency = 1, c => (c.DedupKey, c.Dedup) = (r => r.Url, dedup), time: time);
}
