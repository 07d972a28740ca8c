using System.Text.RegularExpressions;
using Perdure.Shared;

namespace Orders.Tests;

/// <summary>The program itself, as a user starts it.</summary>
public sealed class SampleTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_malformed_line_is_reported_with_its_number_and_the_rest_runs()
    {
        string[] lines = File.ReadLines("orders.jsonl").Take(12).ToArray();
        lines[2] = """{"id": "1003", "consumer": """;
        lines[6] = """{"id": "1007"}""";
        lines[9] = lines[8];
        string file = Path.Combine(_folder.Path, "orders.jsonl");
        await File.WriteAllLinesAsync(file, lines);

        using Sample run = Sample.Start(file, "--data", _folder.Path);
        (await run.ExitCodeAsync()).ShouldBe(0, run.ToString());

        run.Errors.ShouldContain("line 3:");
        run.Errors.ShouldContain("line 7:");
        run.Errors.ShouldContain("line 10: order 1009 is on line 9 already");
        run.Output.ShouldContain("9 orders: ");
    }

    [Theory]
    [InlineData("orchestration", 150, 20, 60)]
    [InlineData("choreography", 80, 20)]
    public Task Killed_it_goes_on_and_no_card_is_charged_twice(string style, int count, params int[] kills)
        => KillAndCheckAsync(["--style", style], count, kills);

    [Theory]
    [InlineData("orchestration")]
    [InlineData("choreography")]
    public async Task Killed_it_goes_on_with_its_flows_in_PostgreSQL(string style)
    {
        await using PostgresServer server = await PostgresServer.StartNewAsync();
        await KillAndCheckAsync(["--style", style, "--postgres", server.ConnectionString], 80, 20);
    }

    [Fact]
    public async Task Three_processes_share_the_orders_and_two_go_on_when_one_is_killed()
    {
        const int Count = 120;
        await using PostgresServer server = await PostgresServer.StartNewAsync();
        string file = Path.Combine(_folder.Path, "orders.jsonl");
        await File.WriteAllLinesAsync(file, File.ReadLines("orders.jsonl").Take(Count));
        string[] options = [file, "--data", _folder.Path, "--together", "8", "--lost-rate", "0.2", "--postgres", server.ConnectionString];
        using Sample first = Sample.Start(options);
        using Sample victim = Sample.Start(options);
        using Sample third = Sample.Start(options);
        await victim.SaysAsync(line => Regex.Match(line, $"s: ([0-9]+) of {Count} orders done") is { Success: true } progress && int.Parse(progress.Groups[1].Value) >= 20);
        victim.Kill();

        foreach (Sample left in new[] { first, third })
        {
            (await left.ExitCodeAsync()).ShouldBe(0, left.ToString());
            left.Output.ShouldContain($"{Count} orders: ");
            left.Output.ShouldContain(" cards once, 0 twice");
        }
    }

    private async Task KillAndCheckAsync(string[] options, int count, params int[] kills)
    {
        string file = Path.Combine(_folder.Path, "orders.jsonl");
        await File.WriteAllLinesAsync(file, File.ReadLines("orders.jsonl").Take(count));
        foreach (int done in kills)
        {
            using Sample victim = Sample.Start([file, "--data", _folder.Path, "--together", "24", "--lost-rate", "0.2", .. options]);
            await victim.SaysAsync(line => Regex.Match(line, $"s: ([0-9]+) of {count} orders done") is { Success: true } progress && int.Parse(progress.Groups[1].Value) >= done);
            victim.Kill();
        }

        using Sample run = Sample.Start([file, "--data", _folder.Path, .. options]);
        (await run.ExitCodeAsync()).ShouldBe(0, run.ToString());

        Match pickedUp = Regex.Match(run.Output, "picked up ([0-9]+) orders? in flight; ([0-9]+) were done before");
        int.Parse(pickedUp.Groups[1].Value).ShouldBeInRange(1, 24, run.ToString());
        int.Parse(pickedUp.Groups[2].Value).ShouldBeInRange(kills[^1], count, run.ToString());
        Match ended = Regex.Match(run.Output, $"{count} orders: ([0-9]+) approved, ([0-9]+) rejected .* charged ([0-9]+) cards once, 0 twice");
        ended.Groups[1].Value.ShouldBe(ended.Groups[3].Value, run.ToString());
        (int.Parse(ended.Groups[1].Value) + int.Parse(ended.Groups[2].Value)).ShouldBe(count);
        run.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task Started_again_when_all_is_done_it_does_nothing_again()
    {
        string file = Path.Combine(_folder.Path, "orders.jsonl");
        await File.WriteAllLinesAsync(file, File.ReadLines("orders.jsonl").Take(10));
        using Sample first = Sample.Start(file, "--data", _folder.Path);
        await first.ExitCodeAsync();

        using Sample second = Sample.Start(file, "--data", _folder.Path);
        (await second.ExitCodeAsync()).ShouldBe(0, second.ToString());

        second.Output.ShouldContain("picked up 0 orders in flight; 10 were done before");
        second.Output.ShouldContain("on the network: 0 calls slow, 0 failed, 0 timed out, 0 lost their answer");
        second.Output.Split('\n')[^2].ShouldBe(first.Output.Split('\n')[^2]);
    }

    [Fact]
    public async Task A_file_without_orders_ends_well()
    {
        string file = Path.Combine(_folder.Path, "orders.jsonl");
        await File.WriteAllTextAsync(file, "");
        using Sample run = Sample.Start(file, "--data", _folder.Path);
        (await run.ExitCodeAsync()).ShouldBe(0, run.ToString());

        run.Output.ShouldContain("has no order");
        run.Errors.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_second_process_on_the_same_files_is_one_line_and_exit_code_1()
    {
        using Sample first = Sample.Start("--serve", "--urls", "http://127.0.0.1:0", "--data", _folder.Path);
        await first.SaysAsync(line => line.Contains("http://127.0.0.1:"));

        using Sample second = Sample.Start("--data", _folder.Path);
        (await second.ExitCodeAsync()).ShouldBe(1, second.ToString());
        second.Errors.TrimEnd().Split('\n').ShouldHaveSingleItem().ShouldContain("PRD5001");
        first.Kill();
    }

    [Theory]
    [InlineData("--wat")]
    [InlineData("--fail-rate", "1.5")]
    [InlineData("--lost-rate", "0.5", "--fail-rate", "0.5")]
    [InlineData("--data")]
    [InlineData("--style", "waltz")]
    [InlineData("--sequential")]
    public async Task A_bad_option_is_one_line_and_exit_code_2(params string[] args)
    {
        using Sample run = Sample.Start(args);

        (await run.ExitCodeAsync()).ShouldBe(2);
        run.Errors.TrimEnd().Split('\n').ShouldHaveSingleItem().ShouldContain(args[0]);
        run.Output.ShouldBeEmpty();
    }
}
