using Microsoft.Extensions.Logging.Abstractions;
using Perdure.Testing.Virtual;
using Perdure.Worker;

namespace Perdure.Tests.Dependencies;

/// <summary>One dependency and a time that a test moves; its alarm is looked at as time passes.</summary>
internal sealed class DependencyWorld
{
    private DateTimeOffset? _lookAt;

    public DependencyWorld(Action<DependencyOptions>? configure = null, ulong seed = 1)
    {
        configure?.Invoke(Options);
        Options.Check("kitchen");
        var world = new World(seed);
        Place place = world.NewPlace("node");
        Now = world.Now;
        Kitchen = new Dependency("kitchen", Options, new VirtualSeams(place, place.Time), NullLogger.Instance, at => _lookAt = at);
        Kitchen.OnChanged(() => Calls++);
    }

    public DependencyOptions Options { get; } = new();

    public Dependency Kitchen { get; }

    public DateTimeOffset Now { get; private set; }

    /// <summary>How often jobs were told to ask again.</summary>
    public int Calls { get; private set; }

    public DependencyWait? Enter(bool isRetry = false) => Kitchen.Enter(Now, isRetry);

    /// <summary>Lets so many attempts in, and out again.</summary>
    public void Pass(DependencyOutcome outcome, int times = 1)
    {
        for (int i = 0; i < times; i++)
        {
            Enter().ShouldBeNull();
            Kitchen.Leave(Now, outcome, Now);
        }
    }

    public void Advance(TimeSpan by)
    {
        DateTimeOffset until = Now + by;
        while (_lookAt <= until)
        {
            Now = _lookAt.Value > Now ? _lookAt.Value : Now;
            _lookAt = null;
            Kitchen.Look(Now);
            (_lookAt ?? DateTimeOffset.MaxValue).ShouldBeGreaterThan(Now, "it would look for ever");
        }

        Now = until;
    }
}
