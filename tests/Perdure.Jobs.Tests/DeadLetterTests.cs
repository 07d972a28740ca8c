using Perdure.Diagnostics;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

public sealed class DeadLetterTests
{
    [Fact]
    public async Task Dead_letters_are_listed_and_redriven_under_their_ids_with_their_history_and_fresh_attempts()
    {
        await using var sick = await SickService.StartAsync(attempts: 3);
        List<JobHandle> jobs = [.. await sick.Test.Perdure.EnqueueManyAsync([new Chore("a"), new Chore("b")])];
        await sick.Test.IdleAsync();
        List<JobInfo> dead = await AllAsync(sick.Queue.DeadLettersAsync());
        dead.Select(j => (j.Id, j.Status, j.Attempts, j.Errors.Count)).ShouldBe([(jobs[1].Id, JobStatus.Failed, 3, 3), (jobs[0].Id, JobStatus.Failed, 3, 3)]);

        sick.FailuresLeft = 2; // the last of the fresh attempts gets through
        await sick.Queue.RedriveAsync(jobs[0].Id);
        await sick.Test.CrashAsync();
        await sick.Test.IdleAsync();

        sick.Done.ShouldBe(["a"]);
        (await AllAsync(sick.Queue.DeadLettersAsync())).Select(j => j.Id).ShouldBe([jobs[1].Id]);
        (await Should.ThrowAsync<JobNotFoundException>(() => sick.Queue.RedriveAsync(jobs[0].Id))).Code.ShouldBe(ErrorCodes.JobNotFound);
    }

    [Fact]
    public async Task A_job_that_dies_again_is_a_dead_letter_again_with_all_its_errors()
    {
        await using var sick = await SickService.StartAsync(attempts: 2);
        JobHandle job = await sick.Test.Perdure.EnqueueAsync(new Chore("a"));
        await sick.Test.IdleAsync();

        for (int i = 1; i <= 2; i++)
        {
            (await sick.Queue.RedriveAsync(job.Id)).Id.ShouldBe(job.Id);
            await sick.Test.IdleAsync();
            JobInfo info = await job.DescribeAsync();
            (info.Status, info.Attempts, info.Errors.Count).ShouldBe((JobStatus.Failed, 2, 2 + (2 * i)));
        }
    }

    [Fact]
    public async Task Many_are_redriven_over_several_pages_and_none_twice()
    {
        await using var sick = await SickService.StartAsync(attempts: 1);
        await sick.Test.Perdure.EnqueueManyAsync(Enumerable.Range(0, 1_300).Select(i => new Chore($"{i}")));
        await sick.Test.IdleAsync();
        sick.FailuresLeft = 0;
        JobFilter all = new() { Limit = int.MaxValue };

        int[] counts = await Task.WhenAll(sick.Queue.RedriveAsync(all), sick.Queue.RedriveAsync(all));
        await sick.Test.IdleAsync();

        counts.Sum().ShouldBe(1_300);
        sick.Done.Count.ShouldBe(1_300);
        (await AllAsync(sick.Queue.DeadLettersAsync())).ShouldBeEmpty();
    }

    [Fact]
    public async Task Redriven_at_a_rate_they_are_spread_also_over_a_crash_and_the_oldest_goes_first()
    {
        await using var sick = await SickService.StartAsync(attempts: 1);
        foreach (string name in (string[])["a", "b", "c", "d"])
        {
            await sick.Test.Perdure.EnqueueAsync(new Chore(name));
        }

        await sick.Test.IdleAsync();
        sick.FailuresLeft = 0;
        DateTimeOffset began = sick.Test.Now;

        (await sick.Queue.RedriveAsync(new JobFilter(), new Rate(1, TimeSpan.FromMinutes(1)) { Burst = 2 })).ShouldBe(4);
        await sick.Test.AdvanceAsync(TimeSpan.FromSeconds(90));
        await sick.Test.CrashAsync();
        await sick.Test.AdvanceAsync(TimeSpan.FromMinutes(5));

        sick.Done.ShouldBe(["a", "b", "c", "d"]);
        sick.DoneAt.Select(at => Math.Round((at - began).TotalMinutes, 1)).ShouldBe([0, 0, 1, 2]);
    }

    [Fact]
    public async Task Only_what_the_filter_names_is_redriven_or_discarded()
    {
        await using var sick = await SickService.StartAsync(attempts: 1);
        await sick.Test.Perdure.EnqueueManyAsync([new Chore("a"), new Chore("b"), new Chore("c")]);
        await sick.Test.IdleAsync();
        sick.FailuresLeft = 0;

        (await sick.Queue.RedriveAsync(new JobFilter { Key = "b" })).ShouldBe(1);
        (await sick.Queue.DiscardAsync(new JobFilter { Key = "c" })).ShouldBe(1);
        await sick.Test.IdleAsync();

        sick.Done.ShouldBe(["b"]);
        (await AllAsync(sick.Queue.DeadLettersAsync())).Select(j => j.Key).ShouldBe(["a"]);
    }

    [Fact]
    public async Task A_dead_letter_can_be_edited()
    {
        await using var sick = await SickService.StartAsync(attempts: 1);
        JobHandle job = await sick.Test.Perdure.EnqueueAsync(new Chore("wrong"));
        await sick.Test.IdleAsync();
        sick.FailuresLeft = 0;

        (await Should.ThrowAsync<PerdureException>(() => sick.Queue.RedriveAsync(job.Id, new Request("/")))).Code.ShouldBe(ErrorCodes.PayloadMismatch);
        await sick.Queue.RedriveAsync(job.Id, new Chore("right"));
        await sick.Test.IdleAsync();

        sick.Done.ShouldBe(["right"]);
    }

    [Fact]
    public async Task What_is_no_dead_letter_is_not_redriven()
    {
        await using var sick = await SickService.StartAsync(attempts: 1);
        JobHandle waits = await sick.Test.Perdure.EnqueueAsync(new Chore("a"), new JobOptions { Delay = TimeSpan.FromDays(1) });

        (await Should.ThrowAsync<PerdureException>(() => sick.Queue.RedriveAsync(waits.Id))).Code.ShouldBe(ErrorCodes.NotRedrivable);
    }

    [Fact]
    public async Task Dead_letters_are_forgotten_when_they_were_kept_long_enough_but_not_those_that_died_again()
    {
        await using var sick = await SickService.StartAsync(attempts: 1);
        JobHandle forgotten = await sick.Test.Perdure.EnqueueAsync(new Chore("a"));
        JobHandle again = await sick.Test.Perdure.EnqueueAsync(new Chore("b"));
        await sick.Test.IdleAsync();
        await sick.Test.AdvanceAsync(TimeSpan.FromMinutes(100));
        await sick.Queue.RedriveAsync(again.Id);
        await sick.Test.AdvanceAsync(TimeSpan.FromMinutes(30));

        await Should.ThrowAsync<JobNotFoundException>(() => forgotten.DescribeAsync());
        (await again.DescribeAsync()).Status.ShouldBe(JobStatus.Failed);
    }

    [Fact]
    public async Task A_redriven_job_may_expire_again_but_not_at_once()
    {
        await using FlowTest test = await Workers.StartAsync();
        JobHandle job = await test.Perdure.EnqueueAsync(new Chore("a"), new JobOptions { ExpireAfter = TimeSpan.FromMinutes(1) });
        await test.AdvanceAsync(TimeSpan.FromMinutes(2));
        (await job.DescribeAsync()).Error!.Code.ShouldBe(ErrorCodes.JobExpired);

        await test.Outside().RedriveAsync(job.Id);
        await test.AdvanceAsync(TimeSpan.FromSeconds(50));
        (await job.DescribeAsync()).Status.ShouldBe(JobStatus.Waiting);
        await test.AdvanceAsync(TimeSpan.FromSeconds(20));
        (await job.DescribeAsync()).Status.ShouldBe(JobStatus.Failed);
    }

    private static async Task<List<JobInfo>> AllAsync(IAsyncEnumerable<JobInfo> jobs)
    {
        List<JobInfo> all = [];
        await foreach (JobInfo job in jobs)
        {
            all.Add(job);
        }

        return all;
    }

    private sealed class SickService : IAsyncDisposable
    {
        public FlowTest Test { get; private set; } = null!;

        public QueueHandle Queue => Test.Perdure.Queue("chores");

        /// <summary>How many attempts fail from now on.</summary>
        public int FailuresLeft { get; set; } = int.MaxValue;

        public List<string> Done { get; } = [];

        public List<DateTimeOffset> DoneAt { get; } = [];

        public static async Task<SickService> StartAsync(int attempts)
        {
            var sick = new SickService();
            sick.Test = await FlowTest.StartAsync(services => services.AddPerdure(p => p
                .UseMemory()
                .AddQueue("chores", q =>
                {
                    q.Retry = Retry.Fixed(attempts, TimeSpan.FromSeconds(1));
                    q.KeepDeadLetters = TimeSpan.FromHours(2);
                })
                .AddJob<Chore>("chores", j => j.Key = c => c.Name)
                .AddHandler<Request, string>("chores", (r, _) => Task.FromResult(r.Url))
                .AddHandler<Chore>("chores", sick.DoAsync)));
            return sick;
        }

        public ValueTask DisposeAsync() => Test.DisposeAsync();

        private Task DoAsync(Chore chore, JobContext job)
        {
            if (FailuresLeft-- > 0)
            {
                throw new IOException("the service is sick");
            }

            FailuresLeft = 0;
            Done.Add(chore.Name);
            DoneAt.Add(Test.Now);
            return Task.CompletedTask;
        }
    }
}
