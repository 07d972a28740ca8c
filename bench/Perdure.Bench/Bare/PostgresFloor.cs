using System.Diagnostics;
using Npgsql;
using Perdure.Bench.Runner;
using Perdure.Shared;

namespace Perdure.Bench.Bare;

/// <summary>No engine: the rows that flows and jobs need at the least, written by a bare loop over one connection to PostgreSQL, one round trip for each commit.</summary>
internal sealed class PostgresFloor : IAsyncDisposable
{
    private const int Steps = 3;
    private const int Shards = 64;

    private const string Schema = """
        CREATE TABLE flow (shard integer, run bigint, type text COLLATE "C", id text COLLATE "C", version integer, status smallint, created_at timestamptz,
            wake_at timestamptz, ended_at timestamptz, PRIMARY KEY (shard, run));
        CREATE UNIQUE INDEX flow_key ON flow (type, id);
        CREATE INDEX flow_wake ON flow (shard, wake_at) WHERE wake_at IS NOT NULL;
        CREATE TABLE history (shard integer, run bigint, position integer, at timestamptz, kind smallint, asks text, payload bytea, PRIMARY KEY (shard, run, position));
        CREATE TABLE job (number bigint PRIMARY KEY, queue text, priority integer, created_at timestamptz, payload bytea);
        """;

    // Plans are made while the tables are still empty.
    private const string ByIndexOnly = "-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c plan_cache_mode=force_generic_plan -c jit=off";

    private readonly PostgresServer _server;
    private readonly NpgsqlConnection _connection;
    private readonly byte[] _payload = new byte[100];
    private long _last;
    private long _commits;

    private PostgresFloor(PostgresServer server, NpgsqlConnection connection)
    {
        _server = server;
        _connection = connection;
        Random.Shared.NextBytes(_payload);
    }

    public static async Task<PostgresFloor> StartAsync(TempDir dir, CancellationToken cancellationToken)
    {
        PostgresServer server = await PostgresServer.StartNewAsync(dir.Path);
        NpgsqlConnection connection = new(server.ConnectionString + $";Max Auto Prepare=20;Auto Prepare Min Usages=2;Options={ByIndexOnly}");
        await connection.OpenAsync(cancellationToken);
        await using (NpgsqlCommand schema = new(Schema, connection))
        {
            await schema.ExecuteNonQueryAsync(cancellationToken);
        }

        return new PostgresFloor(server, connection);
    }

    public Meter Meter() => new(() => _commits, _server.Cpu);

    /// <summary>Every client has a flow under way, and every commit takes one input of each: a quarter of them start, a quarter end.</summary>
    public async Task<Latencies> RunFlowsAsync(int n, int clients, CancellationToken cancellationToken)
    {
        var latencies = new Latencies();
        (long Run, int Step, long Started)[] flows = new (long, int, long)[clients];
        int started = 0;
        int ended = 0;
        for (int round = 0; ended < n; round++)
        {
            List<long> starting = [];
            List<(long Run, int Step)> inputs = [];
            List<int> ending = [];
            for (int client = 0; client < clients; client++)
            {
                ref (long Run, int Step, long Started) flow = ref flows[client];
                if (flow.Step == 0 && started < n && round >= client % (Steps + 1))
                {
                    flow = (++_last, 1, Stopwatch.GetTimestamp());
                    started++;
                    starting.Add(flow.Run);
                }
                else if (flow.Step > 0)
                {
                    inputs.Add((flow.Run, flow.Step));
                    if (flow.Step++ == Steps)
                    {
                        ending.Add(client);
                    }
                }
            }

            await CommitFlowsAsync(starting, inputs, [.. ending.Select(client => flows[client].Run)], cancellationToken);
            ended += ending.Count;
            foreach (int client in ending)
            {
                latencies.AddSince(flows[client].Started);
                flows[client] = default;
            }
        }

        return latencies;
    }

    /// <summary>Each commit inserts a job for each client, and deletes those of the one before.</summary>
    public async Task<Latencies> RunJobsAsync(int n, int clients, CancellationToken cancellationToken)
    {
        var latencies = new Latencies();
        long end = _last + n;
        for (long done = _last; done < end;)
        {
            long began = Stopwatch.GetTimestamp();
            long before = _last;
            _last = Math.Min(end, _last + clients);
            long[] inserted = [.. Numbers(before + 1, _last)];
            long[] deleted = [.. Numbers(done + 1, before)];
            await SendAsync(
                cancellationToken,
                Command("DELETE FROM job WHERE number = ANY ($1)", deleted),
                Command("INSERT INTO job SELECT unnest($1), 'bench', 0, $2, unnest($3)", inserted, DateTime.UtcNow, Array.ConvertAll(inserted, _ => _payload)));
            done = before;
            Array.ForEach(inserted, _ => latencies.AddSince(began));
        }

        return latencies;
    }

    public async ValueTask DisposeAsync()
    {
        await _connection.DisposeAsync();
        await _server.DisposeAsync();
    }

    private static IEnumerable<long> Numbers(long first, long last)
    {
        for (long number = first; number <= last; number++)
        {
            yield return number;
        }
    }

    private static NpgsqlBatchCommand Command(string sql, params object[] values)
    {
        NpgsqlBatchCommand command = new(sql);
        Array.ForEach(values, value => command.Parameters.Add(new NpgsqlParameter { Value = value }));
        return command;
    }

    private Task CommitFlowsAsync(List<long> starting, List<(long Run, int Step)> inputs, List<long> ending, CancellationToken cancellationToken)
    {
        DateTime now = DateTime.UtcNow;
        int[] ShardsOf(IEnumerable<long> runs) => [.. runs.Select(run => (int)(run % Shards))];
        long[] runs = [.. inputs.Select(input => input.Run)];
        return SendAsync(
            cancellationToken,
            Command(
                "INSERT INTO flow SELECT unnest($1), unnest($2), 'saga3', unnest($3), 1, 0, $4, 'epoch', NULL",
                ShardsOf(starting), starting.ToArray(), starting.ConvertAll(run => run.ToString("x12", System.Globalization.CultureInfo.InvariantCulture)).ToArray(), now),
            Command(
                "INSERT INTO history SELECT unnest($1), unnest($2), unnest($3), $4, 1, 's authorize-card', unnest($5)",
                ShardsOf(runs), runs, inputs.ConvertAll(input => input.Step).ToArray(), now, inputs.ConvertAll(_ => _payload).ToArray()),
            Command(
                "UPDATE flow SET status = 3, wake_at = NULL, ended_at = $3 FROM (SELECT unnest($1) AS shard, unnest($2) AS run) AS row WHERE flow.shard = row.shard AND flow.run = row.run",
                ShardsOf(ending), ending.ToArray(), now));
    }

    /// <summary>Sends statements as one transaction in one round trip.</summary>
    private async Task SendAsync(CancellationToken cancellationToken, params NpgsqlBatchCommand[] commands)
    {
        await using NpgsqlBatch batch = new(_connection);
        Array.ForEach(commands, command => batch.BatchCommands.Add(command));
        await batch.ExecuteNonQueryAsync(cancellationToken);
        _commits++;
    }
}
