using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Perdure.Diagnostics;

namespace Perdure.Testing.Tests.Replay;

/// <summary>Recorded runs against changed code: from files, and from a store.</summary>
public sealed class ReplayCheckTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("perdure-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_code_that_wrote_a_history_fits_it()
    {
        await RecordAsync(ends: true);

        ReplayReport report = await ReplayCheck.FolderAsync(Flows.Of(SellAsync), _folder);

        report.ShouldPass();
        report.Runs.ShouldBe(1);
        report.ToString().ShouldBe("1 runs replayed, and all fit the code.");
    }

    [Fact]
    public async Task A_run_that_would_get_stuck_is_named_with_the_step_and_both_sides()
    {
        await RecordAsync(ends: false);

        ReplayReport report = await ReplayCheck.FolderAsync(Flows.Of((id, flow) => SellAsync(id, flow, second: "Post")), _folder);

        ReplayProblem problem = report.Problems.ShouldHaveSingleItem();
        (problem.Type, problem.Id, problem.Version, problem.Code, problem.Position, problem.After).ShouldBe(("flow", "1", 1, ErrorCodes.HistoryMismatch, 1, "step Pay"));
        problem.Reason.ShouldContain("history says step `Ship`, the code says step `Post`");
        problem.Source.ShouldNotBeNull();
        Should.Throw<ExpectationException>(report.ShouldPass).Message.ShouldStartWith("1 of 1 runs do not fit the code:");
    }

    [Fact]
    public async Task A_check_says_what_the_engine_will_say()
    {
        var changed = Flows.Of((id, flow) => SellAsync(id, flow, second: "Post"));
        await using FlowTest test = await Flows.StartAsync(SellAsync);
        FlowHandle<int> run = await test.StartFlowAsync<int>();
        await test.IdleAsync();
        await test.Perdure.ExportAsync(_folder);
        ReplayProblem problem = (await ReplayCheck.FolderAsync(changed, _folder)).Problems.ShouldHaveSingleItem();

        await test.RestartAsync(changed);
        await run.SignalAsync(1, "go");
        await test.IdleAsync();

        (await run.ShouldBeStuckAsync(problem.Code)).StuckReason.ShouldBe(problem.Reason);
    }

    [Fact]
    public async Task A_run_whose_code_is_not_there_is_reported()
    {
        await RecordAsync(ends: false);

        ReplayReport report = await ReplayCheck.FolderAsync(services => services.AddPerdure(p => p.UseMemory().AddFlow("other", (int _, FlowContext _) => Task.FromResult(1))), _folder);

        report.Problems.ShouldHaveSingleItem().Code.ShouldBe(ErrorCodes.NoCode);
    }

    [Fact]
    public async Task An_ended_run_must_come_to_its_result()
    {
        await RecordAsync(ends: true);

        ReplayReport report = await ReplayCheck.FolderAsync(Flows.Of((id, flow) => SellAsync(id, flow, result: 8)), _folder);

        report.Problems.ShouldHaveSingleItem().Reason.ShouldBe("the result differs: history says 7, the code says 8.");
    }

    [Fact]
    public async Task Code_that_would_wait_where_the_run_ended_is_found()
    {
        await RecordAsync(ends: true);

        ReplayReport report = await ReplayCheck.FolderAsync(Flows.Of(async (id, flow) =>
        {
            await SellAsync(id, flow);
            await flow.Delay(TimeSpan.FromDays(1));
            return 7;
        }), _folder);

        report.Problems.ShouldHaveSingleItem().Reason.ShouldContain("history says the end (completed), the code says timer `Delay`");
    }

    [Fact]
    public async Task Code_that_does_not_come_back_is_left_behind()
    {
        await RecordAsync(ends: false);
        using var never = new ManualResetEventSlim();

        ReplayReport report = await ReplayCheck.FolderAsync(services => services.AddPerdure(perdure => perdure
            .UseMemory()
            .Configure(o => (o.BlockingWaitMax, o.TurnTimeMax) = (TimeSpan.FromTicks(1), TimeSpan.FromMilliseconds(1)))
            .AddFlow("flow", (string _, FlowContext _) =>
            {
                never.Wait();
                return Task.FromResult(1);
            })), _folder);

        report.Problems.ShouldHaveSingleItem().Code.ShouldBe(ErrorCodes.TurnTooLong);
        never.Set();
    }

    [Fact]
    public async Task A_run_that_is_stuck_is_found_to_be_repaired_or_not()
    {
        var broken = Flows.Of((id, flow) => SellAsync(id, flow, second: "Post"));
        await using FlowTest test = await Flows.StartAsync(SellAsync);
        FlowHandle<int> run = await test.StartFlowAsync<int>();
        await test.IdleAsync();
        await test.RestartAsync(broken);
        await run.SignalAsync(1, "go");
        await test.IdleAsync();
        await run.ShouldBeStuckAsync();
        await test.Perdure.ExportAsync(_folder);

        (await ReplayCheck.FolderAsync(broken, _folder)).Passes.ShouldBeFalse();
        (await ReplayCheck.FolderAsync(Flows.Of(SellAsync), _folder)).Passes.ShouldBeTrue();
    }

    [Fact]
    public async Task The_open_runs_of_a_store_are_checked_and_nothing_runs()
    {
        int steps = 0;
        Task<int> Count(string id, FlowContext flow) => SellAsync(id, flow, step: () => steps++);
        await using FlowTest test = await Flows.StartAsync(Count);
        await test.StartFlowAsync<int>("1");
        await test.StartFlowAsync<int>("2");
        await test.IdleAsync();
        int before = steps;

        ReplayReport report = await test.Perdure.CheckReplayAsync();

        (report.Runs, report.Passes, steps).ShouldBe((2, true, before));
    }

    [Fact]
    public async Task A_store_can_be_checked_before_its_host_is_started()
    {
        string file = Path.Combine(_folder, "flows.db");
        using (IHost host = Compose(file, SellAsync))
        {
            await host.StartAsync();
            FlowHandle<int> run = await host.Services.GetRequiredService<PerdureClient>().Flow<string, int>("flow").StartAsync("1", id: "1");
            await run.SignalAsync(1, "unasked");
            await host.StopAsync();
        }

        using (IHost next = Compose(file, (id, flow) => SellAsync(id, flow, first: "Charge")))
        {
            ReplayReport report = await next.Services.GetRequiredService<PerdureClient>().CheckReplayAsync();

            report.Problems.ShouldHaveSingleItem().Reason.ShouldContain("history says step `Pay`, the code says step `Charge`");
            await next.StartAsync();
            await next.StopAsync();
        }

        ReplayReport again = await ReplayCheck.StoreAsync(services => services.AddPerdure(perdure => perdure.UseSqlite(file).AddFlow<string, int>("flow", SellAsync)));

        again.ShouldPass();
    }

    [Fact]
    public async Task Chance_and_ids_are_the_same_from_a_file()
    {
        static async Task<string> RollAsync(string id, FlowContext flow)
        {
            await flow.Step(() => Task.CompletedTask, name: $"Roll {flow.Random.Next()} {flow.NewGuid()} {flow.Now:O}");
            return id;
        }

        await using (FlowTest test = await Flows.StartAsync(RollAsync))
        {
            await (await test.StartFlowAsync<string>()).ResultAsync();
            await test.Perdure.ExportAsync(_folder);
        }

        (await ReplayCheck.FolderAsync(Flows.Of(RollAsync), _folder)).ShouldPass();
    }

    [Fact]
    public async Task One_file_can_be_checked_and_a_run_can_be_exported_alone()
    {
        string file = Path.Combine(_folder, "one.json");
        await using (FlowTest test = await Flows.StartAsync(SellAsync))
        await using (FileStream stream = File.Create(file))
        {
            FlowHandle<int> run = await test.StartFlowAsync<int>();
            await test.IdleAsync();
            await run.ExportAsync(stream);
        }

        (await ReplayCheck.FileAsync(Flows.Of(SellAsync), file)).ShouldPass();
    }

    [Theory]
    [InlineData("{}", "does not say its format")]
    [InlineData("{\"format\": 99}", "reads formats up to 1")]
    [InlineData("nonsense", "cannot be read as a history")]
    public async Task What_is_no_history_is_refused(string text, string says)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "x.json"), text);

        (await Should.ThrowAsync<FormatException>(() => ReplayCheck.FolderAsync(Flows.Of(SellAsync), _folder))).Message.ShouldContain(says);
    }

    [Fact]
    public async Task A_check_of_nothing_does_not_pass()
        => Should.Throw<ExpectationException>((await ReplayCheck.FolderAsync(Flows.Of(SellAsync), _folder)).ShouldPass).Message.ShouldContain("no run to check");

    [Fact]
    public async Task The_format_is_as_documented()
    {
        await RecordAsync(ends: true);

        using JsonDocument file = JsonDocument.Parse(await File.ReadAllTextAsync(Directory.GetFiles(_folder).Single()));

        JsonElement root = file.RootElement;
        root.GetProperty("format").GetInt32().ShouldBe(1);
        root.EnumerateObject().Select(p => p.Name).ShouldBe(["format", "type", "id", "version", "run", "seed", "status", "startedAt", "endedAt", "history"]);
        JsonElement[] history = [.. root.GetProperty("history").EnumerateArray()];
        history[0].EnumerateObject().Select(p => p.Name).ShouldBe(["at", "kind", "payload", "asks"]);
        history[0].GetProperty("asks").EnumerateArray().Select(line => line.GetString()).ShouldBe(["S Pay"]);
        history[^1].GetProperty("asks").EnumerateArray().Select(line => line.GetString()).ShouldBe(["=completed"]);
        history[^1].GetProperty("result").GetInt32().ShouldBe(7);
    }

    private static Task<int> SellAsync(string id, FlowContext flow) => SellAsync(id, flow, first: "Pay");

    private static async Task<int> SellAsync(string id, FlowContext flow, string first = "Pay", string second = "Ship", int result = 7, Action? step = null)
    {
        await flow.Step(() => Do(step), name: first);
        await flow.Step(() => Do(step), name: second);
        await flow.Signal<int>("go", TimeSpan.FromDays(1));
        return result + (id.Length * 0);
    }

    private static Task Do(Action? step)
    {
        step?.Invoke();
        return Task.CompletedTask;
    }

    private static IHost Compose(string file, Func<string, FlowContext, Task<int>> flow)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddPerdure(perdure => perdure.UseSqlite(file).AddFlow("flow", flow));
        return builder.Build();
    }

    private async Task RecordAsync(bool ends)
    {
        await using FlowTest test = await Flows.StartAsync(SellAsync);
        FlowHandle<int> run = await test.StartFlowAsync<int>();
        await test.IdleAsync();
        if (ends)
        {
            await run.SignalAsync(1, "go");
            await run.ResultAsync();
        }

        (await test.Perdure.ExportAsync(_folder)).ShouldBe(1);
    }
}
