using Npgsql;
using Perdure.Shared;
using Perdure.Storage;

namespace Perdure.Postgres.Tests;

/// <summary>Nodes that reach for the same shards at the same time.</summary>
public sealed class TakeTests(OnePostgres postgres) : IClassFixture<OnePostgres>
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_shard_that_another_new_node_is_just_taking_stays_that_nodes()
    {
        string schema = OnePostgres.NewSchema();
        await using PostgresStore store = postgres.Store(schema);
        await store.OpenAsync(4, default);
        NodeLease late = await store.JoinAsync("late", Lease, default);

        // A node that joins and takes shards where none were, all of it seen by others at once when it commits.
        await using NpgsqlConnection connection = new(postgres.Server.ConnectionString);
        await connection.OpenAsync();
        await using NpgsqlTransaction first = await connection.BeginTransactionAsync();
        await RunAsync(first, $"""
            INSERT INTO "{schema}".node (name, application, lease, lease_until) VALUES ('first', 'first', '1 minute', clock_timestamp() + interval '1 minute');
            INSERT INTO "{schema}".shard (shard, epoch, batch, time, token, unclean_ends, node) SELECT number, 1, 0, 'epoch', gen_random_uuid(), 0, currval(pg_get_serial_sequence('"{schema}".node', 'node'))
            FROM generate_series(0, 1) AS number
            """);
        Task<IReadOnlyList<ShardLease>> taking = store.TakeShardsAsync(late, [0, 1, 2, 3], Guid.NewGuid(), default);
        while (await postgres.AskAsync("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "0")
        {
            taking.IsCompleted.ShouldBeFalse("it must wait for who was before it");
        }

        await first.CommitAsync();

        (await taking).Select(l => (l.Shard, l.Epoch)).ShouldBe([(2, 1), (3, 1)]);
    }

    private static async Task RunAsync(NpgsqlTransaction transaction, string sql)
    {
        await using NpgsqlCommand command = new(sql, transaction.Connection, transaction);
        await command.ExecuteNonQueryAsync();
    }
}
