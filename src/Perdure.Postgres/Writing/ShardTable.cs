using Npgsql;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>Takes shards and gives them back. Rows are locked in the order of their numbers, like everywhere.</summary>
internal sealed class ShardTable(Database database)
{
    public async Task<IReadOnlyList<ShardLease>> TakeAsync(IReadOnlyList<int> shards, Guid token, CancellationToken cancellationToken)
    {
        foreach (int shard in shards)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(shard, nameof(shards));
        }

        string sql =
            $"""
            INSERT INTO {database.Schema}.shard (shard, epoch, batch, time, token, unclean_ends)
            SELECT number, 1, 0, 'epoch', $2, 0 FROM unnest($1) AS number ORDER BY number
            ON CONFLICT (shard) DO UPDATE
            SET epoch = shard.epoch + 1, token = excluded.token, unclean_ends = shard.unclean_ends + (shard.token IS NOT NULL)::integer
            RETURNING shard, epoch, batch, time, unclean_ends, suspect_run, suspect_ask, suspect_deaths
            """;
        Dictionary<int, ShardLease> taken = [];
        await RunAsync(sql, [new NpgsqlParameter<int[]> { TypedValue = [.. shards.Distinct()] }, new NpgsqlParameter<Guid> { TypedValue = token }], ReadLease, cancellationToken).ConfigureAwait(false);
        return [.. shards.Select(shard => taken[shard])];

        void ReadLease(NpgsqlDataReader row)
        {
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
            UPDATE {database.Schema}.shard SET token = NULL, unclean_ends = 0, suspect_run = NULL, suspect_ask = NULL, suspect_deaths = NULL
            FROM held WHERE shard.shard = held.shard
            """;
        NpgsqlParameter[] parameters =
        [
            new NpgsqlParameter<int[]> { TypedValue = [.. leases.Select(lease => lease.Shard)] },
            new NpgsqlParameter<long[]> { TypedValue = [.. leases.Select(lease => lease.Epoch)] },
            new NpgsqlParameter<Guid[]> { TypedValue = [.. leases.Select(lease => lease.Token)] },
        ];
        return RunAsync(sql, parameters, static _ => { }, cancellationToken);
    }

    /// <exception cref="StoreException">It was not done, or nobody knows. Either way the caller may do it again.</exception>
    private async Task RunAsync(string sql, NpgsqlParameter[] parameters, Action<NpgsqlDataReader> read, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            NpgsqlConnection connection = await database.OpenWriterAsync(cancellationToken).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                NpgsqlBatch batch = new(connection);
                await using (batch.ConfigureAwait(false))
                {
                    batch.BatchCommands.Add(new NpgsqlBatchCommand(Guidance.OfCommits));
                    NpgsqlBatchCommand command = new(sql);
                    Array.ForEach(parameters, parameter => command.Parameters.Add(parameter));
                    batch.BatchCommands.Add(command);
                    NpgsqlDataReader reader = await batch.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false);
                    await using (reader.ConfigureAwait(false))
                    {
                        await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false);
                        while (await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false))
                        {
                            read(reader);
                        }
                    }
                }
            }
        }
        catch (NpgsqlException e)
        {
            throw Failure.OfRead(database, e);
        }
    }
}
