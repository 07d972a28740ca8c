using System.Globalization;
using Perdure.Engine;
using Perdure.Simulation.Events;
using Perdure.Simulation.Jobs;
using Perdure.Simulation.Processes;
using Perdure.Simulation.Seen;
using Perdure.Simulation.Services;
using Perdure.Simulation.Stores;
using Perdure.Testing.Virtual;

namespace Perdure.Simulation;

/// <summary>The processes of a simulated run, those that died included.</summary>
internal sealed class NodeProcesses(World world, ModelStore store, Service service, JobWork? jobs, EventWork? events, Observed observed, ReplayRandom chance)
{
    private const int LoopsMax = 2;

    private readonly List<Process> _all = [];
    private readonly int _flowsInMemoryMax = chance.Next(3) == 0 ? chance.Next(2, 6) : 1_000;

    public IEnumerable<Process> Up => _all.Where(p => p.IsUp);

    public IEnumerable<Process> Alive => _all.Where(p => !p.Place.IsDead);

    /// <summary>Somebody whom a client reaches; null while there is nobody.</summary>
    public Process? Any()
    {
        List<Process> up = [.. Up];
        return up.Count == 0 ? null : up[chance.Next(up.Count)];
    }

    public Build AnyBuild() => new(chance.Next(4) == 0 ? 1 : 2, chance.Next(5) == 0);

    /// <summary>Starts a process. It takes all shards.</summary>
    /// <returns>Whether it came up.</returns>
    public async Task<Process?> StartAsync(Build build)
    {
        var options = new PerdureOptions
        {
            ShardCount = store.Shards,
            Loops = chance.Next(1, LoopsMax + 1),
            FlowsInMemoryMax = _flowsInMemoryMax,
            ShutdownGrace = TimeSpan.FromSeconds(chance.Next(0, 4)),
            StepTimeout = TimeSpan.FromSeconds(10),
        };
        var process = new Process(string.Create(CultureInfo.InvariantCulture, $"p{_all.Count + 1}"), world, store, service, jobs, events, observed, build, options);
        _all.Add(process);
        world.Trace.Note($"{process.Name} starts {build}");
        try
        {
            await process.StartAsync();
            return process;
        }
        catch (PerdureException)
        {
            process.Die(); // as a host does whose engine does not start
            return null;
        }
    }
}
