using Microsoft.Extensions.DependencyInjection;
using Perdure.Testing;

namespace Perdure.Patterns.Tests;

/// <summary>Whether a pattern's run is rebuilt from its history after every input.</summary>
public enum Restarts
{
    Never = 0,
    AfterEveryInput = 1,
}

/// <summary>
/// One run of a pattern's flow, driven input by input. After each it waits until nothing more can happen; with restarts the process ends
/// then and another goes on with the store. What happened is the same either way.
/// </summary>
internal sealed class PatternHost : IAsyncDisposable
{
    private const string Id = "1";

    private readonly World _world;
    private readonly List<string> _events = [];
    private readonly Restarts _restarts;
    private readonly FlowTest _test;
    private IReadOnlyList<FlowDescription> _runs = [];

    private PatternHost(FlowTest test, World world, Restarts restarts)
    {
        _test = test;
        _world = world;
        _restarts = restarts;
    }

    /// <summary>All that happened, in order. What happened at once comes in the order of the alphabet.</summary>
    public IReadOnlyList<string> Events => _events;

    /// <summary>The steps that run now, in the order of the alphabet.</summary>
    public IReadOnlyList<string> Running => _world.Running;

    /// <summary>The names of what is waited for now, in the order of asking: signals, delays, conditions.</summary>
    public IReadOnlyList<string> Waits => [.. Open("signal", "timer", "condition")];

    /// <summary>The run that the test started; children are others.</summary>
    public FlowDescription Run => _runs.Single(run => run.Id == Id);

    /// <summary>What the run returned, as text; null while it has not.</summary>
    public string? Result => Run.Result?.ToString();

    /// <summary>Starts a run with the id "1".</summary>
    public static async Task<PatternHost> StartAsync<TFlow>(Restarts restarts, Func<IFlowClient<TFlow>, Task> start)
        where TFlow : class, IFlow
    {
        // Steps end when the test says so: nobody need wait for them, in real time.
        var byHand = new FlowTestOptions { Time = TestTime.ByHand, OutsideWorkMax = TimeSpan.Zero };
        var world = new World();
        FlowTest test = await FlowTest.StartAsync(services => Add<TFlow>(services, world), byHand);
        var host = new PatternHost(test, world, restarts);
        await host.InputAsync(() => start(test.Perdure.Flow<TFlow>()));
        return host;
    }

    /// <summary>Lets a running step end.</summary>
    /// <param name="step">Its name, and what it is about.</param>
    /// <param name="result">Its result, or what it throws.</param>
    public Task EndAsync(string step, object? result = null) => InputAsync(() =>
    {
        _world.End(step, result);
        _events.Add($"end {step}");
        return Task.CompletedTask;
    });

    public async Task EndEachAsync(params string[] steps)
    {
        foreach (string step in steps)
        {
            await EndAsync(step);
        }
    }

    public Task SignalAsync(string name, string value = "now") => InputAsync(() =>
    {
        _events.Add($"signal {name}");
        return _test.Perdure.Get(Run.Type, Run.Id).SignalAsync(value, name);
    });

    /// <summary>Lets time pass.</summary>
    public Task PassAsync(TimeSpan time) => InputAsync(() =>
    {
        _events.Add($"pass {time.TotalDays} d");
        return _test.AdvanceAsync(time);
    });

    /// <summary>Acts on the run as a client does.</summary>
    /// <param name="what">What stands in the events.</param>
    /// <param name="call">The call.</param>
    public Task CallAsync<TFlow>(string what, Func<IFlowClient<TFlow>, Task> call)
        where TFlow : class, IFlow
        => InputAsync(() =>
        {
            _events.Add(what);
            return call(_test.Perdure.Flow<TFlow>());
        });

    public ValueTask DisposeAsync() => _test.DisposeAsync();

    private static void Add<TFlow>(IServiceCollection services, World world)
        where TFlow : class, IFlow
    {
        services.AddSingleton(world);
        foreach (Type service in typeof(Service).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Service))))
        {
            services.AddSingleton(service);
        }

        services.AddPerdure(perdure => perdure.AddFlow<TFlow>().AddFlow<MakeToMeasure>().Configure(o => o.StepTimeout = TimeSpan.FromDays(20)));
    }

    private async Task InputAsync(Func<Task> give)
    {
        await give();
        await SettleAsync();
        _events.AddRange(_world.TakeNews());
        if (Run.HasEnded)
        {
            _events.Add(Run.Status.ToString().ToLowerInvariant());
        }
        else if (_restarts == Restarts.AfterEveryInput)
        {
            await RestartAsync();
        }
    }

    /// <summary>Waits until the run waits for the test: for its steps to end, for a signal, for time to pass.</summary>
    private async Task SettleAsync()
    {
        await _test.IdleAsync();
        _runs = await DescribeAsync();
        Open("step", "undo").ShouldBe(_world.StepNames, ignoreOrder: true);
        Open("child").ShouldBe(_runs.Where(run => !run.HasEnded && run != Run).Select(run => $"{run.Type}/{run.Id}"), ignoreOrder: true);
    }

    private async Task RestartAsync()
    {
        IReadOnlyList<string> running = Running;
        IReadOnlyList<string> waits = Waits;
        _world.SwitchOff();
        await _test.RestartAsync();
        await SettleAsync();
        Running.ShouldBe(running);
        Waits.ShouldBe(waits);
        _world.SwitchOn();
    }

    private async Task<IReadOnlyList<FlowDescription>> DescribeAsync()
    {
        List<FlowDescription> runs = [];
        await foreach (FlowInfo run in _test.Perdure.ListAsync(new FlowFilter()))
        {
            runs.Add(await _test.Perdure.Get(run.Type, run.Id).DescribeAsync());
            runs[^1].StuckReason.ShouldBeNull();
        }

        return runs;
    }

    /// <summary>The names of what is open, in the order of asking.</summary>
    private IEnumerable<string> Open(params string[] kinds)
        => _runs.Where(run => !run.HasEnded).SelectMany(run => run.Asks).Where(ask => ask.State == "open" && kinds.Contains(ask.Kind)).Select(ask => ask.Name);
}
