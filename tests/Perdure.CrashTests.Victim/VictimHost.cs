using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Perdure.CrashTests.Victim.Effects;

namespace Perdure.CrashTests.Victim;

/// <summary>The host that is killed.</summary>
internal static class VictimHost
{
    public static IHost Build(Settings settings)
    {
        List<LedgerLine> past = Ledger.Read(settings.Folder, settings.Life);
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { DisableDefaults = true });
        builder.Logging.AddProvider(new FileLog(settings.Log));
        builder.Services.AddSingleton(settings);
        builder.Services.AddSingleton(new Ledger(settings.Folder, settings.Life));
        builder.Services.AddSingleton(s => new World(s.GetRequiredService<Ledger>(), past));
        builder.Services.AddSingleton(s => new Driver(s.GetRequiredService<PerdureClient>(), settings, s.GetRequiredService<World>(), s.GetRequiredService<Ledger>(), past));
        builder.Services.AddPerdure(p => p.UseSqlite(settings.Store).Configure(settings.Configure).AddFlow<PlannedFlow>());
        IHost host = builder.Build();
        _ = host.Services.GetRequiredService<World>(); // flows' code must not wait while it is made
        return host;
    }
}

/// <summary>Keeps what the engine has to say, for whoever looks into a failure.</summary>
internal sealed class FileLog(string path) : ILoggerProvider, ILogger
{
    private readonly StreamWriter _file = new(path, append: true) { AutoFlush = true };

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull
        => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_file)
        {
            _file.WriteLine($"{DateTime.UtcNow:HH:mm:ss.fff} {logLevel}: {formatter(state, exception)} {exception?.Message}");
        }
    }

    public void Dispose()
    {
        lock (_file)
        {
            _file.Dispose();
        }
    }
}
