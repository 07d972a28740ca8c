using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Perdure.Engine;
using Perdure.Hosting;
using Perdure.Storage;
using Perdure.Testing.Virtual;
using Perdure.Worker;

namespace Perdure.Testing.Running;

/// <summary>What a process with the application in it is to the real one: its services, and the engine, at a place of a world.</summary>
internal sealed class TestProcess : IAsyncDisposable
{
    /// <summary>Enough for flows to meet across shards, and few enough to start at once.</summary>
    private const int ShardCount = 4;

    private readonly IHost _host;
    private readonly RealTime? _machineTime;

    private TestProcess(IHost host, Place place, RealTime? machineTime)
    {
        _host = host;
        _machineTime = machineTime;
        Place = place;
        Holder = host.Services.GetRequiredService<NodeHolder>();
    }

    public Place Place { get; }

    public IServiceProvider Services => _host.Services;

    public PerdureClient Perdure => _host.Services.GetRequiredService<PerdureClient>();

    public NodeHolder Holder { get; }

    public Node Node => Holder.Node;

    /// <summary>Composes the application as its own Program does, but for the store, time and threads.</summary>
    /// <param name="configure">The application's registrations.</param>
    /// <param name="place">Where it runs.</param>
    /// <param name="store">Its store.</param>
    /// <param name="filter">Stands around its attempts.</param>
    /// <param name="findsLongTurns">Whether turns that hold their thread are found, by the machine's clock.</param>
    /// <param name="log">Takes its log lines; null for nowhere.</param>
    public static TestProcess Compose(Action<IServiceCollection> configure, Place place, IStore store, AttemptFilter filter, bool findsLongTurns, Action<string>? log)
    {
        HostApplicationBuilder application = Compose(configure);
        PerdureBuilder perdure = PerdureOf(application.Services);
        perdure.ReplaceStore(store);
        perdure.Options.ShardCount = ShardCount;
        perdure.Options.Loops = 1;
        application.Services.AddSingleton<TimeProvider>(place.Time);
        RealTime? machineTime = findsLongTurns ? new RealTime() : null;
        application.Services.AddSingleton<Seams>(new VirtualSeams(place, machineTime ?? (TimeProvider)place.Time));
        application.Services.AddSingleton(filter);
        if (log is not null)
        {
            application.Logging.AddProvider(new LineLog(log));
        }

        return new TestProcess(application.Build(), place, machineTime);
    }

    /// <summary>Composes the application.</summary>
    /// <exception cref="InvalidOperationException">It has no flows.</exception>
    public static HostApplicationBuilder Compose(Action<IServiceCollection> configure)
    {
        ArgumentNullException.ThrowIfNull(configure);
        HostApplicationBuilder application = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        configure(application.Services);
        _ = PerdureOf(application.Services);
        return application;
    }

    /// <summary>Starts the engine. In the world, at its place.</summary>
    public Task StartAsync() => Services.GetRequiredService<PerdureHost>().StartingAsync(CancellationToken.None);

    /// <summary>Stops the engine, which gives its shards back. In the world, at its place.</summary>
    public Task StopAsync() => Services.GetRequiredService<PerdureHost>().StoppedAsync(CancellationToken.None);

    /// <summary>Lets the process die: from now on nothing of it runs.</summary>
    public void Die()
    {
        Place.Die();
        _machineTime?.Dispose();
    }

    /// <summary>Disposes the application's services.</summary>
    public async ValueTask DisposeAsync()
    {
        Services.GetRequiredService<PerdureHost>().Abandon();
        Holder.Current = null;
        _machineTime?.Dispose();
        if (_host is IAsyncDisposable host)
        {
            await host.DisposeAsync();
        }
    }

    private static PerdureBuilder PerdureOf(IServiceCollection services)
        => services.LastOrDefault(s => s.ServiceType == typeof(PerdureBuilder))?.ImplementationInstance as PerdureBuilder
            ?? throw new InvalidOperationException("The registrations do not call AddPerdure, so there is nothing to test.");

    /// <summary>Writes log lines to a test's output.</summary>
    private sealed class LineLog(Action<string> write) : ILoggerProvider, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull
            => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                write($"{logLevel}: {formatter(state, exception)}");
            }
        }

        public void Dispose()
        {
            // Nothing to give back.
        }
    }
}
