using Npgsql;

namespace Perdure.Postgres.Reading;

/// <summary>Runs questions over the connections for reads, some at once; the others wait their turn.</summary>
internal sealed class Reads(Database database, int readers) : IDisposable
{
    private readonly SemaphoreSlim _turns = new(readers);

    /// <summary>The schema's name, quoted.</summary>
    public string Schema => database.Schema;

    /// <summary>Reads rows by an index.</summary>
    public Task<List<T>> ByIndexAsync<T>(string sql, Func<NpgsqlDataReader, T> toRow, CancellationToken cancellationToken, params NpgsqlParameter[] parameters) =>
        AskAsync([new NpgsqlBatchCommand(Guidance.OfReads), Sql.Of(sql, parameters)], reader => RowsAsync(reader, toRow, skip: 1), cancellationToken);

    /// <summary>Reads rows as the server thinks best: for questions that few ask.</summary>
    public Task<List<T>> AnyWayAsync<T>(string sql, Func<NpgsqlDataReader, T> toRow, CancellationToken cancellationToken, params NpgsqlParameter[] parameters) =>
        AskAsync([Sql.Of(sql, parameters)], reader => RowsAsync(reader, toRow, skip: 0), cancellationToken);

    /// <summary>Reads several kinds of rows by indexes, as of one moment; <paramref name="readAsync"/> begins at the first.</summary>
    public Task<T> AtOnceAsync<T>(IReadOnlyList<NpgsqlBatchCommand> commands, Func<NpgsqlDataReader, Task<T>> readAsync, CancellationToken cancellationToken)
    {
        NpgsqlBatchCommand[] whole =
        [
            new("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"), new(Guidance.OfReads), .. commands, new("COMMIT"),
        ];
        return AskAsync(
            whole,
            async reader =>
            {
                await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false); // after the guidance
                return await readAsync(reader).ConfigureAwait(false);
            },
            cancellationToken);
    }

    /// <summary>The rows of the current result.</summary>
    public static async Task<List<T>> RowsAsync<T>(NpgsqlDataReader reader, Func<NpgsqlDataReader, T> toRow)
    {
        List<T> rows = [];
        while (await reader.ReadAsync(CancellationToken.None).ConfigureAwait(false))
        {
            rows.Add(toRow(reader));
        }

        return rows;
    }

    public void Dispose() => _turns.Dispose();

    private static async Task<List<T>> RowsAsync<T>(NpgsqlDataReader reader, Func<NpgsqlDataReader, T> toRow, int skip)
    {
        for (int i = 0; i < skip; i++)
        {
            await reader.NextResultAsync(CancellationToken.None).ConfigureAwait(false);
        }

        return await RowsAsync(reader, toRow).ConfigureAwait(false);
    }

    /// <summary>Asks; once more over a new connection where the first one has died since it was last used, as all do when the server is restarted, or is no longer what it was.</summary>
    private async Task<T> AskAsync<T>(NpgsqlBatchCommand[] commands, Func<NpgsqlDataReader, Task<T>> readAsync, CancellationToken cancellationToken)
    {
        await _turns.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            try
            {
                return await AskOnceAsync(commands, readAsync, cancellationToken).ConfigureAwait(false);
            }
            catch (NpgsqlException e) when (Failure.IsConnections(e) || Failure.IsNotPrepared(e))
            {
                database.ForgetReaders();
                return await AskOnceAsync(Array.ConvertAll(commands, Again), readAsync, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (NpgsqlException e)
        {
            throw Failure.OfRead(database, e);
        }
        finally
        {
            _turns.Release();
        }
    }

    /// <summary>The same command anew: the driver remembers in a command on which connection it was prepared.</summary>
    private static NpgsqlBatchCommand Again(NpgsqlBatchCommand command) => Sql.Of(command.CommandText, [.. command.Parameters.Select(parameter => parameter.Clone())]);

    private async Task<T> AskOnceAsync<T>(NpgsqlBatchCommand[] commands, Func<NpgsqlDataReader, Task<T>> readAsync, CancellationToken cancellationToken)
    {
        NpgsqlConnection connection = await database.OpenReaderAsync(cancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            NpgsqlBatch batch = new(connection);
            await using (batch.ConfigureAwait(false))
            {
                Array.ForEach(commands, command => batch.BatchCommands.Add(command));
                NpgsqlDataReader reader = await batch.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
                await using (reader.ConfigureAwait(false))
                {
                    return await readAsync(reader).ConfigureAwait(false);
                }
            }
        }
    }
}
