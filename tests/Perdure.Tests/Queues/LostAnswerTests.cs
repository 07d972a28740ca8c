using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Tests.Queues;

/// <summary>Nobody knows whether a commit is durable, the home reads what is there, and whoever waits goes on.</summary>
public class LostAnswerTests
{
    [Fact]
    public async Task A_pull_whose_answer_was_lost_gets_the_job_whose_lease_has_landed()
    {
        await using TestHost host = await StartAsync();
        JobHandle handle = await host.Perdure.EnqueueAsync(new Errand("bread"));
        LoseNext(host, batch => batch.JobUpdates.Count > 0);

        IReadOnlyList<LeasedJob> pulled = await host.Perdure.Queue("errands").LeaseAsync("w1", 5, Timeout.InfiniteTimeSpan).Soon();

        host.Store.Answer.ShouldBeNull();
        LeasedJob job = pulled.ShouldHaveSingleItem();
        (job.Id, job.Attempt).ShouldBe((handle.Id, 1));
        (await job.RenewAsync().Soon()).ShouldBeTrue();
        await job.CompleteAsync().Soon();
    }

    [Fact]
    public async Task Who_waits_for_a_job_or_follows_it_hears_of_an_end_whose_commit_was_lost()
    {
        await using TestHost host = await StartAsync();
        JobHandle handle = await host.Perdure.EnqueueAsync(new Errand("bread"), new JobOptions { KeepResult = TimeSpan.FromHours(1) });
        Task done = handle.DoneAsync();
        await using IAsyncEnumerator<JobProgress> seen = handle.FollowAsync().GetAsyncEnumerator();
        (await seen.MoveNextAsync().AsTask().Soon()).ShouldBeTrue();
        LeasedJob job = (await host.Perdure.Queue("errands").LeaseAsync("w1", 1, Timeout.InfiniteTimeSpan).Soon())[0];
        LoseNext(host, batch => batch.EndedJobs.Count > 0);

        await Should.ThrowAsync<StoreUnavailableException>(() => job.CompleteAsync().Soon());

        await done.Soon();
        JobStatus last = seen.Current.Status;
        while (await seen.MoveNextAsync().AsTask().Soon())
        {
            last = seen.Current.Status;
        }

        last.ShouldBe(JobStatus.Completed);
        (await Should.ThrowAsync<PerdureException>(() => job.CompleteAsync().Soon())).Code.ShouldBe(ErrorCodes.LeaseLost); // it had taken effect
    }

    [Fact]
    public async Task A_redrive_whose_answer_was_lost_can_be_repeated_and_redrives_once()
    {
        await using TestHost host = await StartAsync();
        QueueHandle queue = host.Perdure.Queue("errands");
        JobHandle handle = await host.Perdure.EnqueueAsync(new Errand("bread"));
        await (await queue.LeaseAsync("w1", 1, Timeout.InfiniteTimeSpan).Soon())[0].FailAsync(ErrorKind.Rejected, "sold out").Soon();
        LoseNext(host, batch => batch.NewJobs.Count > 0);

        await Should.ThrowAsync<StoreUnavailableException>(() => queue.RedriveAsync(handle.Id).Soon());

        (await queue.RedriveAsync(new JobFilter()).Soon()).ShouldBe(0);
        (await queue.LeaseAsync("w1", 5, Timeout.InfiniteTimeSpan).Soon()).ShouldHaveSingleItem().Id.ShouldBe(handle.Id);
    }

    /// <summary>The next commit of such a batch lands, and nobody hears of it.</summary>
    private static void LoseNext(TestHost host, Func<ShardBatch, bool> which) => host.Store.Answer = (batches, answers) =>
    {
        if (!batches.Any(which))
        {
            return answers;
        }

        host.Store.Answer = null;
        throw new StoreException(ErrorCodes.StoreFailed, "the connection broke");
    };

    private static Task<TestHost> StartAsync() => TestHost.StartAsync(p => p.AddQueue("errands").AddJob<Errand>("errands"));

    private sealed record Errand(string What) : IJob;
}
