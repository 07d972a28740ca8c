using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Perdure.Engine;
using Perdure.Hosting;
using Perdure.Storage;

namespace Perdure.Tests;

/// <summary>A host of its own with the engine in it, on a memory store that outlives it.</summary>
internal sealed class TestHost : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly Action<PerdureBuilder> _configure;
    private readonly Action<IServiceCollection>? _services;
    private bool _isDead;

    private TestHost(IHost host, MemoryStore memory, MortalStore store, Action<PerdureBuilder> configure, Action<IServiceCollection>? services)
    {
        _host = host;
        _configure = configure;
        _services = services;
        Memory = memory;
        Store = store;
    }

    public MemoryStore Memory { get; }

    public MortalStore Store { get; }

    public PerdureClient Perdure => _host.Services.GetRequiredService<PerdureClient>();

    public IServiceProvider Services => _host.Services;

    public Node Node => _host.Services.GetRequiredService<NodeHolder>().Node;

    public TestLog Log => _host.Services.GetRequiredService<TestLog>();

    public static async Task<TestHost> StartAsync(Action<PerdureBuilder> configure, MemoryStore? memory = null, Action<IServiceCollection>? services = null)
    {
        memory ??= new MemoryStore();
        var store = new MortalStore(memory);
        var log = new TestLog();
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(log);
        builder.Services.AddSingleton(log);
        services?.Invoke(builder.Services);
        builder.Services.AddPerdure(p =>
        {
            p.Configure(o => o.ShardCount = 4);
            p.Configure(o => o.ShutdownGrace = TimeSpan.FromSeconds(1));
            configure(p);
            p.UseStore(_ => store);
        });
        IHost host = builder.Build();
        await host.StartAsync();
        return new TestHost(host, memory, store, configure, services);
    }

    /// <summary>Lets this process die, and starts another one on the same data, perhaps with other code.</summary>
    public Task<TestHost> CrashAsync(Action<PerdureBuilder>? configure = null)
    {
        Store.Die();
        _isDead = true;
        _ = Node.Worker.StopAsync(TimeSpan.Zero); // the dead run no steps
        return StartAsync(configure ?? _configure, Memory, _services);
    }

    /// <summary>Stops this process, and starts another one on the same data, perhaps with other code.</summary>
    public async Task<TestHost> RestartAsync(Action<PerdureBuilder>? configure = null)
    {
        await DisposeAsync();
        return await StartAsync(configure ?? _configure, Memory, _services);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_isDead)
        {
            _isDead = true;
            await _host.StopAsync();
            _host.Dispose();
        }
    }
}

/// <summary>Keeps what was logged.</summary>
internal sealed class TestLog : ILoggerProvider, ILogger
{
    public ConcurrentQueue<string> Lines { get; } = new();

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        => Lines.Enqueue($"{logLevel}: {formatter(state, exception)}");

    public void Dispose()
    {
        // Nothing to give back.
    }
}

/// <summary>What tests wait for has a deadline that says what was missing.</summary>
internal static class Deadline
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    public static async Task<T> Soon<T>(this Task<T> task)
    {
        await Task.WhenAny(task, Task.Delay(Limit));
        return task.IsCompleted ? await task : throw new TimeoutException("The task did not complete.");
    }

    public static async Task Soon(this Task task)
    {
        await Task.WhenAny(task, Task.Delay(Limit));
        if (!task.IsCompleted)
        {
            throw new TimeoutException("The task did not complete.");
        }

        await task;
    }

    /// <summary>Asks again and again until something holds.</summary>
    public static async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        DateTimeOffset end = DateTimeOffset.UtcNow + Limit;
        while (!await holds())
        {
            if (DateTimeOffset.UtcNow > end)
            {
                throw new TimeoutException($"Missing: {what}.");
            }

            await Task.Delay(1);
        }
    }

    public static async Task<FlowDescription> UntilAsync(this FlowHandle flow, Func<FlowDescription, bool> holds)
    {
        FlowDescription? last = null;
        try
        {
            await UntilAsync("the flow's state", HoldsAsync);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{e.Message} It is: {last}", e);
        }

        return last!;

        async Task<bool> HoldsAsync()
        {
            try
            {
                return holds(last = await flow.DescribeAsync());
            }
            catch (FlowNotFoundException)
            {
                return false; // a child, or a flow that an event starts, comes in a batch of its own
            }
        }
    }

    public static Task<FlowDescription> UntilAsync(this FlowHandle flow, FlowStatus status) => flow.UntilAsync(d => d.Status == status);
}
