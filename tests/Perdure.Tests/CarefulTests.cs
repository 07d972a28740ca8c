namespace Perdure.Tests;

public class CarefulTests
{
    [Fact]
    public async Task What_runs_alone_at_three_deaths_is_stuck_and_the_others_go_on()
    {
        bool deadly = true;
        var killer = new TaskCompletionSource();
        TestHost host = await TestHost.StartAsync(p => p.Configure(o => o.ShardCount = 2).AddFlow("f", async (string name, FlowContext flow) => await flow.Step(async () =>
        {
            if (name == "poison" && Volatile.Read(ref deadly))
            {
                Volatile.Read(ref killer).TrySetResult();
                await new TaskCompletionSource().Task;
            }

            return name;
        }, name: "work")));
        for (int i = 0; i < 10; i++)
        {
            await host.Perdure.Flow<string, string>("f").StartAsync(i == 3 ? "poison" : "good", $"{i}");
        }

        int deaths = 0;
        while ((await host.Perdure.Get("f", "3").DescribeAsync()).Status != FlowStatus.Stuck)
        {
            deaths.ShouldBeLessThan(8);
            Task stuck = host.Perdure.Get("f", "3").UntilAsync(FlowStatus.Stuck);
            if (await Task.WhenAny(killer.Task, stuck) == killer.Task)
            {
                deaths++;
                killer = new TaskCompletionSource();
                host = await host.CrashAsync();
            }
        }

        FlowDescription poison = await host.Perdure.Get("f", "3").DescribeAsync();
        poison.StuckCode.ShouldBe("PRD3009");
        poison.StuckReason!.ShouldContain("its step work ran alone");
        for (int i = 0; i < 10; i++)
        {
            if (i != 3)
            {
                (await host.Perdure.Flow<string, string>("f").Get($"{i}").ResultAsync().Soon()).ShouldBe("good");
            }
        }

        Volatile.Write(ref deadly, false);
        await host.Perdure.Get("f", "3").RetryAsync().Soon();
        (await host.Perdure.Flow<string, string>("f").Get("3").ResultAsync().Soon()).ShouldBe("poison");
        await host.DisposeAsync();
        deaths.ShouldBe(5);
    }

    [Fact]
    public async Task After_all_has_got_through_a_shard_is_no_longer_careful()
    {
        var gate = new TaskCompletionSource();
        TestHost host = await TestHost.StartAsync(p => p.Configure(o => o.ShardCount = 1).AddFlow("f", async (int n, FlowContext flow) =>
        {
            await flow.Step(() => gate.Task, name: "wait");
            return await flow.Step(() => Task.FromResult(n), name: "a");
        }));
        for (int i = 0; i < 5; i++)
        {
            await host.Perdure.Flow<int, int>("f").StartAsync(i, $"{i}");
        }

        for (int i = 0; i < 3; i++)
        {
            host = await host.CrashAsync();
        }

        host.Node.Shards[0].Careful.IsOn.ShouldBeTrue();
        gate.SetResult();
        for (int i = 0; i < 5; i++)
        {
            (await host.Perdure.Flow<int, int>("f").Get($"{i}").ResultAsync().Soon()).ShouldBe(i);
        }

        await Deadline.UntilAsync("the end of careful mode", () => Task.FromResult(!host.Node.Shards[0].Careful.IsOn));
        host = await host.CrashAsync();
        host.Node.Shards[0].Commits.Lease.UncleanEnds.ShouldBeLessThan(2);
        await host.DisposeAsync();
    }
}
