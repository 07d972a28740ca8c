using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
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
    private readonly IHost[] _hosts;
    private readonly CountingStore? _store;
    private readonly PostgresServer? _server;

    private BenchHost(IHost[] hosts, CountingStore? store, PostgresServer? server, TimeSpan ready)
    {
        _hosts = hosts;
        _store = store;
        _server = server;
        Ready = ready;
        Clients = [.. hosts.Select(h => h.Services.GetRequiredService<PerdureClient>())];
    }

    /// <summary>A client of each node.</summary>
    public IReadOnlyList<PerdureClient> Clients { get; }

    public PerdureClient Client => Clients[0];

    /// <summary>From building the host to its having started.</summary>
    public TimeSpan Ready { get; }

    public IStore Store => _store ?? throw new InvalidOperationException("Nodes have stores of their own.");

    public string Durability => _store?.Durability ?? "as the server is set: synchronous_commit = on";

    /// <summary>What the server has used since its start.</summary>
    public TimeSpan ServerCpu => _server!.Cpu();

    /// <param name="countsServer">Whether the server's time counts, too.</param>
    public Meter Meter(bool countsServer = true) => new(() => _store?.Commits ?? ServerCommits(), _server is null || !countsServer ? null : _server.Cpu);

    public static async Task<BenchHost> StartAsync(BenchOptions options, string dir, CancellationToken cancellationToken)
    {
        PostgresServer? server = options.Store == "postgres" ? await PostgresServer.StartNewAsync(dir) : null;
        long started = Stopwatch.GetTimestamp();
        if (options.Nodes > 0)
        {
            IHost[] nodes = await Task.WhenAll(Enumerable.Range(0, options.Nodes).Select(_ => StartHostAsync(options, new PostgresStore(server!.ConnectionString), cancellationToken)));
            return new BenchHost(nodes, null, server, Stopwatch.GetElapsedTime(started));
        }

        CountingStore store = new(options.Store switch
        {
            "memory" => new MemoryStore(),
            "postgres" => new PostgresStore(server!.ConnectionString),
            _ => new SqliteStore(Path.Combine(dir, "bench.db"), new SqliteStoreOptions()),
        });
        return new BenchHost([await StartHostAsync(options, store, cancellationToken)], store, server, Stopwatch.GetElapsedTime(started));
    }

    private static async Task<IHost> StartHostAsync(BenchOptions options, IStore store, CancellationToken cancellationToken)
    {
        HostApplicationBuilder builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace).SetMinimumLevel(LogLevel.Error);
        builder.Services.AddPerdure(perdure =>
        {
            Queue.Add(perdure, options);
            Pictures.Add(perdure, options);
            Publish.Add(perdure, options);
            perdure.UseStore(_ => store).AddFlow<Saga3>().AddFlow<Compensate>().AddFlow<WaitForSignal>().AddFlow<Sleep>().AddFlow<ManySteps>();
        });
        IHost host = builder.Build();
        await host.StartAsync(cancellationToken);
        return host;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (IHost host in _hosts)
        {
            await host.StopAsync();
            host.Dispose();
        }

        if (_server is not null)
        {
            await _server.DisposeAsync();
        }
    }

    /// <summary>What all the server's sessions have committed, reads included.</summary>
    private long ServerCommits() => AskServer("SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'");

    /// <summary>Asks the server for a number, beside the store.</summary>
    public long AskServer(string sql)
    {
        using NpgsqlConnection connection = new(_server!.ConnectionString);
        connection.Open();
#pragma warning disable CA2100 // the bench's own text
        using NpgsqlCommand command = new(sql, connection);
#pragma warning restore CA2100
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }
}
