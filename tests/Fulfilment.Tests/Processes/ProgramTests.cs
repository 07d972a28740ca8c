using System.Diagnostics;
using System.Net.Http.Json;
using Fulfilment.Payment;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Perdure;

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
    [InlineData("--card-limit", "P10000000D")]
    [InlineData("--undo-limit", "1 minute")]
    [InlineData("--style", "")]
    [InlineData("--orders", "many")]
    [InlineData("--orders", "-1")]
    [InlineData("--orders")]
    [InlineData("--amqp", "nonsense", "--service", "order")]
    [InlineData("--amqp", "http://localhost", "--service", "order")]
    [InlineData("--amqp", "amqp://localhost")]
    [InlineData("--service", "order", "--style", "queues")]
    [InlineData("--service", "order", "--style", "choreographed")]
    [InlineData("--serve", "--service", "order")]
    [InlineData("--urls", "nonsense", "--serve")]
    [InlineData("--urls", "http://localhost:99999", "--serve")]
    [InlineData("--wat")]
    public async Task A_bad_definition_fails_at_the_start_in_one_line(params string[] args)
    {
        (int code, string output, string errors) = await RunAsync([.. args, "--data", _folder]);

        code.ShouldBe(2, output + errors);
        errors.TrimEnd().Split('\n').ShouldHaveSingleItem().ShouldContain(args[0]);
        output.ShouldBeEmpty();
        Directory.EnumerateFileSystemEntries(_folder).ShouldBeEmpty();
    }

    [Fact]
    public async Task A_folder_that_cannot_be_made_is_said_so_in_one_line()
    {
        string file = Path.Combine(_folder, "a-file");
        await File.WriteAllTextAsync(file, "");
        foreach (string folder in (string[])[file, Path.Combine(file, "in-it")])
        {
            (int code, string output, string errors) = await RunAsync("--data", folder);
            code.ShouldBe(2, output + errors);
            errors.TrimEnd().Split('\n').ShouldHaveSingleItem().ShouldSatisfyAllConditions(line => line.ShouldContain("--data needs a folder"), line => line.ShouldContain(folder));
        }
    }

    [Fact]
    public async Task A_file_that_is_no_book_is_said_so_in_one_line()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "checkout-book.db"), "This is not what an SQLite file begins with, and it is long enough to tell.");
        (int code, string output, string errors) = await RunAsync("--orders", "1", "--data", _folder);
        code.ShouldBe(1, output + errors);
        errors.TrimEnd().Split('\n').ShouldHaveSingleItem().ShouldContain("fulfilment: ");
    }

    [Fact]
    public async Task A_service_says_that_it_waits_for_a_broker_that_is_not_there_until_it_is_stopped()
    {
        using Process service = Start("--service", "order", "--amqp", "amqp://127.0.0.1:1", "--data", _folder);
        try
        {
            string? said = await service.StandardError.ReadLineAsync().WaitAsync(Patience);
            said += await service.StandardError.ReadLineAsync().WaitAsync(Patience);
            said.ShouldContain("this waits for the broker at 127.0.0.1:1: Connection refused");

            using Process stop = Process.Start("kill", $"{service.Id}");
            await service.WaitForExitAsync().WaitAsync(Patience);

            service.ExitCode.ShouldBe(130);
            (await service.StandardOutput.ReadToEndAsync()).TrimEnd().ShouldBe("stopped: run the same command again, and it goes on");
            (await service.StandardError.ReadToEndAsync()).ShouldBeEmpty();
        }
        finally
        {
            service.Kill();
        }
    }

    [Fact]
    public async Task The_audit_does_not_wait_for_ever_for_those_who_undo()
    {
        string[] args = ["--style", "queues", "--orders", "13", "--undo-limit", "PT1S", "--data", _folder];
        await OnRefundsAsync(refunds => refunds.PauseAsync());

        (int code, string output, string errors) = await RunAsync(args);

        code.ShouldBe(1, output + errors);
        output.ShouldContain("orders 13 were cancelled, and are not undone after 00:00:01");
        output.ShouldContain("audit: 13 is cancelled: ");
        await OnRefundsAsync(refunds => refunds.ResumeAsync());
        (await RunAsync([.. args, "--undo-limit", "PT4M"])).Code.ShouldBe(0);
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
            (await http.PostAsJsonAsync("/provider", new { expiredPercent = 20 })).EnsureSuccessStatusCode();
            ((int)(await http.PutAsJsonAsync("/payments/v1", new Due("request-11", "9", 10, "ada", "visa-4"))).StatusCode).ShouldBe(402);
            ((int)(await http.PutAsJsonAsync("/payments/v1", new Due("request-11", "9", 10, "ada", "visa-3"))).StatusCode).ShouldBe(200);
            ((int)(await http.PostAsJsonAsync("/provider", new { expiredPercent = 101 })).StatusCode).ShouldBe(400);
            ((int)(await http.PostAsJsonAsync("/provider", new { slowSeconds = -1 })).StatusCode).ShouldBe(400);
        }
        finally
        {
            server.Kill();
            await server.WaitForExitAsync();
        }
    }

    /// <summary>What an operator does to a queue of a program that is not there now; it holds over its starts.</summary>
    private async Task OnRefundsAsync(Func<QueueHandle, Task> act)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddFulfilment(_folder, new FulfilmentOptions { Style = Style.Queues });
        using IHost host = builder.Build();
        await host.StartAsync();
        await act(host.Services.GetRequiredService<PerdureClient>().Queue("refunds"));
        await host.StopAsync();
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
