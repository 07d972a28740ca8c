using Npgsql;
using Perdure.Postgres;
using Perdure.Shared;

namespace Perdure.Stores.Tests;

/// <summary>A PostgreSQL server for the tests of a class, and empty stores in it: each in a schema of its own.</summary>
public sealed class OnePostgres : IAsyncLifetime
{
    private static int _schemas;
    private PostgresServer? _server;

    internal PostgresServer Server => _server ?? throw new InvalidOperationException("The server was not started.");

    public async Task InitializeAsync() => _server = await PostgresServer.StartNewAsync();

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await Server.DisposeAsync();
    }

    /// <summary>The name of a schema that is not there.</summary>
    public static string NewSchema() => $"store {Interlocked.Increment(ref _schemas)}";

    /// <summary>Connects to a store.</summary>
    public PostgresStore Store(string schema) => new(Server.ConnectionString, new PostgresStoreOptions { Schema = schema });
}
