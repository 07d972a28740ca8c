using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Perdure.CrashTests.Victim.Effects;

namespace Perdure.CrashTests.Victim;

/// <summary>A job of the victim's; its name says who made it, and its key's place in order.</summary>
internal sealed record VictimJob(string Name, string Lane, int Number) : IJob;

/// <summary>Enqueues jobs and does them, until all are done, through as many processes as it takes. Some are cancelled.</summary>
internal static class JobVictim
{
    public const int Lanes = 6;
    public const int JobsPerLane = 40;
    private const int CancelEvery = 9;
    private static readonly TimeSpan Work = TimeSpan.FromMilliseconds(2);

    public static async Task RunAsync(string folder, int life)
    {
        using var log = new JobLog(folder, life);
        using IHost host = Build(folder, log);
        await host.StartAsync();
        Console.WriteLine("ready");
        PerdureClient client = host.Services.GetRequiredService<PerdureClient>();
        HashSet<string> acknowledged = [.. JobLog.Read(folder, life).Where(l => l.Verb == JobVerb.Enqueued).Select(l => $"{l.Lane} {l.Number.ToString(CultureInfo.InvariantCulture)}")];
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(lane => EnqueueAsync(client, log, $"lane-{lane.ToString(CultureInfo.InvariantCulture)}", life, acknowledged)));
        while (await client.OpenJobsAsync() > 0)
        {
            await Task.Delay(2);
        }

        await host.StopAsync();
        Console.WriteLine("done");
    }

    /// <summary>Enqueues a lane's jobs one after the other: those that no process was told of, again.</summary>
    private static async Task EnqueueAsync(PerdureClient client, JobLog log, string lane, int life, HashSet<string> acknowledged)
    {
        for (int number = 0; number < JobsPerLane; number++)
        {
            if (acknowledged.Contains($"{lane} {number.ToString(CultureInfo.InvariantCulture)}"))
            {
                continue;
            }

            var job = new VictimJob($"{lane}/{number.ToString(CultureInfo.InvariantCulture)}/{life.ToString(CultureInfo.InvariantCulture)}", lane, number);
            string queue = lane.EndsWith('0') || lane.EndsWith('1') ? "plain" : "ordered";
            JobHandle handle = await client.EnqueueAsync(job, new JobOptions { Queue = queue, Key = lane });
            log.Write(JobVerb.Enqueued, job);
            if (number % CancelEvery == CancelEvery - 1)
            {
                log.Write(JobVerb.Cancelling, job);
                await handle.CancelAsync();
                JobInfo shown = await handle.DescribeAsync();
                if (shown.Status == JobStatus.Cancelled) // one that runs is cancelling first, and may have been on its way to its handler
                {
                    log.Write(JobVerb.Cancelled, job);
                }
            }
        }
    }

    private static IHost Build(string folder, JobLog log)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.SetMinimumLevel(LogLevel.None);
        builder.Services.AddPerdure(p => p
            .UseSqlite(Path.Combine(folder, "jobs.db"))
            .AddQueue("plain", q => (q.Concurrency, q.Retry) = (4, Retry.Fixed(50, TimeSpan.FromMilliseconds(5))))
            .AddQueue("ordered", q => (q.Concurrency, q.InOrder, q.Retry) = (4, true, Retry.Fixed(50, TimeSpan.FromMilliseconds(5))))
            .AddJob<VictimJob>("plain")
            .AddHandler<VictimJob>("plain", (job, context) => HandleAsync(log, job, context))
            .AddHandler<VictimJob>("ordered", (job, context) => HandleAsync(log, job, context)));
        return builder.Build();
    }

    private static async Task HandleAsync(JobLog log, VictimJob job, JobContext context)
    {
        log.Write(JobVerb.Began, job);
        await Task.Delay(Work, context);
        if ((job.Number + context.Attempt) % 5 == 0)
        {
            throw new IOException("this time it fails");
        }

        log.Write(JobVerb.Done, job);
    }

    /// <summary>How many jobs have not ended.</summary>
    private static async Task<int> OpenJobsAsync(this PerdureClient client)
    {
        int open = 0;
        foreach (string queue in new[] { "plain", "ordered" })
        {
            QueueStats stats = await client.Queue(queue).StatsAsync();
            open += stats.Waiting + stats.Delayed + stats.Running;
        }

        return open;
    }
}
