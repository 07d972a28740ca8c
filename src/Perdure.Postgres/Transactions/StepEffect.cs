using Npgsql;

namespace Perdure.Postgres.Transactions;

/// <summary>The row that stands for a step's effect, as one transaction sees it.</summary>
internal sealed class StepEffect(NpgsqlTransaction transaction, string schema, string key)
{
    public string Key => key;

    /// <summary>Whether nobody has done the step, or undone it. It waits for one who is at it.</summary>
    public async Task<bool> BeginAsync(CancellationToken cancellationToken)
        => await AskAsync($"INSERT INTO {schema}.step_effect (key) VALUES ($1) ON CONFLICT (key) DO NOTHING RETURNING true", cancellationToken).ConfigureAwait(false) is true;

    /// <summary>What was done; null where it was undone.</summary>
    public async Task<byte[]?> ReadAsync(CancellationToken cancellationToken)
        => await AskAsync($"SELECT result FROM {schema}.step_effect WHERE key = $1 AND NOT undone", cancellationToken).ConfigureAwait(false) as byte[];

    public Task RecordAsync(byte[] result, CancellationToken cancellationToken)
        => AskAsync($"UPDATE {schema}.step_effect SET result = $2 WHERE key = $1", cancellationToken, result);

    /// <summary>Whether the step was done and is not undone yet. From now on it can no longer be done.</summary>
    public async Task<bool> BeginUndoAsync(CancellationToken cancellationToken)
        => await AskAsync(
            $"""
            INSERT INTO {schema}.step_effect AS there (key, undone) VALUES ($1, true)
            ON CONFLICT (key) DO UPDATE SET undone = true WHERE NOT there.undone
            RETURNING there.result IS NOT NULL
            """,
            cancellationToken).ConfigureAwait(false) is true;

    private async Task<object?> AskAsync(string sql, CancellationToken cancellationToken, byte[]? result = null)
    {
#pragma warning disable CA2100 // The schema's name is quoted.
        NpgsqlCommand command = new(sql, transaction.Connection, transaction);
#pragma warning restore CA2100
        await using (command.ConfigureAwait(false))
        {
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = key });
            if (result is not null)
            {
                command.Parameters.Add(new NpgsqlParameter<byte[]> { TypedValue = result });
            }

            return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false);
        }
    }
}
