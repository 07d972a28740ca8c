using System.Text;

namespace Perdure.Tests.Queues;

/// <summary>Jobs of which the store does not take something.</summary>
public sealed class RefusedJobTests
{
    [Fact]
    public async Task A_job_whose_result_the_store_refuses_fails_and_the_next_of_its_key_is_another_one()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddQueue("work").AddHandler<Saying, string>("work", (job, _) => Task.FromResult(job.Text)));
        host.Store.RefuseBatch = batch => batch.JobEnds.Any(e => Encoding.UTF8.GetString(e.Result!).Contains("poison", StringComparison.Ordinal));
        var same = new JobOptions { DedupKey = "same" };

        JobHandle<string> bad = await host.Perdure.EnqueueAsync(new Saying("poison"), same).Soon();
        (await Should.ThrowAsync<JobFailedException>(() => bad.ResultAsync().Soon())).Error.Code.ShouldBe("PRD3008");
        JobHandle<string> good = await host.Perdure.EnqueueAsync(new Saying("fine"), same).Soon();

        good.Enqueued.ShouldBe(Enqueued.Added);
        (await good.ResultAsync().Soon()).ShouldBe("fine");
    }

    internal sealed record Saying(string Text) : IJob<string>;
}
