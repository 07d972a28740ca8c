using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Perdure.Storage;

namespace Perdure.Patterns.Tests;

/// <summary>Whether a pattern's run is rebuilt from its history after every input.</summary>
public enum Restarts
{
    Never = 0,
    AfterEveryInput = 1,
}

/// <summary>
/// One run of a pattern's flow, driven input by input. After each it waits until the run waits, too; with restarts the process ends
/// then and another goes on with the store. What happened is the same either way.
/// </summary>
internal sealed class PatternHost : IAsyncDisposable
{
    private const string Id = "1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly MemoryStore _store = new();
    private readonly ManualTime _time = new();
    private readonly World _world = new();
    private readonly List<string> _events = [];
    private readonly Restarts _restarts;
    private readonly Action<PerdureBuilder> _configure;
    private IReadOnlyList<FlowDescription> _runs = [];
    private IHost _host;

    private PatternHost(Restarts restarts, Action<PerdureBuilder> configure)
    {
        _restarts = restarts;
        _configure = configure;
        _host = Build();
    }

    /// <summary>All that happened, in order. What happened at once comes in the order of the alphabet.</summary>
    public IReadOnlyList<string> Events => _events;

    /// <summary>The steps that run now, in the order of the alphabet.</summary>
    public IReadOnlyList<string> Running => _world.Running;

    /// <summary>The names of what is waited for now, in the order of asking: signals, delays, conditions.</summary>
    public IReadOnlyList<string> Waits => [.. Open(_runs).Where(ask => ask.Kind is "signal" or "timer" or "condition").Select(ask => ask.Name)];

    /// <summary>The run that the test started; children are others.</summary>
    public FlowDescription Run => _runs.Single(run => run.Id == Id);

    /// <summary>What the run returned, as text; null while it has not.</summary>
    public string? Result => Run.Result?.ToString();

    /// <summary>Starts a run with the id "1".</summary>
    public static async Task<PatternHost> StartAsync<TFlow>(Restarts restarts, Func<IFlowClient<TFlow>, Task> start)
        where TFlow : class, IFlow
    {
        var host = new PatternHost(restarts, perdure => perdure.AddFlow<TFlow>().AddFlow<MakeToMeasure>());
        await host._host.StartAsync();
        await host.InputAsync(() => start(host._host.Services.GetRequiredService<IFlowClient<TFlow>>()));
        return host;
    }

    /// <summary>Lets a running step end.</summary>
    /// <param name="step">Its name, and what it is about.</param>
    /// <param name="result">Its result, or what it throws.</param>
    /// <param name="withdraws">Steps that are withdrawn by that.</param>
    public Task EndAsync(string step, object? result = null, params string[] withdraws) => InputAsync(() =>
    {
        _world.End(step, result);
        _events.Add($"end {step}");
        return Task.CompletedTask;
    }, withdraws);

    public async Task EndEachAsync(params string[] steps)
    {
        foreach (string step in steps)
        {
            await EndAsync(step);
        }
    }

    public Task SignalAsync(string name, string value = "now", params string[] withdraws) => InputAsync(() =>
    {
        _events.Add($"signal {name}");
        return Handle.SignalAsync(value, name);
    }, withdraws);

    /// <summary>Lets time pass until the next timer or limit is up.</summary>
    public Task PassAsync(TimeSpan time, params string[] withdraws) => InputAsync(async () =>
    {
        _events.Add($"pass {time.TotalDays} d");
        int fired = Fired(await DescribeAsync());
        _time.Advance(time);
        await UntilAsync("a timer that is up", async () =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return Fired(await DescribeAsync()) > fired;
        });
    }, withdraws);

    /// <summary>Acts on the run as a client does.</summary>
    /// <param name="what">What stands in the events.</param>
    /// <param name="call">The call.</param>
    /// <param name="begins">A step that begins in the end: the call goes through other runs first.</param>
    public Task CallAsync<TFlow>(string what, Func<IFlowClient<TFlow>, Task> call, string begins)
        where TFlow : class, IFlow
        => InputAsync(async () =>
        {
            _events.Add(what);
            await call(_host.Services.GetRequiredService<IFlowClient<TFlow>>());
            await UntilAsync(begins, () => Task.FromResult(Running.Contains(begins)));
        });

    public async ValueTask DisposeAsync() => await StopAsync();

    private FlowHandle Handle => _host.Services.GetRequiredService<PerdureClient>().Get(Run.Type, Run.Id);

    private async Task InputAsync(Func<Task> give, params string[] withdraws)
    {
        await give();
        await SettleAsync(withdraws);
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
    private async Task SettleAsync(string[] withdraws)
    {
        int changes = -1;
        await UntilAsync("a run that waits", async () =>
        {
            changes = _world.Changes;
            _runs = await DescribeAsync();
            return withdraws.All(step => _world.HasNews($"withdraw {step}"))
                && Open(_runs).Where(ask => ask.Kind is "step" or "undo").Select(ask => ask.Name).Order(StringComparer.Ordinal).SequenceEqual(_world.StepNames())
                && Open(_runs).Where(ask => ask.Kind == "child").Select(ask => ask.Name).Order(StringComparer.Ordinal).SequenceEqual(OpenChildren())
                && changes == _world.Changes;
        });
    }

    private async Task RestartAsync()
    {
        IReadOnlyList<string> running = Running;
        IReadOnlyList<string> waits = Waits;
        _world.SwitchOff();
        await StopAsync();
        _host = Build();
        await _host.StartAsync();
        await SettleAsync([]);
        Running.ShouldBe(running);
        Waits.ShouldBe(waits);
        _world.SwitchOn();
    }

    private async Task StopAsync()
    {
        Task stop = _host.StopAsync();
        await UntilAsync("the host's stop", () =>
        {
            _time.Advance(TimeSpan.FromSeconds(1)); // attempts that ignore their token are left behind after a while
            return Task.FromResult(stop.IsCompleted);
        });
        await stop;
        _host.Dispose();
    }

    private IHost Build()
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Services.AddSingleton<TimeProvider>(_time).AddSingleton(_world);
        foreach (Type service in typeof(Service).Assembly.GetTypes().Where(type => type.IsSubclassOf(typeof(Service))))
        {
            builder.Services.AddSingleton(service);
        }

        builder.Services.AddPerdure(perdure =>
        {
            perdure.UseMemory(_store).Configure(o => o.ShardCount = 2).Configure(o => o.ShutdownGrace = TimeSpan.FromDays(1)).Configure(o => o.StepTimeout = TimeSpan.FromDays(20));
            _configure(perdure);
        });
        return builder.Build();
    }

    private async Task<IReadOnlyList<FlowDescription>> DescribeAsync()
    {
        PerdureClient perdure = _host.Services.GetRequiredService<PerdureClient>();
        List<FlowDescription> runs = [];
        await foreach (FlowInfo run in perdure.ListAsync(new FlowFilter()))
        {
            runs.Add(await perdure.Get(run.Type, run.Id).DescribeAsync());
            runs[^1].StuckReason.ShouldBeNull();
        }

        return runs;
    }

    private IEnumerable<string> OpenChildren() => _runs.Where(run => !run.HasEnded && run != Run).Select(run => $"{run.Type}/{run.Id}").Order(StringComparer.Ordinal);

    private static IEnumerable<FlowAsk> Open(IEnumerable<FlowDescription> runs) => runs.Where(run => !run.HasEnded).SelectMany(run => run.Asks).Where(ask => ask.State == "open");

    private static int Fired(IEnumerable<FlowDescription> runs) => runs.SelectMany(run => run.Inputs).Count(input => input.Kind == "TimerFired");

    private async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        DateTimeOffset end = DateTimeOffset.UtcNow + Patience;
        while (!await holds())
        {
            if (DateTimeOffset.UtcNow > end)
            {
                throw new TimeoutException($"Missing: {what}. What runs: {string.Join(", ", Running)}.\n{string.Join('\n', _events)}\n{string.Join('\n', _runs)}");
            }

            await Task.Delay(1);
        }
    }
}
