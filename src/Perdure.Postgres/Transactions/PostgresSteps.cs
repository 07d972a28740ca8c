using Npgsql;
using Perdure.Diagnostics;
using Perdure.Postgres;
using Perdure.Postgres.Transactions;
using Perdure.Serialization;

namespace Perdure;

/// <summary>Steps whose effect happens exactly once: what they write and the fact that they did are one transaction.</summary>
/// <remarks>
/// <para>
/// Each step writes a row of the table <c>step_effect</c> under its idempotency key. An attempt that finds the row gives the result in it and runs nothing; two
/// attempts at the same time wait for each other at it. An undo marks the row: a step that was never done is not undone, and an attempt that
/// comes after the undo is rejected.
/// </para>
/// <para>
/// The row stands for all that the step does there. So an attempt may do its work in one transaction only; it may try again after one that failed, since
/// that has taken back the row with the rest. The undo's attempts are attempts of their own.
/// </para>
/// <para>The table is in the store's schema. Where business tables are in another database, make it there too, and name its schema.</para>
/// </remarks>
public static class PostgresSteps
{
    /// <summary>Does a step's, or an undo's, work in a transaction of its own, exactly once.</summary>
    /// <param name="step">The attempt.</param>
    /// <param name="database">Where the work's tables are.</param>
    /// <param name="work">The work. It must use this transaction for all that it writes, and neither commit it nor roll it back.</param>
    /// <param name="schema">The PostgreSQL schema with the table <c>step_effect</c>.</param>
    /// <returns>The work's result; that of the attempt that did it, where an earlier one did. For an undo of a step that never happened, nothing: the default.</returns>
    /// <exception cref="RejectedException">The step was undone before this attempt came.</exception>
    /// <exception cref="PerdureException">This attempt has done its work in a transaction there already, or is at it (PRD2008).</exception>
    public static async Task<T?> InTransactionAsync<T>(this StepContext step, NpgsqlDataSource database, Func<NpgsqlTransaction, Task<T>> work, string schema = "perdure")
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(database);
        ArgumentNullException.ThrowIfNull(work);
        NpgsqlConnection connection = await database.OpenConnectionAsync(step.CancellationToken).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            return await InTransactionAsync(step, connection, work, schema).ConfigureAwait(false);
        }
    }

    /// <summary>Does a step's, or an undo's, work in a transaction on an open connection, such as that of a DbContext, exactly once.</summary>
    /// <inheritdoc cref="InTransactionAsync{T}(StepContext, NpgsqlDataSource, Func{NpgsqlTransaction, Task{T}}, string)"/>
    /// <param name="step">The attempt.</param>
    /// <param name="connection">The connection; no transaction has begun on it.</param>
    /// <param name="work">The work.</param>
    /// <param name="schema">The PostgreSQL schema with the table <c>step_effect</c>.</param>
    public static async Task<T?> InTransactionAsync<T>(this StepContext step, NpgsqlConnection connection, Func<NpgsqlTransaction, Task<T>> work, string schema = "perdure")
    {
        ArgumentNullException.ThrowIfNull(step);
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(work);
        string place = $"{connection.DataSource} {connection.Database} {schema}";
        if (!step.Transactions.TryAdd(place, true))
        {
            throw new PerdureException(
                ErrorCodes.SecondTransaction, $"step {step.IdempotencyKey} has done its work in a transaction already, or is at it: a second one would do nothing. Do all of it in one, or in two steps.");
        }

        try
        {
            return await InOneTransactionAsync(step, connection, work, schema).ConfigureAwait(false);
        }
        catch
        {
            step.Transactions.TryRemove(place, out _); // its row is gone with it; or is there, and the next one finds it
            throw;
        }
    }

    private static async Task<T?> InOneTransactionAsync<T>(StepContext step, NpgsqlConnection connection, Func<NpgsqlTransaction, Task<T>> work, string schema)
    {
        NpgsqlTransaction transaction = await connection.BeginTransactionAsync(step.CancellationToken).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            var effect = new StepEffect(transaction, PostgresSchema.Quote(schema), step.IdempotencyKey);
            T? result = step.IsUndo
                ? await UndoAsync(effect, work, transaction, step.CancellationToken).ConfigureAwait(false)
                : await DoAsync(effect, work, transaction, step.Json, step.CancellationToken).ConfigureAwait(false);
            await transaction.CommitAsync(step.CancellationToken).ConfigureAwait(false);
            return result;
        }
    }

    private static async Task<T?> DoAsync<T>(StepEffect effect, Func<NpgsqlTransaction, Task<T>> work, NpgsqlTransaction transaction, FlowJson json, CancellationToken cancellationToken)
    {
        if (!await effect.BeginAsync(cancellationToken).ConfigureAwait(false))
        {
            byte[]? there = await effect.ReadAsync(cancellationToken).ConfigureAwait(false)
                ?? throw new RejectedException($"step {effect.Key} was undone before this attempt came");
            return json.Deserialize<T>(there, $"what step {effect.Key} did");
        }

        T result = await work(transaction).ConfigureAwait(false);
        await effect.RecordAsync(json.Serialize(result, $"the result of step {effect.Key}"), cancellationToken).ConfigureAwait(false);
        return result;
    }

    private static async Task<T?> UndoAsync<T>(StepEffect effect, Func<NpgsqlTransaction, Task<T>> work, NpgsqlTransaction transaction, CancellationToken cancellationToken)
        => await effect.BeginUndoAsync(cancellationToken).ConfigureAwait(false) ? await work(transaction).ConfigureAwait(false) : default;
}
