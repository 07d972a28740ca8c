using Perdure.Testing;

namespace Perdure.Jobs.Tests;

public sealed class ProgressTests
{
    [Fact]
    public async Task Who_follows_a_job_sees_how_far_it_comes_and_its_end()
    {
        await using FlowTest test = await StartAsync();
        await test.Perdure.Queue("work").PauseAsync();
        JobHandle<string> job = await test.Perdure.EnqueueAsync(new Request("/film"));
        await using IAsyncEnumerator<JobProgress> seen = job.FollowAsync().GetAsyncEnumerator();

        (await NextAsync(seen)).ShouldBe(new JobProgress(JobStatus.Waiting, null, null));
        await test.Perdure.Queue("work").ResumeAsync();
        await test.AdvanceAsync(TimeSpan.FromMilliseconds(500));
        (await NextAsync(seen)).ShouldBe(new JobProgress(JobStatus.Running, 0, "part 0"));
        await test.AdvanceAsync(TimeSpan.FromSeconds(1));
        (await NextAsync(seen)).ShouldBe(new JobProgress(JobStatus.Running, 0.5, "part 1"));
        await test.AdvanceAsync(TimeSpan.FromSeconds(1));
        (await NextAsync(seen)).ShouldBe(new JobProgress(JobStatus.Completed, 0.5, "part 1"));
        (await seen.MoveNextAsync()).ShouldBeFalse();
    }

    [Fact]
    public async Task An_end_that_is_kept_can_be_followed_later_and_one_that_is_not_is_not_found()
    {
        await using FlowTest test = await StartAsync(TestTime.MovesByItself);
        JobHandle<string> job = await test.Perdure.EnqueueAsync(new Request("/film"));
        await job.ResultAsync();

        (await AllAsync(job)).ShouldBe([new JobProgress(JobStatus.Completed, 0.5, "part 1")]);
        await test.AdvanceAsync(TimeSpan.FromHours(2));
        await Should.ThrowAsync<JobNotFoundException>(() => AllAsync(job));
    }

    [Fact]
    public async Task After_a_crash_the_job_is_followed_again_from_what_was_durable()
    {
        await using FlowTest test = await StartAsync();
        JobHandle<string> job = await test.Perdure.EnqueueAsync(new Request("/film"));
        await using IAsyncEnumerator<JobProgress> seen = job.FollowAsync().GetAsyncEnumerator();
        await test.AdvanceAsync(TimeSpan.FromSeconds(1.5));
        (await NextAsync(seen)).Done.ShouldBe(0.5);

        await test.CrashAsync();

        await Should.ThrowAsync<StoreUnavailableException>(async () =>
        {
            while (await seen.MoveNextAsync())
            {
            }
        });
        await using IAsyncEnumerator<JobProgress> again = job.FollowAsync().GetAsyncEnumerator();
        (await NextAsync(again)).Done.ShouldNotBeNull();
    }

    [Fact]
    public async Task What_a_worker_outside_reports_is_shown()
    {
        await using FlowTest test = await Workers.StartAsync();
        JobHandle job = await test.Perdure.EnqueueAsync(new Chore("a"));
        LeasedJob leased = (await test.PullAsync())[0];
        await using IAsyncEnumerator<JobProgress> seen = job.FollowAsync().GetAsyncEnumerator();
        (await NextAsync(seen)).ShouldBe(new JobProgress(JobStatus.Running, null, null));

        (await leased.ReportAsync(0.25, "sweeping")).ShouldBeTrue();
        (await NextAsync(seen)).ShouldBe(new JobProgress(JobStatus.Running, 0.25, "sweeping"));
        await job.CancelAsync();
        (await NextAsync(seen)).Status.ShouldBe(JobStatus.Cancelling);
        await leased.ReleaseAsync();
        (await NextAsync(seen)).Status.ShouldBe(JobStatus.Cancelled);
    }

    private static async Task<JobProgress> NextAsync(IAsyncEnumerator<JobProgress> seen)
    {
        (await seen.MoveNextAsync()).ShouldBeTrue();
        return seen.Current;
    }

    private static async Task<List<JobProgress>> AllAsync(JobHandle job)
    {
        List<JobProgress> all = [];
        await foreach (JobProgress progress in job.FollowAsync())
        {
            all.Add(progress);
        }

        return all;
    }

    private static Task<FlowTest> StartAsync(TestTime time = TestTime.ByHand)
        => FlowTest.StartAsync(services => services.AddPerdure(p => p
            .UseMemory()
            .AddQueue("work")
            .AddHandler<Request, string>("work", async (_, job) =>
            {
                for (int part = 0; part < 2; part++)
                {
                    await job.ReportAsync(part / 2.0, $"part {part}");
                    await Task.Delay(TimeSpan.FromSeconds(1), job.Get<TimeProvider>(), job);
                }

                return "done";
            })), new FlowTestOptions { Time = time });
}
