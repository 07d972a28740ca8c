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
    private readonly OwnLog _log;
    private readonly List<NodeProcess> _nodes = [];

    private Cluster(NpgsqlDataSource look, IHost host, OwnLog log)
    {
        _log = log;
        Look = look;
        _host = host;
    }

    /// <summary>For looks into the tables, past all that is tested.</summary>
    public NpgsqlDataSource Look { get; }

    public NodeProcess A => _nodes[0];

    public NodeProcess B => _nodes[1];

    /// <summary>The logs of the nodes that run.</summary>
    public IEnumerable<(string Node, IReadOnlyList<string> Lines)> Logs => _nodes.Where(n => n.Lives).Select(n => (n.Name, n.Log)).Append(("client", _log.Lines));

    public PerdureClient Perdure => _host.Services.GetRequiredService<PerdureClient>();

    /// <summary>Starts all of it on an empty database.</summary>
    /// <param name="server">The server.</param>
    /// <param name="databaseOfB">By which way node b comes to the database; null for the straight one.</param>
    /// <param name="skewOfB">How far the clock of node b is ahead, in seconds.</param>
    public static Task<Cluster> StartAsync(PostgresServer server, string? databaseOfB = null, double skewOfB = 0) => StartAsync(server.ConnectionString, databaseOfB, skewOfB);

    /// <summary>Starts all of it on an empty database, with the connection string of all nodes.</summary>
    public static async Task<Cluster> StartAsync(string database, string? databaseOfB = null, double skewOfB = 0, TimeSpan? lease = null, bool prepare = true)
    {
        TimeSpan lives = lease ?? NodeHost.Lease;
        NpgsqlDataSource look = NpgsqlDataSource.Create(database + ";Application Name=look;Pooling=false");
        await using (NpgsqlCommand clean = look.CreateCommand($"DROP SCHEMA IF EXISTS \"{NodeHost.Schema}\" CASCADE; DROP TABLE IF EXISTS entry; CREATE TABLE entry (flow text, step text, amount int); DROP TABLE IF EXISTS attempt; {Work.Table}"))
        {
            await clean.ExecuteNonQueryAsync();
        }

        var log = new OwnLog();
        IHost host = NodeHost.Build("client", database, TimeSpan.Zero, lives, prepare, log);
        await host.StartAsync();
        var cluster = new Cluster(look, host, log);
        cluster._nodes.AddRange(await Task.WhenAll(NodeProcess.StartAsync("a", database, 0, lives, prepare), NodeProcess.StartAsync("b", databaseOfB ?? database, skewOfB, lives, prepare)));
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
    public Task UntilAsync(string what, Func<string> sql) => UntilAsync(what, async () => await AskAsync(sql()) is true);

    /// <summary>What the nodes that run have logged under a number.</summary>
    public List<string> Said(int number) => [.. Logs.SelectMany(log => log.Lines.Where(line => line.Contains($": Perdure[{number}] ", StringComparison.Ordinal)).Select(line => $"{log.Node}: {line}"))];

    /// <summary>Waits until all nodes that run have logged an error with some text.</summary>
    public Task UntilAllSayAsync(string text) => UntilAsync($"'{text}' in all logs", () => Task.FromResult(Logs.All(log => HasSaid(log.Lines, text))));

    /// <summary>Waits until some node has logged an error with some text.</summary>
    public Task UntilOneSaysAsync(string text) => UntilAsync($"'{text}' in a log", () => Task.FromResult(Logs.Any(log => HasSaid(log.Lines, text))));

    /// <summary>The outages that each node has told of: its name, and the codes of each one.</summary>
    public List<string> Outages() => [.. Logs.Select(log => $"{log.Node}: {string.Join(", ", Tests.Outages.Read(log.Lines, out bool _))}")];

    /// <summary>Waits until every outage of which a node has told is over, and that it told of it as it should.</summary>
    public Task OutagesAreOverAsync() => UntilAsync("ends of outages", () => Task.FromResult(Logs.All(log =>
    {
        Tests.Outages.Read(log.Lines, out bool isOpen);
        return !isOpen;
    })));

    /// <summary>Changes a setting of the server.</summary>
    public async Task SetAsync(string setting)
    {
        await AskAsync($"ALTER SYSTEM SET {setting}");
        await AskAsync("SELECT pg_reload_conf()");
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

    private static bool HasSaid(IReadOnlyList<string> log, string text)
        => log.Any(line => line.StartsWith("fail", StringComparison.Ordinal) && line.Contains(text, StringComparison.Ordinal));

    private static async Task UntilAsync(string what, Func<Task<bool>> holds)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            if (TimeProvider.System.GetElapsedTime(began) > Limit)
            {
                throw new TimeoutException($"Missing: {what}.");
            }

            await Task.Delay(20);
        }
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
