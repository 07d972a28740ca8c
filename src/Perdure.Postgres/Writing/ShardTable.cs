using Npgsql;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>Takes shards and gives them back. Rows are locked in the order of their numbers, like everywhere.</summary>
internal sealed class ShardTable(Database database)
{
    /// <summary>Whether the node lives that wants them. A process that is alone is no node.</summary>
    private readonly string _lives =
        $"($3 IS NULL OR EXISTS (SELECT FROM {database.Schema}.node WHERE node.node = $3 AND node.lease_until > clock_timestamp()))";

    /// <summary>Whether nobody else has the shard who lives. A process that is alone takes what it wants.</summary>
    private readonly string _isFree =
        $"""
        $3 IS NULL OR shard.node IS NULL OR shard.node = $3
            OR NOT EXISTS (SELECT FROM {database.Schema}.node WHERE node.node = shard.node AND node.lease_until > clock_timestamp())
        """;

    /// <summary>Takes shards; those that another living node has are passed over.</summary>
    /// <param name="node">The node that they are for; null for a process that is alone.</param>
    /// <param name="shards">The shards.</param>
    /// <param name="token">Random per takeover.</param>
    /// <param name="cancellationToken">Stops it before it begins.</param>
    public async Task<IReadOnlyList<ShardLease>> TakeAsync(long? node, IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
    {
        foreach (int shard in shards)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(shard, nameof(shards));
        }

        string sql =
            $"""
            UPDATE {database.Schema}.shard
            SET epoch = epoch + 1, token = $2, node = $3, unclean_ends = unclean_ends + (token IS NOT NULL AND ($3 IS NULL OR node IS DISTINCT FROM $3))::integer
            WHERE shard = ANY ($1) AND {_lives} AND ({_isFree})
            RETURNING shard, epoch, batch, time, unclean_ends, suspect_run, suspect_ask, suspect_deaths
            """;
        int[] wanted = [.. shards.Distinct()];
        Dictionary<int, ShardLease> taken = [];
        NpgsqlParameter[] parameters =
        [
            Sql.Value(wanted),
            Sql.Value(token),
            new NpgsqlParameter { Value = node is { } number ? number : DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Bigint },
        ];

        // The rows are made and locked by statements of their own, so that the last one sees who lives once it has them.
        NpgsqlBatchCommand rows = Sql.Of(
            $"""
            INSERT INTO {database.Schema}.shard (shard, epoch, batch, time, unclean_ends)
            SELECT number, 0, 0, 'epoch', 0 FROM unnest($1) AS number ORDER BY number ON CONFLICT (shard) DO NOTHING RETURNING shard
            """,
            Sql.Value(wanted));
        NpgsqlBatchCommand locks = Sql.Of(
            $"SELECT shard FROM {database.Schema}.shard WHERE shard = ANY ($1) ORDER BY shard FOR NO KEY UPDATE", Sql.Value(wanted));
        await Statements.RunAsync(database, [rows, locks, Sql.Of(sql, parameters)], (row, statement) => Read(row, isLease: statement == 2), cancellationToken).ConfigureAwait(false);
        return [.. shards.Where(taken.ContainsKey).Select(shard => taken[shard])];

        void Read(NpgsqlDataReader row, bool isLease)
        {
            if (!isLease)
            {
                return;
            }

            Suspect? suspect = row.IsDBNull(5) ? null : new Suspect(row.GetInt64(5), row.GetInt32(6), row.GetInt32(7));
            int shard = row.GetInt32(0);
            taken.Add(shard, new ShardLease(shard, row.GetInt64(1), token, row.GetInt64(2), row.GetFieldValue<DateTimeOffset>(3), row.GetInt32(4), suspect));
        }
    }

    public Task ReleaseAsync(IReadOnlyList<ShardLease> leases, CancellationToken cancellationToken)
    {
        string sql =
            $"""
            WITH held AS (
                SELECT shard.shard
                FROM (SELECT unnest($1) AS shard, unnest($2) AS epoch, unnest($3) AS token) AS lease
                    JOIN {database.Schema}.shard ON shard.shard = lease.shard AND shard.epoch = lease.epoch AND shard.token = lease.token
                ORDER BY shard.shard FOR NO KEY UPDATE OF shard)
            UPDATE {database.Schema}.shard SET token = NULL, unclean_ends = 0, suspect_run = NULL, suspect_ask = NULL, suspect_deaths = NULL, node = NULL
            FROM held WHERE shard.shard = held.shard
            """;
        NpgsqlParameter[] parameters =
        [
            new NpgsqlParameter<int[]> { TypedValue = [.. leases.Select(lease => lease.Shard)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. leases.Select(lease => lease.Epoch)] },
            new NpgsqlParameter<Guid[]> { TypedValue = [.. leases.Select(lease => lease.Token)] },
        ];
        return Statements.RunAsync(database, Sql.Of(sql, parameters), static _ => { }, cancellationToken);
    }
}
