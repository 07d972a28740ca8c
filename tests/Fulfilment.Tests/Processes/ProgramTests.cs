using System.Diagnostics;
using System.Net.Http.Json;
using Fulfilment.Payment;

namespace Fulfilment.Tests.Processes;

/// <summary>The program itself, as a user starts it.</summary>
public sealed class ProgramTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly string _folder = Directory.CreateTempSubdirectory("fulfilment-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("orchestrated")]
    [InlineData("choreographed")]
    [InlineData("queues")]
    public async Task Every_style_takes_the_same_orders_to_the_same_ends(string style)
    {
        (int code, string output, string errors) = await RunAsync("--style", style, "--orders", "60", "--data", _folder);

        code.ShouldBe(0, output + errors);
        output.ShouldContain("60 orders: 53 completed, 7 cancelled");
        output.ShouldContain("audit: every order is paid, fetched and shipped once, or nothing is left of it; ");
        (await RunAsync("--style", style, "--orders", "60", "--data", _folder)).Code.ShouldBe(0);    // again: nothing is done twice
    }

    /// <summary>An older model of this flow had its limit as PT7D, and nobody saw it before the seventh day.</summary>
    [Theory]
    [InlineData("--card-limit", "PT7D")]
    [InlineData("--goods-limit", "12h")]
    [InlineData("--payment-limit", "P0D")]
    [InlineData("--shipment-limit", "-PT24H")]
    [InlineData("--style", "waltz")]
    [InlineData("--service", "billing")]
    [InlineData("--orders", "many")]
    [InlineData("--wat")]
    public async Task A_bad_definition_fails_at_the_start_in_one_line(params string[] args)
    {
        (int code, string output, string errors) = await RunAsync([.. args, "--data", _folder]);

        code.ShouldBe(2, output + errors);
        errors.TrimEnd().Split('\n').ShouldHaveSingleItem().ShouldContain(args[0]);
        output.ShouldBeEmpty();
        Directory.EnumerateFileSystemEntries(_folder).ShouldBeEmpty();
    }

    [Theory]
    [InlineData("P20D", 20 * 24)]
    [InlineData("PT12H", 12)]
    [InlineData("P1DT12H", 36)]
    public void A_limit_is_a_duration_of_ISO_8601(string text, int hours) => FulfilmentLimits.Parse(text).ShouldBe(TimeSpan.FromHours(hours));

    [Fact]
    public async Task The_ladder_answers_over_HTTP()
    {
        using Process server = Start("--serve", "--urls", "http://127.0.0.1:0", "--data", _folder);
        try
        {
            string? line;
            do
            {
                line = await server.StandardOutput.ReadLineAsync().WaitAsync(Patience);
            }
            while (line?.Contains("http://127.0.0.1:", StringComparison.Ordinal) == false);
            using var http = new HttpClient { BaseAddress = new Uri(line.ShouldNotBeNull()[line.IndexOf("http", StringComparison.Ordinal)..]), Timeout = Patience };
            // Where a rung has so much time and no more, a busy machine may say either; LadderTests have the times, in virtual time.
            foreach ((string rung, int[] answers) in ((string, int[])[])[("v1", [200]), ("v2", [200, 503]), ("v2b", [200, 503]), ("v3", [202]), ("v4", [200, 202]), ("v5", [202]), ("v6", [200, 202]), ("v7", [200, 202]), ("v8", [404])])
            {
                HttpResponseMessage answer = await http.PutAsJsonAsync($"/payments/{rung}", new Due($"request-{rung}", rung, 10, "ada", "visa-1"));
                answers.ShouldContain((int)answer.StatusCode, rung);
            }

            await http.PostAsJsonAsync("/provider", new { isDown = true });
            ((int)(await http.PutAsJsonAsync("/payments/v1", new Due("request-9", "9", 10, "ada", "visa-1"))).StatusCode).ShouldBe(503);
            ((int)(await http.PutAsJsonAsync("/payments/v4", new Due("request-10", "9", 10, "ada", "visa-1"))).StatusCode).ShouldBe(202);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    private static async Task<(int Code, string Output, string Errors)> RunAsync(params string[] args)
    {
        using Process process = Start(args);
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> errors = process.StandardError.ReadToEndAsync();
        using var late = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(late.Token);
        }
        catch (OperationCanceledException e)
        {
            process.Kill();
            throw new TimeoutException($"It does not end: {await output}{await errors}", e);
        }

        return (process.ExitCode, await output, await errors);
    }

    private static Process Start(params string[] args)
        => Process.Start(new ProcessStartInfo("dotnet", [typeof(Order).Assembly.Location, .. args]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true })!;
}
