using Perdure.Diagnostics;
using Perdure.Testing;

namespace Perdure.Jobs.Tests;

public class CrashLoopTests
{
    [Fact]
    public async Task What_runs_alone_at_three_deaths_is_a_dead_letter_whatever_else_the_queues_do_meanwhile()
    {
        await using Workshop shop = await Workshop.OpenAsync(async (s, r, job) =>
        {
            s.Note(r.Url);
            if (r.Url == "poison")
            {
                await s.WorkAsync(TimeSpan.FromHours(1), job);
            }

            return r.Url;
        }, time: TestTime.ByHand);
        JobHandle poison = await shop.Perdure.EnqueueAsync((IJob)new Request("poison"));
        for (int deaths = 0; deaths < 5; deaths++)
        {
            await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(1));
            await shop.Perdure.EnqueueAsync((IJob)new Request($"good {deaths}"), new JobOptions { Priority = -1 }); // goes before it in the next process
            await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(1));
            shop.Log.Count(l => l == "poison").ShouldBe(deaths + 1);
            await shop.Test.CrashAsync();
        }

        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(1));

        JobInfo info = await shop.Perdure.Job(poison.Id).DescribeAsync();
        (info.Status, info.Error!.Code, info.Attempts).ShouldBe((JobStatus.Failed, ErrorCodes.CrashSuspect, 0));
        shop.Log.Where(l => l != "poison").ShouldBe(["good 0", "good 1", "good 2", "good 3", "good 4"]);

        await shop.Queue.RedriveAsync(poison.Id);
        await shop.Test.AdvanceAsync(TimeSpan.FromSeconds(1));
        shop.Log.Count(l => l == "poison").ShouldBe(6);
    }
}
