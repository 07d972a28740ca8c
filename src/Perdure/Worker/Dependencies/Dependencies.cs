using Microsoft.Extensions.Logging;
using Perdure.Diagnostics;
using Perdure.Engine;

namespace Perdure.Worker;

/// <summary>The dependencies of a node, and one timer for each.</summary>
internal sealed class Dependencies
{
    private readonly Dependency[] _all;
    private readonly ITimer[] _timers;

    public Dependencies(DependencyRegistry registry, Seams seams, NodeClock clock, ILogger log)
    {
        _timers = new ITimer[registry.All.Count];
        _all = new Dependency[registry.All.Count];
        foreach (DependencyName name in registry.All)
        {
            Dependency dependency = _all[name.Index] = new Dependency(name.Name, name.Options, seams, log, at => LookAt(name.Index, at - clock.Now()));
            _timers[name.Index] = seams.Time.CreateTimer(_ => dependency.Look(clock.Now()), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    public Dependency this[DependencyName name] => _all[name.Index];

    /// <summary>The dependency of a name; null if there is none.</summary>
    public Dependency? Find(string name) => Array.Find(_all, d => d.Name == name);

    /// <summary>The names of those whose breaker is open.</summary>
    public IEnumerable<string> Open => _all.Where(d => d.IsOpen).Select(d => d.Name);

    /// <summary>Ends the timers. Nobody must wait any more.</summary>
    public void Stop()
    {
        foreach (ITimer timer in _timers)
        {
            timer.Dispose();
        }

        foreach (string name in Open)
        {
            PerdureMeter.BreakerClosed(name); // it counts the breakers of nodes that run
        }
    }

    /// <summary>Timers fire by whole milliseconds. One that fires too early is set again.</summary>
    private void LookAt(int index, TimeSpan delay)
        => _timers[index].Change(TimeSpan.FromMilliseconds(Math.Max(0, Math.Ceiling(delay.TotalMilliseconds))), Timeout.InfiniteTimeSpan);
}
