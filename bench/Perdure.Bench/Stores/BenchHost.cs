using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Perdure.Bench.Runner;
using Perdure.Bench.Workloads;
using Perdure.Postgres;
using Perdure.Shared;
using Perdure.Sqlite;
using Perdure.Storage;

namespace Perdure.Bench.Stores;

/// <summary>A generic host with all the flows of the bench, as a user would set it up.</summary>
internal sealed class BenchHost : IAsyncDisposable
{
    private readonly IHost _host;
    private readonly CountingStore _store;
    private readonly PostgresServer? _server;

    private BenchHost(IHost host, CountingStore store, PostgresServer? server, TimeSpan ready)
    {
        _host = host;
        _store = store;
        _server = server;
        Ready = ready;
        Client = host.Services.GetRequiredService<PerdureClient>();
    }

    public PerdureClient Client { get; }

    /// <summary>From building the host to its having started.</summary>
    public TimeSpan Ready { get; }

    public IStore Store => _store;

    public string Durability => _store.Durability;

    public Meter Meter() => new(() => _store.Commits, _server is null ? null : _server.Cpu);

    public static async Task<BenchHost> StartAsync(BenchOptions options, string dir, CancellationToken cancellationToken)
    {
        PostgresServer? server = options.Store == "postgres" ? await PostgresServer.StartNewAsync(dir) : null;
        long started = Stopwatch.GetTimestamp();
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Error);
        CountingStore store = new(options.Store switch
        {
            "memory" => new MemoryStore(),
            "postgres" => new PostgresStore(server!.ConnectionString),
            _ => new SqliteStore(Path.Combine(dir, "bench.db"), new SqliteStoreOptions()),
        });
        builder.Services.AddPerdure(perdure =>
        {
            Queue.Add(perdure, options);
            Pictures.Add(perdure, options);
            Publish.Add(perdure, options);
            perdure.UseStore(_ => store).AddFlow<Saga3>().AddFlow<Compensate>().AddFlow<WaitForSignal>().AddFlow<Sleep>().AddFlow<ManySteps>();
        });
        IHost host = builder.Build();
        await host.StartAsync(cancellationToken);
        return new BenchHost(host, store, server, Stopwatch.GetElapsedTime(started));
    }

    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        _host.Dispose();
        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }
}
