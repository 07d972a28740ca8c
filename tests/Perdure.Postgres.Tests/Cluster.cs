using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Perdure.Postgres.Node;
using Perdure.Shared;

namespace Perdure.Postgres.Tests;

/// <summary>A server, two nodes in processes of their own, and one in the test's, whose clients put load on all three.</summary>
internal sealed class Cluster : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(1);
    private readonly IHost _host;
    private readonly List<NodeProcess> _nodes = [];

    private Cluster(NpgsqlDataSource look, IHost host)
    {
        Look = look;
        _host = host;
    }

    /// <summary>For looks into the tables, past all that is tested.</summary>
    public NpgsqlDataSource Look { get; }

    public NodeProcess A => _nodes[0];

    public NodeProcess B => _nodes[1];

    public PerdureClient Perdure => _host.Services.GetRequiredService<PerdureClient>();

    /// <summary>Starts all of it on an empty database.</summary>
    /// <param name="server">The server.</param>
    /// <param name="databaseOfB">By which way node b comes to the database; null for the straight one.</param>
    /// <param name="skewOfB">How far the clock of node b is ahead, in seconds.</param>
    public static Task<Cluster> StartAsync(PostgresServer server, string? databaseOfB = null, double skewOfB = 0) => StartAsync(server.ConnectionString, databaseOfB, skewOfB);

    /// <summary>Starts all of it on an empty database, with the connection string of all nodes.</summary>
    public static async Task<Cluster> StartAsync(string database, string? databaseOfB = null, double skewOfB = 0)
    {
        NpgsqlDataSource look = NpgsqlDataSource.Create(database + ";Application Name=look;Pooling=false");
        await using (NpgsqlCommand clean = look.CreateCommand($"DROP SCHEMA IF EXISTS \"{NodeHost.Schema}\" CASCADE; DROP TABLE IF EXISTS entry; CREATE TABLE entry (flow text, step text, amount int); DROP TABLE IF EXISTS attempt; {Work.Table}"))
        {
            await clean.ExecuteNonQueryAsync();
        }

        IHost host = NodeHost.Build("client", database, TimeSpan.Zero);
        await host.StartAsync();
        var cluster = new Cluster(look, host);
        cluster._nodes.AddRange(await Task.WhenAll(NodeProcess.StartAsync("a", database), NodeProcess.StartAsync("b", databaseOfB ?? database, skewOfB)));
        await cluster.UntilAsync("even shares", owners => owners.Length == 3 && owners.All(o => o.Shards == 4));
        return cluster;
    }

    /// <summary>Waits until the owners of the flows' shards are as wanted.</summary>
    public async Task UntilAsync(string what, Predicate<(string Name, int Shards)[]> holds)
    {
        long began = TimeProvider.System.GetTimestamp();
        (string, int)[] owners;
        while (!holds(owners = await OwnersAsync()))
        {
            if (TimeProvider.System.GetElapsedTime(began) > Limit)
            {
                throw new TimeoutException($"Missing: {what}; the owners are {string.Join(", ", owners)}.");
            }

            await Task.Delay(20);
        }
    }

    /// <summary>Waits until a question to the server is answered with yes.</summary>
    public async Task UntilAsync(string what, Func<string> sql)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (await AskAsync(sql()) is not true)
        {
            if (TimeProvider.System.GetElapsedTime(began) > Limit)
            {
                throw new TimeoutException($"Missing: {what}.");
            }

            await Task.Delay(20);
        }
    }

    /// <summary>Runs a statement, past all that is tested.</summary>
    public async Task<object?> AskAsync(string sql)
    {
        await using NpgsqlCommand command = Look.CreateCommand(sql);
        return await command.ExecuteScalarAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (NodeProcess node in _nodes)
        {
            await node.DisposeAsync();
        }

        await _host.StopAsync();
        _host.Dispose();
        await Look.DisposeAsync();
    }

    private async Task<(string Name, int Shards)[]> OwnersAsync()
    {
        List<(string, int)> owners = [];
        await using NpgsqlCommand command = Look.CreateCommand($"SELECT node.name, count(*) FROM \"{NodeHost.Schema}\".shard JOIN \"{NodeHost.Schema}\".node ON node.node = shard.node WHERE shard < 12 GROUP BY node.name ORDER BY 1");
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            owners.Add((reader.GetString(0), (int)reader.GetInt64(1)));
        }

        return [.. owners];
    }
}
