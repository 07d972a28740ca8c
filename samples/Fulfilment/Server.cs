using Fulfilment.Ladder;
using Fulfilment.Participants;
using Fulfilment.Payment;

namespace Fulfilment;

/// <summary>Payment's endpoint over HTTP, once for each rung of the ladder.</summary>
internal static class Server
{
    private const int SlowSecondsMax = 3_600;

    public static async Task<int> RunAsync(CommandLine line)
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(["--urls", line.Urls]);
        builder.Logging.AddFilter("Microsoft.AspNetCore", LogLevel.Warning)
            .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None);      // why the start failed is said by Program, in one line
        builder.Services.AddFulfilment(line.DataFolder, line.Options, PaymentLadder.Register).AddHostedService<Worker>();
        await using WebApplication app = builder.Build();
        app.MapPut("/payments/{rung}", async (string rung, Due due, PaymentLadder ladder, CancellationToken stop) =>
        {
            Task<Answer>? answer = rung switch
            {
                "v1" => ladder.PlainAsync(due, stop),
                "v2" => ladder.FailFastAsync(due),
                "v2b" => ladder.TryThriceAsync(due),
                "v3" => ladder.LaterAsync(due),
                "v4" => ladder.NowOrLaterAsync(due),
                "v5" => ladder.PullAsync(due),
                "v6" => ladder.CompensateAsync(due),
                "v7" => ladder.CompensateFirstAsync(due),
                _ => null,
            };
            return answer is null ? Results.NotFound() : Results.Json(await answer, statusCode: (await answer).Status);
        });
        app.MapPost("/provider", (ProviderSetting setting, ProviderFaults faults) =>
        {
            if (setting is not { SlowSeconds: >= 0 and <= SlowSecondsMax, ExpiredPercent: >= 0 and <= 100 })
            {
                return Results.BadRequest($"slowSeconds is 0 to {SlowSecondsMax}, expiredPercent 0 to 100");
            }

            (faults.Slow, faults.IsDown, faults.LosesAnswers, faults.ExpiredPercent) = (TimeSpan.FromSeconds(setting.SlowSeconds), setting.IsDown, setting.LosesAnswers, setting.ExpiredPercent);
            return Results.Ok(setting);
        });
        await app.RunAsync();
        return 0;
    }

    private sealed record ProviderSetting(double SlowSeconds = 0, bool IsDown = false, bool LosesAnswers = false, int ExpiredPercent = 0);

    /// <summary>V5's worker, which might as well be a program of its own.</summary>
    private sealed class Worker(PaymentLadder ladder, ILogger<Worker> log) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                try
                {
                    await ladder.WorkAsync("worker", TimeSpan.FromSeconds(10), stoppingToken);
                }
                catch (Exception e) when (!stoppingToken.IsCancellationRequested)
                {
                    log.LogWarning(e, "the worker leaves a charge to its lease's end");
                }
            }
        }
    }
}
