using Perdure.Engine;
using Perdure.Simulation.Seen;
using Perdure.Simulation.Stores;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation.Processes;

/// <summary>What befalls the processes and their store, until it is over.</summary>
internal sealed class Chaos(World world, ModelStore store, NodeProcesses cluster, Observed observed, ReplayRandom chance)
{
    private const int ProcessesMax = 3;

    private readonly bool _isRough = chance.Next(3) > 0;

    public async Task RunAsync(TimeSpan duration)
    {
        DateTimeOffset end = world.Now + duration;
        while (world.Now < end)
        {
            await PauseAsync(chance.Next(_isRough ? 4_000 : 20_000));
            if (!cluster.Up.Any())
            {
                await cluster.StartAsync(cluster.AnyBuild());
            }
            else
            {
                await StrikeAsync(cluster.Any()!);
            }
        }
    }

    /// <summary>Ends all faults: one process with all code is left, and gets every shard.</summary>
    public async Task<Process> CalmAsync()
    {
        store.Faults.Calm();
        foreach (Process process in cluster.Alive.Where(p => p.Place.IsPaused))
        {
            process.Place.Resume();
        }

        Process? survivor = cluster.Up.FirstOrDefault(p => p.Build == Build.Good);
        while (survivor is null)
        {
            survivor = await cluster.StartAsync(Build.Good);
        }

        foreach (Process other in cluster.Alive.Where(p => p != survivor).ToList())
        {
            other.Die();
        }

        for (int shard = 0; shard < store.AllShards; shard++)
        {
            store.Grant(shard, survivor.Name);
            if (store.HolderOf(shard) != survivor.Name)
            {
                survivor.Steal(shard);
            }
        }

        return survivor;
    }

    private async Task StrikeAsync(Process process)
    {
        switch (chance.Next(20))
        {
            case 0 or 1 or 2 or 3:
                Kill(process);
                break;
            case 4:
                await StopAsync(process);
                break;
            case 5 or 6 or 7:
                _ = StandStillAsync(process, AWhile());
                break;
            case 8 or 9 or 10:
                Move(process);
                break;
            case 11 or 12 when cluster.Up.Count() < ProcessesMax:
                observed.Mark("a process started while others ran");
                await cluster.StartAsync(cluster.AnyBuild());
                break;
            case 13:
                store.TakeByStranger(chance.Next(store.AllShards));
                break;
            case 14:
                Skew(process);
                break;
            case 15:
                _ = OutageAsync(chance.Next(3), AWhile());
                break;
            case 16 or 17 or 18:
                Repeat(process);
                break;
        }
    }

    private void Kill(Process process)
    {
        List<Effect> running = observed.Effects.FindAll(e => e.End == EffectEnd.None && e.Process == process.Name);
        if (running.Count > 0)
        {
            observed.Mark(running.Exists(e => e.Kind == EffectKind.Undo) ? "a process was killed while an undo ran" : "a process was killed while steps ran");
        }

        if (process.IsLoading)
        {
            observed.Mark("a process was killed while runs were being read");
        }

        if (observed.Jobs.Attempts.Exists(a => a.EndOrder == 0 && a.Process == process.Name))
        {
            observed.Mark("a process was killed while jobs ran");
        }

        process.Die();
    }

    private async Task StopAsync(Process process)
    {
        observed.Mark("a process was stopped");
        Task stopped = process.StopAsync();
        await Task.WhenAny(stopped, PauseAsync(15_000));
        process.Die();
    }

    private async Task StandStillAsync(Process process, TimeSpan pause)
    {
        process.Place.Pause();
        observed.Jobs.Pauses.Add((process.Name, world.Now));
        if (chance.Next(2) == 0 && cluster.Up.FirstOrDefault(p => p != process && !p.Place.IsPaused) is { } other)
        {
            Move(other);
        }

        await PauseAsync((int)pause.TotalMilliseconds);
        if (process.Place.IsPaused && !process.Place.IsDead)
        {
            process.Place.Resume();
            if (Enumerable.Range(0, store.AllShards).Any(s => store.HolderOf(s) != process.Name))
            {
                observed.Mark("a process woke from a pause and had lost shards");
            }
        }
    }

    /// <summary>Shards go to a process.</summary>
    private void Move(Process process)
    {
        foreach (int shard in Enumerable.Range(0, store.AllShards).Where(s => store.HolderOf(s) != process.Name && chance.Next(2) == 0))
        {
            if (observed.Effects.Exists(e => e.End == EffectEnd.None && e.Process == store.HolderOf(shard)))
            {
                observed.Mark("a shard was stolen while steps of its owner ran");
            }

            process.Steal(shard);
        }
    }

    private void Skew(Process process)
    {
        TimeSpan by = TimeSpan.FromSeconds(chance.Next(-60, 61));
        process.Place.Time.Skew += by;
        observed.Jobs.HasSkew = true;
        observed.Jobs.SkewMax = process.Place.Time.Skew > observed.Jobs.SkewMax ? process.Place.Time.Skew : observed.Jobs.SkewMax;
        observed.Mark(by > TimeSpan.Zero ? "a clock was set ahead" : "a clock was set back");
    }

    private async Task OutageAsync(int kind, TimeSpan duration)
    {
        (store.Faults.IsFull, store.Faults.IsOut, store.Faults.IsReadOnly) = (kind == 0, kind == 1, kind == 2);
        await PauseAsync((int)duration.TotalMilliseconds);
        store.Faults.IsFull = store.Faults.IsOut = store.Faults.IsReadOnly = false;
    }

    /// <summary>A message that was sent is handed over once more, to whoever has its shard by now.</summary>
    private void Repeat(Process process)
    {
        List<(Storage.InboxRow Row, long Consumed)> sent = [.. process.Sent.TakeLast(20)];
        if (sent.Count > 0)
        {
            observed.Mark("a message between flows came again");
            process.HandOver(sent[chance.Next(sent.Count)]);
        }
    }

    /// <summary>Mostly short; now and then longer than all that the engine does at intervals.</summary>
    private TimeSpan AWhile() => TimeSpan.FromMilliseconds(chance.Next(3) == 0 ? chance.Next(40_000) : chance.Next(3_000));

    private Task PauseAsync(int milliseconds) => Task.Delay(TimeSpan.FromMilliseconds(milliseconds), world.Outside.Time);
}
