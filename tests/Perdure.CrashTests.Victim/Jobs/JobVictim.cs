using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Perdure.CrashTests.Victim.Jobs;

/// <summary>A job of the victim's; its name says who made it, and its number its place in its lane.</summary>
internal sealed record VictimJob(string Name, string Lane, int Number) : IJob;

/// <summary>Makes work of all kinds and does it, until all is done, through as many processes as it takes.</summary>
internal static class JobVictim
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(2);

    public static async Task RunAsync(string folder, int life)
    {
        using var log = new JobLog(folder, life);
        Work[] works = [new LaneWork(log), new BatchWork(log), new LeasedWork(log), new DeadLetterWork(log), new EventWork(log)];
        var ticks = new TickWork(log);
        using IHost host = Build(folder, log, [.. works, ticks]);
        await host.StartAsync();
        Console.WriteLine("ready");
        PerdureClient client = host.Services.GetRequiredService<PerdureClient>();
        using var over = new CancellationTokenSource();
        Task tended = Task.WhenAll(works.Select(w => w.TendAsync(client, over.Token)));
        await Task.WhenAll(works.Select(w => w.MakeAsync(client)));
        foreach (Work work in works)
        {
            await UntilOverAsync(work, client);
        }

        await over.CancelAsync();
        await tended;
        await TickWork.EndAsync(client);
        await UntilOverAsync(ticks, client);
        await host.StopAsync();
        Console.WriteLine("done");
    }

    private static async Task UntilOverAsync(Work work, PerdureClient client)
    {
        while (!await work.IsOverAsync(client))
        {
            await Task.Delay(LookAgain);
        }
    }

    private static IHost Build(string folder, JobLog log, Work[] works)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.Services.AddSingleton(log).AddPerdure(p =>
        {
            p.UseSqlite(Path.Combine(folder, "jobs.db")).AddJob<VictimJob>(LaneWork.Plain);
            Array.ForEach(works, w => w.AddTo(p));
        });
        return builder.Build();
    }
}
