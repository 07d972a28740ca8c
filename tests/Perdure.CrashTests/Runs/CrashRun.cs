using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Perdure.CrashTests.Checks;
using Perdure.CrashTests.Victim;
using Perdure.CrashTests.Victim.Effects;
using Perdure.CrashTests.Victim.Plans;

namespace Perdure.CrashTests.Runs;

/// <summary>How a process is ended.</summary>
internal enum Ending
{
    /// <summary>kill -9.</summary>
    Kill,

    /// <summary>SIGTERM, and all the time it needs.</summary>
    Stop,
}

/// <summary>One store from its first process to its last: each is ended at a random moment, the last one is left alone.</summary>
internal sealed class CrashRun(long seed, int repetition, Ending ending, int endingsMax)
{
    private const int Flows = 30;

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan QuietLimit = TimeSpan.FromSeconds(20);

    private readonly Dice _dice = new(seed, $"moments {repetition}");
    private readonly string _folder = Directory.CreateTempSubdirectory("perdure-crash-").FullName;

    /// <summary>How often the process was ended while it had work to do.</summary>
    public int Ended { get; private set; }

    /// <summary>How many flows were stuck because the process had died while they ran alone, and were put back to work.</summary>
    public int Retried { get; private set; }

    /// <summary>What is wrong; empty when nothing is.</summary>
    public List<string> Complaints { get; } = [];

    public string Folder => _folder;

    public async Task RunAsync()
    {
        int life = 0;
        for (int left = Math.Min(_dice.Between(4, 9), endingsMax); left > 0 && await LiveAndEndAsync(life); left--)
        {
            life++;
        }

        life++;
        if (Complaints.Count == 0 && await LiveAsync(life))
        {
            await LookAsync(life + 1);
        }

        if (Complaints.Count == 0)
        {
            Directory.Delete(_folder, recursive: true);
        }
    }

    /// <summary>Starts a process and ends it at a random moment.</summary>
    /// <returns>Whether there is more to do.</returns>
    private async Task<bool> LiveAndEndAsync(int life)
    {
        await using var victim = VictimProcess.Start(SettingsOf(life));
        if (!_dice.Chance(0.25))
        {
            await victim.ReadyAsync(StartLimit);
        }

        await Task.Delay(_dice.Milliseconds(0, 400));
        if (ending == Ending.Kill)
        {
            victim.Kill();
        }
        else
        {
            await victim.StopAsync();
        }

        (int code, string errors) = await victim.EndAsync(EndLimit);
        bool wasEnded = ending == Ending.Kill ? code is 137 : victim.IsStopped || (code is 143 && !victim.IsDone);
        if (wasEnded)
        {
            Ended++;
            if (victim.IsStopped && File.Exists(SettingsOf(life).Store)) // it may have been stopped before it made one
            {
                CheckCleanStop();
            }
        }
        else if (!victim.IsDone || code is not (0 or 143)) // the signal may come when it is done, and its host no longer listens
        {
            Complaints.Add($"process {life} ended with {code}: {errors}");
        }

        return wasEnded;
    }

    /// <summary>Starts a process and leaves it alone until all flows have ended.</summary>
    private async Task<bool> LiveAsync(int life)
    {
        await using var victim = VictimProcess.Start(SettingsOf(life));
        try
        {
            (int code, string errors) = await victim.EndAsync(EndLimit);
            if (code != 0 || !victim.IsDone)
            {
                Complaints.Add($"process {life}, which was left alone, ended with {code}: {errors}");
            }
        }
        catch (OperationCanceledException)
        {
            victim.Kill();
            await victim.EndAsync(EndLimit);
            Complaints.Add($"process {life}, which was left alone, was not done within {EndLimit}");
        }

        if (Complaints.Count > 0)
        {
            using var file = new StoreFileReader(SettingsOf(life).Store);
            Complaints.AddRange(file.Runs().Where(r => !r.HasEnded).Select(r => $"{r.Id} is open: status {r.Status} {r.StuckCode}"));
        }

        return Complaints.Count == 0;
    }

    /// <summary>Lets the engine itself say what there is, and compares that, and all else, with what should be.</summary>
    private async Task LookAsync(int life)
    {
        Settings settings = SettingsOf(life);
        List<FlowDescription> described = [];
        using (IHost host = VictimHost.Build(settings))
        {
            await host.StartAsync();
            PerdureClient client = host.Services.GetRequiredService<PerdureClient>();
            if (!await IsQuietAsync(client, host.Services.GetRequiredService<World>(), settings.Store))
            {
                Complaints.Add($"children that nobody awaits did not end within {QuietLimit}");
            }

            await foreach (FlowInfo flow in client.ListAsync())
            {
                described.Add(await client.Get(flow.Type, flow.Id).DescribeAsync());
            }

            await host.StopAsync();
        }

        CheckCleanStop();
        using var file = new StoreFileReader(settings.Store);
        List<StoredRun> runs = file.Runs();
        List<LedgerLine> ledger = Ledger.Read(_folder);
        Retried = ledger.Count(l => l.Verb == LedgerVerb.Retried);
        Complaints.AddRange(new Evidence(seed, Flows, runs, ledger) { EndedCleanly = ending == Ending.Stop }.Complaints());
        Complaints.AddRange(new[] { "inbox", "backoff" }.Where(t => file.Count(t) > 0).Select(t => $"table {t} still has {file.Count(t)} rows"));
        Complaints.AddRange(file.ShardsBehindTheirHistory().Select(s => $"shard {s}'s time is before that of its last input"));
        CompareDescriptions(runs, described);
    }

    /// <summary>Waits for children that nobody awaits: the last process may have ended before them. Those that wait for a repair get it.</summary>
    private static async Task<bool> IsQuietAsync(PerdureClient client, World world, string store)
    {
        DateTimeOffset end = DateTimeOffset.UtcNow + QuietLimit;
        using var file = new StoreFileReader(store);
        while (file.Count("inbox") > 0 || await client.CountAsync(FlowFilter.Open) > 0)
        {
            if (DateTimeOffset.UtcNow > end)
            {
                return false;
            }

            await foreach (FlowInfo flow in client.ListAsync(new FlowFilter { Statuses = [FlowStatus.Stuck] }))
            {
                if (flow.StuckCode == "PRD3005")
                {
                    world.Repair(flow.Id);
                    await client.Get(flow.Type, flow.Id).RetryAsync();
                }
            }

            await Task.Delay(5);
        }

        return true;
    }

    private void CompareDescriptions(List<StoredRun> runs, List<FlowDescription> described)
    {
        Dictionary<string, FlowDescription> byId = described.ToDictionary(d => d.Id);
        foreach (StoredRun run in runs)
        {
            if (!byId.TryGetValue(run.Id, out FlowDescription? flow))
            {
                Complaints.Add($"{run.Id} is not listed");
            }
            else if ((int)flow.Status != run.Status || flow.Inputs.Count != run.History.Count || flow.Asks.Count != new Story(run).Asks.Count)
            {
                Complaints.Add($"{run.Id} is described as {flow}");
            }
        }
    }

    private void CheckCleanStop()
    {
        using var file = new StoreFileReader(SettingsOf(0).Store);
        Complaints.AddRange(file.UncleanShards().Select(s => $"shard {s} was not given back by a process that stopped"));
    }

    private Settings SettingsOf(int life) => new(_folder, seed, Flows, life);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"seed {seed}");
}
