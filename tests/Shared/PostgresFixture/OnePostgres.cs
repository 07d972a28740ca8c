using Npgsql;
using Perdure.Postgres;

namespace Perdure.Shared;

/// <summary>A PostgreSQL server for the tests of a class, and empty stores in it: each in a schema of its own.</summary>
public sealed class OnePostgres : IAsyncLifetime
{
    private static int _schemas;
    private PostgresServer? _server;

    internal PostgresServer Server => _server ?? throw new InvalidOperationException("The server was not started.");

    /// <summary>The name of a schema that is not there.</summary>
    public static string NewSchema() => $"store {Interlocked.Increment(ref _schemas)}";

    public async Task InitializeAsync() => _server = await PostgresServer.StartNewAsync();

    public async Task DisposeAsync()
    {
        NpgsqlConnection.ClearAllPools();
        await Server.DisposeAsync();
    }

    /// <summary>Connects to a store.</summary>
    public PostgresStore Store(string schema) => new(Server.ConnectionString, new PostgresStoreOptions { Schema = schema });

    /// <summary>Asks the server as another program does, its administrator's.</summary>
    internal async Task<string?> AskAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Server.ConnectionString + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 }; // filling a table takes a while
        return (await command.ExecuteScalarAsync())?.ToString();
    }
}
