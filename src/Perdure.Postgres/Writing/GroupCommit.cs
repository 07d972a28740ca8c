using System.Collections.Concurrent;
using Npgsql;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>Commits groups of batches: every batch or none, in one round trip.</summary>
/// <remarks>
/// <para>
/// All statements of a group go out together, and make one transaction without a word of it: the server commits when it comes to their end, and takes
/// everything back at the first that fails. The fence is the first and fails where a shard is no longer held, so nothing is written then.
/// </para>
/// <para>
/// Rows of one table go out together, whatever batch they are from. Where the server refuses a value, nobody knows whose it was: the batches are
/// written again one after the other, and the first that is refused is the one at fault.
/// </para>
/// </remarks>
internal sealed class GroupCommit(Database database)
{
    private readonly ConcurrentBag<GroupWriter> _writers = [];

    /// <exception cref="StoreException">The outcome is unknown.</exception>
    public async Task<IReadOnlyList<CommitAnswer>> CommitAsync(IReadOnlyList<ShardBatch> batches)
    {
        if (batches.Count == 0)
        {
            return [];
        }

        GroupWriter writer = _writers.TryTake(out GroupWriter? idle) ? idle : new GroupWriter(database.Schema);
        try
        {
            return await CommitAsync(writer, batches).ConfigureAwait(false);
        }
        finally
        {
            writer.Clear();
            _writers.Add(writer);
        }
    }

    private async Task<IReadOnlyList<CommitAnswer>> CommitAsync(GroupWriter writer, IReadOnlyList<ShardBatch> batches)
    {
        NpgsqlConnection connection;
        try
        {
            connection = await database.OpenWriterAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or IOException or System.Net.Sockets.SocketException)
        {
            return CommitGroup.NotNow(batches.Count, Failure.Unreachable(database, e).Message);
        }

        await using (connection.ConfigureAwait(false))
        {
            return IsOrderFree(batches)
                ? await CommitTogetherAsync(connection, writer, batches).ConfigureAwait(false)
                : await CommitInOrderAsync(connection, writer, batches).ConfigureAwait(false);
        }
    }

    /// <summary>Gives up connections on which driver and server no longer agree.</summary>
    private void ForgetIfStale(Exception e)
    {
        if (Failure.IsDrivers(e) || Failure.IsNotPrepared(e))
        {
            database.ForgetWriters();
        }
    }

    private async Task<IReadOnlyList<CommitAnswer>> CommitTogetherAsync(NpgsqlConnection connection, GroupWriter writer, IReadOnlyList<ShardBatch> batches)
    {
        try
        {
            NpgsqlBatch command = new(connection);
            await using (command.ConfigureAwait(false))
            {
                writer.FillAll(command, batches);
                await command.ExecuteNonQueryAsync(CancellationToken.None).ConfigureAwait(false);
            }

            return CommitGroup.Committed(batches.Count);
        }
        catch (PostgresException e) when (writer.IsFence(e))
        {
            return await FindFencedAsync(connection, batches).ConfigureAwait(false);
        }
        catch (Exception e) when (Failure.IsValues(e))
        {
            ForgetIfStale(e);
            return batches.Count == 1
                ? CommitGroup.Refused(1, 0, writer.Explain(e))
                : await CommitInOrderAsync(writer, batches).ConfigureAwait(false);
        }
        catch (PostgresException e) when (Failure.IsDefinite(e))
        {
            ForgetIfStale(e);
            return CommitGroup.NotNow(batches.Count, Failure.Refuses(database, e).Message);
        }
        catch (Exception e)
        {
            throw Failure.Unknown(database, e);
        }
    }

    /// <summary>Over another connection: the driver gives one up where it could not write a value.</summary>
    private async Task<IReadOnlyList<CommitAnswer>> CommitInOrderAsync(GroupWriter writer, IReadOnlyList<ShardBatch> batches)
    {
        try
        {
            NpgsqlConnection connection = await database.OpenWriterAsync(CancellationToken.None).ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                return await CommitInOrderAsync(connection, writer, batches).ConfigureAwait(false);
            }
        }
        catch (NpgsqlException e)
        {
            return CommitGroup.NotNow(batches.Count, Failure.Unreachable(database, e).Message);
        }
    }

    private async Task<IReadOnlyList<CommitAnswer>> CommitInOrderAsync(NpgsqlConnection connection, GroupWriter writer, IReadOnlyList<ShardBatch> batches)
    {
        int writing = -1;
        bool isCommitting = false;
        try
        {
            NpgsqlTransaction transaction = await connection.BeginTransactionAsync(CancellationToken.None).ConfigureAwait(false);
            await using (transaction.ConfigureAwait(false))
            {
                await ExecuteAsync(connection, command => writer.FillFence(command, batches)).ConfigureAwait(false);
                for (writing = 0; writing < batches.Count; writing++)
                {
                    ShardBatch batch = batches[writing];
                    await ExecuteAsync(connection, command => writer.FillRows(command, [batch])).ConfigureAwait(false);
                }

                isCommitting = true;
                await transaction.CommitAsync(CancellationToken.None).ConfigureAwait(false);
                return CommitGroup.Committed(batches.Count);
            }
        }
        catch (PostgresException e) when (writer.IsFence(e))
        {
            return await FindFencedAsync(connection, batches).ConfigureAwait(false);
        }
        catch (Exception e) when (!isCommitting && Failure.IsValues(e))
        {
            ForgetIfStale(e);
            return CommitGroup.Refused(batches.Count, writing, writer.Explain(e));
        }
        catch (Exception e) when (!isCommitting || e is PostgresException server && Failure.IsDefinite(server))
        {
            ForgetIfStale(e);
            return CommitGroup.NotNow(batches.Count, Failure.Refuses(database, e).Message); // it had not come to the commit
        }
        catch (Exception e)
        {
            throw Failure.Unknown(database, e);
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, Action<NpgsqlBatch> fill)
    {
        NpgsqlBatch command = new(connection);
        await using (command.ConfigureAwait(false))
        {
            fill(command);
            if (command.BatchCommands.Count > 0)
            {
                await command.ExecuteNonQueryAsync(CancellationToken.None).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Says whose shard somebody else has.</summary>
    private async Task<IReadOnlyList<CommitAnswer>> FindFencedAsync(NpgsqlConnection connection, IReadOnlyList<ShardBatch> batches)
    {
        CommitAnswer[] answers = CommitGroup.NotNow(batches.Count, "another batch of the group was fenced");
        try
        {
            Dictionary<int, (long Epoch, Guid? Token, long Batch)> shards = await ReadShardsAsync(connection, batches).ConfigureAwait(false);
            for (int i = 0; i < batches.Count; i++)
            {
                ShardLease lease = batches[i].Lease;
                if (!shards.TryGetValue(lease.Shard, out var shard) || shard != (lease.Epoch, lease.Token, batches[i].Number - 1))
                {
                    answers[i] = CommitGroup.Fenced(batches[i]);
                }
            }

            return answers;
        }
        catch (NpgsqlException e)
        {
            return CommitGroup.NotNow(batches.Count, Failure.OfRead(database, e).Message); // nothing was written, and the next try will say more
        }
    }

    private async Task<Dictionary<int, (long Epoch, Guid? Token, long Batch)>> ReadShardsAsync(NpgsqlConnection connection, IReadOnlyList<ShardBatch> batches)
    {
        Dictionary<int, (long, Guid?, long)> shards = [];
#pragma warning disable CA2100 // The schema's name is quoted.
        NpgsqlCommand command = new($"SELECT shard, epoch, token, batch FROM {database.Schema}.shard WHERE shard = ANY ($1)", connection);
#pragma warning restore CA2100
        await using (command.ConfigureAwait(false))
        {
            command.Parameters.Add(new NpgsqlParameter<int[]> { TypedValue = [.. batches.Select(batch => batch.Lease.Shard)] });
            NpgsqlDataReader reader = await command.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                while (await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false))
                {
                    shards.Add(reader.GetInt32(0), (reader.GetInt64(1), reader.IsDBNull(2) ? null : reader.GetGuid(2), reader.GetInt64(3)));
                }
            }
        }

        return shards;
    }

    /// <summary>Whether rows of all batches may be written table by table. They may not where a batch sends a message that an earlier one of the group consumes: the message would be lost.</summary>
    private static bool IsOrderFree(IReadOnlyList<ShardBatch> batches)
    {
        HashSet<(int, string)>? received = null;
        foreach (ShardBatch batch in batches)
        {
            if (received is not null && batch.Sent.Exists(message => received.Contains((message.Shard, message.Id))))
            {
                return false;
            }

            foreach (string id in batches.Count > 1 ? batch.Received : [])
            {
                (received ??= []).Add((batch.Lease.Shard, id));
            }
        }

        return true;
    }
}
