using Microsoft.Extensions.DependencyInjection;

namespace Perdure.Tests;

public class RegistrationTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task New_runs_take_the_newest_version_and_open_runs_stay_on_theirs()
    {
        TestHost host = await TestHost.StartAsync(p => p.AddFlow<Greet1>());
        FlowHandle<string> old = await host.Perdure.Flow<Greet1>().StartAsync("a", "1");
        await old.UntilAsync(d => d.Asks.Count == 1);

        await using TestHost both = await host.RestartAsync(p => p.AddFlow<Greet1>().AddFlow<Greet2>());
        FlowHandle<string> young = await both.Perdure.Flow<Greet2>().StartAsync("b", "2");
        await both.Perdure.Get("greet", "1").SignalAsync(1, "go");
        await young.SignalAsync(1, "go");

        (await both.Perdure.Flow<Greet1>().Get("1").ResultAsync().Soon()).ShouldBe("hello a");
        (await young.ResultAsync().Soon()).ShouldBe("good day b");
        (await young.DescribeAsync()).Version.ShouldBe(2);
    }

    [Fact]
    public async Task A_version_that_open_runs_need_and_no_code_serves_is_reported_and_nothing_is_lost()
    {
        TestHost host = await TestHost.StartAsync(p => p.AddFlow<Greet1>());
        await host.Perdure.Flow<Greet1>().StartAsync("a", "1");

        TestHost without = await host.RestartAsync(p => p.AddFlow<Greet2>());
        await Deadline.UntilAsync("the report", () => Task.FromResult(without.Log.Lines.Any(l => l.Contains("PRD3010: 1 open runs need greet version 1", StringComparison.Ordinal))));
        (await without.Services.GetRequiredService<PerdureHealthCheck>().CheckHealthAsync(new())).Status.ShouldBe(Microsoft.Extensions.Diagnostics.HealthChecks.HealthStatus.Degraded);
        await without.Perdure.Get("greet", "1").SignalAsync(1, "go").Soon();

        await using TestHost again = await without.RestartAsync(p => p.AddFlow<Greet1>());
        (await again.Perdure.Flow<Greet1>().Get("1").ResultAsync().Soon()).ShouldBe("hello a");
    }

    [Fact]
    public async Task A_second_start_with_the_same_id_is_the_same_run_and_with_another_input_a_conflict()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow<Greet1>());
        IFlowClient<Greet1> greet = host.Services.GetRequiredService<IFlowClient<Greet1>>();
        FlowHandle<string> first = await greet.StartAsync("a", "1").Soon();
        await greet.StartAsync("a", "1").Soon();
        FlowConflictException conflict = await Should.ThrowAsync<FlowConflictException>(() => greet.StartAsync("b", "1").Soon());
        conflict.Code.ShouldBe("PRD1002");
        conflict.Message.ShouldContain("another input");
        await greet.StartAsync("b", "1", new StartOptions { WhenExists = WhenExists.Join }).Soon();
        (await Should.ThrowAsync<FlowConflictException>(() => greet.StartAsync("a", "1", new StartOptions { WhenExists = WhenExists.Fail }).Soon())).Message.ShouldNotContain("another input");
        await first.SignalAsync(1, "go");
        (await greet.RunAsync("a", "1").Soon()).ShouldBe("hello a");
        (await host.Perdure.CountAsync()).ShouldBe(1);
    }

    [Fact]
    public async Task What_is_not_there_has_a_clear_error()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow<Greet1>());
        FlowHandle<string> nobody = host.Perdure.Flow<Greet1>().Get("nobody");
        await Should.ThrowAsync<FlowNotFoundException>(() => nobody.SignalAsync(1).Soon());
        await Should.ThrowAsync<FlowNotFoundException>(() => nobody.CancelAsync().Soon());
        await Should.ThrowAsync<FlowNotFoundException>(() => nobody.ResultAsync().Soon());
        await Should.ThrowAsync<FlowNotFoundException>(() => nobody.DescribeAsync().Soon());
        Should.Throw<PerdureException>(() => host.Perdure.Flow<Greet2>()).Code.ShouldBe("PRD1001");
        Should.Throw<PerdureException>(() => host.Perdure.Flow<int, int>("greet")).Code.ShouldBe("PRD1001");
        (await Should.ThrowAsync<PerdureException>(() => host.Perdure.Flow<Greet1>().StartAsync(new string('x', 3 * 1024 * 1024)).Soon())).Code.ShouldBe("PRD1005");
        (await Should.ThrowAsync<PerdureException>(() => host.Perdure.Flow<Greet1>().StartAsync("a", "a\nb").Soon())).Code.ShouldBe("PRD1007");
    }

    [Fact]
    public async Task Mistakes_are_found_at_start()
    {
        (await Should.ThrowAsync<PerdureException>(() => TestHost.StartAsync(p => p.AddFlow<NeedsScoped>(), services: s => s.AddScoped<Scoped>()))).Message.ShouldContain("PRD4001");
        (await Should.ThrowAsync<PerdureException>(() => TestHost.StartAsync(p => p.AddFlow<NeedsScoped>()))).Message.ShouldBe("PRD4012: flow needs-scoped takes Scoped, which is not registered: add it to the services.");
        Should.Throw<PerdureException>(() => new ServiceCollection().AddPerdure(p => p.AddFlow<Greet1>().AddFlow<Greet1>())).Code.ShouldBe("PRD4002");
        Should.Throw<PerdureException>(() => new ServiceCollection().AddPerdure(p => p.Configure(o => o.ShardCount = 0))).Code.ShouldBe("PRD4004");
        Should.Throw<PerdureException>(() => new ServiceCollection().AddPerdure(p => p.UseMemory().UseMemory())).Code.ShouldBe("PRD4003");
    }

    [Fact]
    public async Task A_flow_is_not_started_with_nothing()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow<Greet1>());

        await Should.ThrowAsync<ArgumentNullException>(() => host.Perdure.Flow<Greet1>().StartAsync(null!, "1").Soon());
        (await host.Perdure.CountAsync()).ShouldBe(0);
    }

    [Fact]
    public async Task Runs_are_listed_by_type_status_and_time()
    {
        await using TestHost host = await TestHost.StartAsync(p => p.AddFlow<Greet1>().AddFlow("add", async (int n, FlowContext flow) => await flow.Step(() => Task.FromResult(n), name: "a")));
        await host.Perdure.Flow<int, int>("add").RunAsync(1, "1").Soon();
        await host.Perdure.Flow<int, int>("add").RunAsync(1, "2").Soon();
        await host.Perdure.Flow<Greet1>().StartAsync("a", "3");

        (await host.Perdure.ListAsync(new FlowFilter { Type = "add", Statuses = [FlowStatus.Completed] }).Select(f => f.Id).ToListAsync()).ShouldBe(["2", "1"], ignoreOrder: true);
        (await host.Perdure.ListAsync(FlowFilter.Open).Select(f => $"{f.Type} {f.Id}").ToListAsync()).ShouldBe(["greet 3"]);
        (await host.Perdure.CountAsync(new FlowFilter { StartedBefore = DateTimeOffset.UtcNow.AddDays(-1) })).ShouldBe(0);
        (await host.Perdure.ListAsync(new FlowFilter { Limit = 1 }).CountAsync()).ShouldBe(1);
    }

    [Named("greet")]
    private sealed class Greet1 : IFlow<string, string>
    {
        public async Task<string> RunAsync(string input, FlowContext flow)
        {
            await flow.Signal<int>("go", Day);
            return $"hello {input}";
        }
    }

    [Named("greet", Version = 2)]
    private sealed class Greet2 : IFlow<string, string>
    {
        public async Task<string> RunAsync(string input, FlowContext flow)
        {
            await flow.Delay(TimeSpan.Zero);
            await flow.Signal<int>("go", Day);
            return $"good day {input}";
        }
    }

    private sealed class Scoped;

    private sealed class NeedsScoped(Scoped scoped) : IFlow<int>
    {
        public Task RunAsync(int input, FlowContext flow) => Task.FromResult(scoped);
    }
}
