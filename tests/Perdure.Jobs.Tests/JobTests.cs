using Perdure.Diagnostics;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

/// <summary>The life of a job: it comes, waits, is tried, and ends.</summary>
public sealed class JobTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_job_is_done_and_its_result_can_be_asked_for_later()
    {
        await using Workshop shop = await Workshop.OpenAsync((_, r, _) => Task.FromResult($"did {r.Url}"));

        JobHandle<string> job = await shop.Perdure.EnqueueAsync(new Request("a"));

        (await job.ResultAsync()).ShouldBe("did a");
        JobInfo later = await shop.Perdure.Job(job.Id).DescribeAsync();
        later.Status.ShouldBe(JobStatus.Completed);
        later.Queue.ShouldBe("work");
    }

    [Fact]
    public async Task A_result_is_forgotten_when_its_time_is_over()
    {
        await using Workshop shop = await Workshop.OpenAsync((_, _, _) => Task.FromResult("x"), q => q.KeepResults = TimeSpan.Zero);

        JobHandle<string> job = await shop.Perdure.EnqueueAsync(new Request("a"));

        (await job.ResultAsync()).ShouldBe("x"); // who enqueued it gets it all the same
        await Should.ThrowAsync<JobNotFoundException>(() => shop.Perdure.Job(job.Id).DescribeAsync());
    }

    [Fact]
    public async Task An_attempt_that_fails_is_repeated_after_a_back_off()
    {
        await using Workshop shop = await Workshop.OpenAsync((s, _, job) =>
        {
            s.Note($"{job.Attempt} at {(s.Test.Now - new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero)).TotalSeconds:0}");
            return job.Attempt < 3 ? throw new IOException("not yet") : Task.FromResult("ok");
        }, q => q.Retry = Retry.Fixed(5, TimeSpan.FromSeconds(10)));

        JobHandle<string> job = await shop.Perdure.EnqueueAsync(new Request("a"));

        (await job.ResultAsync()).ShouldBe("ok");
        shop.Log.ShouldBe(["1 at 0", "2 at 10", "3 at 20"]);
        (await job.DescribeAsync()).Errors.Select(e => e.Error.Message).ShouldBe(["not yet", "not yet"]);
    }

    [Fact]
    public async Task A_job_that_another_one_enqueues_comes_once_with_its_end_and_in_its_business_transaction()
    {
        await using Workshop shop = await Workshop.OpenAsync((s, r, job) =>
        {
            s.Note($"{r.Url} {job.CorrelationId}");
            if (r.Url == "first")
            {
                job.Enqueue(new Request("next"));
                return job.Attempt == 1 ? throw new IOException("not yet") : Task.FromResult("ok");
            }

            return Task.FromResult("ok");
        });

        JobHandle<string> first = await shop.Perdure.EnqueueAsync(new Request("first"));
        await first.ResultAsync();
        await shop.Test.CrashAsync();
        await shop.Test.IdleAsync();

        shop.Log.ShouldBe([$"first {first.Id}", $"first {first.Id}", $"next {first.Id}"]);
    }

    [Fact]
    public async Task A_job_that_nobody_does_cannot_be_enqueued_by_another_one()
    {
        await using Workshop shop = await Workshop.OpenAsync((_, _, job) => Task.FromResult(Should.Throw<PerdureException>(() => job.Enqueue(new Nobodys())).Code));

        JobHandle<string> first = await shop.Perdure.EnqueueAsync(new Request("first"));

        (await first.ResultAsync()).ShouldBe(ErrorCodes.UnknownHandler);
    }

    [Fact]
    public async Task A_job_whose_attempts_are_used_up_is_a_dead_letter()
    {
        await using Workshop shop = await Workshop.OpenAsync((_, _, _) => throw new IOException("never"), q => q.Retry = Retry.Fixed(3, Second));

        JobHandle<string> job = await shop.Perdure.EnqueueAsync(new Request("a"));

        JobFailedException failed = await Should.ThrowAsync<JobFailedException>(() => job.ResultAsync());
        failed.Attempts.ShouldBe(3);
        failed.Error.Message.ShouldBe("never");
        (await job.DescribeAsync()).Status.ShouldBe(JobStatus.Failed);
    }

    [Fact]
    public async Task A_rejection_is_not_repeated()
    {
        await using Workshop shop = await Workshop.OpenAsync((s, _, _) =>
        {
            s.Note("tried");
            throw new RejectedException("sold out");
        });

        JobHandle<string> job = await shop.Perdure.EnqueueAsync(new Request("a"));

        (await Should.ThrowAsync<RejectedException>(() => job.ResultAsync())).Reason.ShouldBe("sold out");
        shop.Log.ShouldBe(["tried"]);
    }

    [Fact]
    public async Task An_attempt_that_takes_too_long_is_cancelled_and_repeated_under_the_same_key()
    {
        await using Workshop shop = await Workshop.OpenAsync(async (s, _, job) =>
        {
            s.Note(job.IdempotencyKey);
            if (job.Attempt == 1)
            {
                await s.WorkAsync(TimeSpan.FromHours(1), job);
            }

            return "ok";
        }, q => q.Timeout = Second);

        JobHandle<string> job = await shop.Perdure.EnqueueAsync(new Request("a"));

        (await job.ResultAsync()).ShouldBe("ok");
        shop.Log.ShouldBe([job.Id, job.Id]);
    }

    [Fact]
    public async Task A_delayed_job_starts_when_its_time_has_come()
    {
        await using Workshop shop = await Workshop.OpenAsync((s, _, _) => Task.FromResult(s.Test.Now.ToString("HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture)));

        JobHandle<string> delayed = await shop.Perdure.EnqueueAsync(new Request("a"), new JobOptions { Delay = TimeSpan.FromMinutes(5) });
        JobHandle<string> at = await shop.Perdure.EnqueueAsync(new Request("b"), new JobOptions { RunAt = new DateTimeOffset(2026, 1, 1, 13, 0, 0, TimeSpan.Zero) });

        (await delayed.ResultAsync()).ShouldBe("12:05:00");
        (await at.ResultAsync()).ShouldBe("13:00:00");
    }

    [Fact]
    public async Task A_job_that_is_not_done_in_its_time_expires()
    {
        await using Workshop shop = await Workshop.OpenAsync((_, _, _) => Task.FromResult("x"));
        await shop.Queue.PauseAsync();

        JobHandle<string> job = await shop.Perdure.EnqueueAsync(new Request("a"), new JobOptions { ExpireAfter = TimeSpan.FromMinutes(1) });

        (await Should.ThrowAsync<JobFailedException>(() => job.ResultAsync())).Error.Code.ShouldBe(ErrorCodes.JobExpired);
    }

    [Fact]
    public async Task Many_jobs_come_in_one_call_all_or_none()
    {
        await using Workshop shop = await Workshop.OpenAsync((_, r, _) => Task.FromResult(r.Url), q => q.BacklogMax = 3);
        await shop.Queue.PauseAsync();

        (await shop.Perdure.EnqueueManyAsync([new Request("a"), new Request("b")])).Count.ShouldBe(2);
        PerdureException full = await Should.ThrowAsync<PerdureException>(() => shop.Perdure.EnqueueManyAsync([new Request("c"), new Request("d")]));

        full.Code.ShouldBe(ErrorCodes.QueueFull);
        await shop.Perdure.EnqueueAsync(new Request("e"));
    }

    [Fact]
    public async Task Where_a_full_queue_blocks_the_caller_waits_for_room()
    {
        await using Workshop shop = await Workshop.OpenAsync(async (s, r, job) =>
        {
            await s.WorkAsync(Second, job);
            return r.Url;
        }, q => (q.BacklogMax, q.WhenFull, q.Concurrency) = (1, WhenFull.Block, 1));

        Task<JobHandle<string>>[] all = [.. Enumerable.Range(0, 5).Select(i => shop.Perdure.EnqueueAsync(new Request($"{i}")))];
        string[] results = await Task.WhenAll(all.Select(async j => await (await j).ResultAsync()));

        results.ShouldBe(["0", "1", "2", "3", "4"]);
    }

    [Fact]
    public async Task What_waits_and_what_ran_is_done_after_a_crash()
    {
        await using Workshop shop = await Workshop.OpenAsync(async (s, r, job) =>
        {
            s.Note($"{r.Url} began");
            await s.WorkAsync(Second, job);
            return r.Url;
        }, q => q.Concurrency = 1, time: TestTime.ByHand);
        JobHandle a = await shop.Perdure.EnqueueAsync((IJob)new Request("a"));
        JobHandle b = await shop.Perdure.EnqueueAsync((IJob)new Request("b"), new JobOptions { Delay = TimeSpan.FromSeconds(5) });

        await shop.Test.CrashAsync();
        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(20));

        shop.Log.ShouldBe(["a began", "a began", "b began"]);
        (await shop.Perdure.Job(a.Id).DescribeAsync()).Status.ShouldBe(JobStatus.Completed);
        (await shop.Perdure.Job(b.Id).DescribeAsync()).Status.ShouldBe(JobStatus.Completed);
    }

    [Fact]
    public async Task What_an_attempt_saved_the_next_one_finds_even_after_a_crash()
    {
        await using Workshop shop = await Workshop.OpenAsync(async (s, _, job) =>
        {
            int page = job.Saved<int>().TryGet(out int saved) ? saved : 0;
            s.Note($"from {page}");
            await job.SaveAsync(page + 10);
            await s.WorkAsync(TimeSpan.FromMinutes(1), job);
            return "read";
        }, time: TestTime.ByHand);
        JobHandle job = await shop.Perdure.EnqueueAsync((IJob)new Request("book"));
        await shop.Test.AdvanceAsync(Second);

        await shop.Test.CrashAsync();
        await shop.Test.AdvanceAsync(TimeSpan.FromMinutes(2));

        shop.Log.ShouldBe(["from 0", "from 10"]);
        (await shop.Perdure.Job(job.Id).DescribeAsync()).Status.ShouldBe(JobStatus.Completed);
    }

    [Fact]
    public async Task Jobs_of_a_queue_without_their_handler_wait_until_there_is_one()
    {
        await using Workshop shop = await Workshop.OpenAsync((_, _, _) => Task.FromResult("done"));
        await shop.Queue.PauseAsync();
        JobHandle<string> job = await shop.Perdure.EnqueueAsync(new Request("a"));

        await shop.Test.CrashAsync(services => services.AddPerdure(p => p.UseMemory().AddQueue("other").AddHandler<Chore>("other", (_, _) => Task.CompletedTask)));
        (await shop.Perdure.Job(job.Id).DescribeAsync()).Status.ShouldBe(JobStatus.Waiting);
        (await shop.Perdure.Job(job.Id).CancelAsync()).ShouldBe(CancelAnswer.Accepted);
    }

    [Fact]
    public async Task A_mistake_is_told_at_once_with_its_code()
    {
        await using Workshop shop = await Workshop.OpenAsync((_, _, _) => Task.FromResult("x"));

        await CodeAsync(ErrorCodes.UnknownQueue, () => shop.Perdure.EnqueueAsync(new Request("a"), new JobOptions { Queue = "wrok" }));
        await CodeAsync(ErrorCodes.UnknownHandler, () => shop.Perdure.EnqueueAsync(new Chore("a")));
        await CodeAsync(ErrorCodes.BadOption, () => shop.Perdure.EnqueueAsync(new Request("a"), new JobOptions { Priority = 2_000_000 }));
        await CodeAsync(ErrorCodes.BadName, () => shop.Perdure.EnqueueAsync(new Request("a"), new JobOptions { Key = "a\nb" }));
        await CodeAsync(ErrorCodes.PayloadTooLarge, () => shop.Perdure.EnqueueAsync(new Request(new string('x', 3_000_000))));
        Should.Throw<PerdureException>(() => shop.Perdure.Queue("wrok")).Code.ShouldBe(ErrorCodes.UnknownQueue);
        Should.Throw<PerdureException>(() => shop.Perdure.Job("no id")).Code.ShouldBe(ErrorCodes.BadName);

        static async Task CodeAsync(string code, Func<Task> call) => (await Should.ThrowAsync<PerdureException>(call)).Code.ShouldBe(code);
    }

    public sealed record Nobodys : IJob;
}
