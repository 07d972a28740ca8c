using Npgsql;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>Small transactions beside the commits, each in one round trip.</summary>
internal static class Statements
{
    public static Task RunAsync(Database database, NpgsqlBatchCommand command, Action<NpgsqlDataReader> read, CancellationToken cancellationToken)
        => RunAsync(database, [command], (row, _) => read(row), cancellationToken);

    /// <summary>Runs statements in one transaction, and reads their rows.</summary>
    /// <param name="database">Where.</param>
    /// <param name="commands">The statements.</param>
    /// <param name="read">Is called for each row, with the place of its statement.</param>
    /// <param name="cancellationToken">Stops it before it begins.</param>
    /// <exception cref="StoreException">It was not done, or nobody knows. Either way the caller may do it again.</exception>
    public static async Task RunAsync(Database database, IReadOnlyList<NpgsqlBatchCommand> commands, Action<NpgsqlDataReader, int> read, CancellationToken cancellationToken)
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
                    foreach (NpgsqlBatchCommand command in commands)
                    {
                        batch.BatchCommands.Add(command);
                    }

                    NpgsqlDataReader reader = await batch.ExecuteReaderAsync(CancellationToken.None).ConfigureAwait(false);
                    await using (reader.ConfigureAwait(false))
                    {
                        await ReadAsync(reader, read).ConfigureAwait(false);
                    }
                }
            }
        }
        catch (NpgsqlException e)
        {
            throw Failure.OfRead(database, e);
        }
    }

    /// <summary>Npgsql passes over statements that return no rows at all, so only the last ones of a transaction may be of that kind.</summary>
    private static async Task ReadAsync(NpgsqlDataReader reader, Action<NpgsqlDataReader, int> read)
    {
        int result = 0;
        do
        {
            while (await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false))
            {
                if (result > 0)
                {
                    read(reader, result - 1);
                }
            }

            result++;
        }
        while (await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false));
    }
}
