using Npgsql;
using Perdure.Client;
using Perdure.Diagnostics;
using Perdure.Engine;
using Perdure.Postgres;
using Perdure.Storage;

namespace Perdure;

/// <summary>Starts and signals flows, enqueues jobs and publishes events in a transaction of the caller's own: they are durable with its business rows, or not at all.</summary>
/// <remarks>
/// <para>What is asked for stands in the store's inbox once the caller has committed, and is taken in within a second, on whatever node.</para>
/// <para>
/// Nobody waits for an answer then. What cannot be done, since there is a run of that id with another input, or no run that takes the signal, is kept
/// as a row of the view <c>unclaimed</c>, and logged.
/// </para>
/// <para>The connection must lead to the database of the store, with a role that may insert into its table <c>inbox</c>.</para>
/// </remarks>
public static class PostgresTransactions
{
    /// <summary>Starts a run with the transaction. A second start with the same id and input gives the same run.</summary>
    /// <param name="flow">The flow type.</param>
    /// <param name="input">The input.</param>
    /// <param name="transaction">The caller's transaction.</param>
    /// <param name="id">The run's id; made by the library by default.</param>
    /// <param name="correlationId">The business transaction that it belongs to; its own by default.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <returns>A handle; the run is there soon after the commit.</returns>
    /// <exception cref="PerdureException">The store is another one (PRD8006), or the input is too large (PRD1005) or cannot be turned into JSON (PRD1006).</exception>
    public static async Task<FlowHandle<TOut>> StartAsync<TIn, TOut>(this IFlowClient<IFlow<TIn, TOut>> flow, TIn input, NpgsqlTransaction transaction, string? id = null, string? correlationId = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(flow);
        FlowCalls calls = ((IClientOf)flow).Calls;
        InboxRow start = calls.StartRow(flow.Name, input, id, correlationId is null ? null : new StartOptions { CorrelationId = correlationId });
        await InsertAsync(calls.Node, transaction, start, cancellationToken).ConfigureAwait(false);
        return new FlowHandle<TOut>(calls, start.To);
    }

    /// <summary>Sends a signal with the transaction.</summary>
    /// <param name="run">The run.</param>
    /// <param name="value">The value.</param>
    /// <param name="transaction">The caller's transaction.</param>
    /// <param name="name">The signal's name; that of the value's type by default.</param>
    /// <param name="signalId">The sender's id: a second signal with the same id is taken for the same one.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="PerdureException">The store is another one (PRD8006), or the value is too large (PRD1005) or cannot be turned into JSON (PRD1006).</exception>
    public static Task SignalAsync<T>(this FlowHandle run, T value, NpgsqlTransaction transaction, string? name = null, string? signalId = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(run);
        return InsertAsync(run.Calls.Node, transaction, run.Calls.SignalRow(run.Key, value, name, signalId), cancellationToken);
    }

    /// <summary>Puts a job into its queue with the transaction.</summary>
    /// <param name="perdure">The client.</param>
    /// <param name="job">The job.</param>
    /// <param name="transaction">The caller's transaction.</param>
    /// <param name="options">How it is done, where that differs from its contract and its queue.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="PerdureException">The store is another one (PRD8006), there is no such queue (PRD1012) or handler (PRD1013), or the job is too large (PRD1005). What the queue says only when it comes, such as that it sheds, is kept as unclaimed.</exception>
    public static Task EnqueueAsync(this PerdureClient perdure, IJob job, NpgsqlTransaction transaction, JobOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(perdure);
        return InsertAsync(perdure.Jobs.Node, transaction, perdure.Jobs.EnqueueRow(job, options), cancellationToken);
    }

    /// <summary>Publishes an event with the transaction.</summary>
    /// <param name="perdure">The client.</param>
    /// <param name="event">The event. Its type was added with <c>AddEvent</c>.</param>
    /// <param name="transaction">The caller's transaction.</param>
    /// <param name="options">How it is published, where that differs from its type.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="PerdureException">The store is another one (PRD8006), or as with <see cref="PerdureClient.PublishAsync"/>. An event whose id another one has got meanwhile is kept as unclaimed.</exception>
    public static async Task PublishAsync<TEvent>(this PerdureClient perdure, TEvent @event, NpgsqlTransaction transaction, PublishOptions? options = null, CancellationToken cancellationToken = default)
        where TEvent : notnull
    {
        ArgumentNullException.ThrowIfNull(perdure);
        if (await perdure.Events.PublishRowAsync(@event, options, cancellationToken).ConfigureAwait(false) is { } row)
        {
            await InsertAsync(perdure.Jobs.Node, transaction, row, cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task InsertAsync(Node node, NpgsqlTransaction transaction, InboxRow row, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(transaction);
        string schema = (node.Store as PostgresStore)?.Schema
            ?? throw new PerdureException(ErrorCodes.NotPostgres, "flows can be started in a PostgreSQL transaction only where PostgreSQL is their store: add UsePostgres.");
#pragma warning disable CA2100 // The schema's name is quoted.
        NpgsqlCommand command = new(
            $"INSERT INTO {schema}.inbox (shard, id, kind, to_type, to_id, name, payload, correlation, cause) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            transaction.Connection,
            transaction);
#pragma warning restore CA2100
        await using (command.ConfigureAwait(false))
        {
            command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = row.Shard });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = row.Id });
            command.Parameters.Add(new NpgsqlParameter<short> { TypedValue = (short)row.Kind });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = row.To.Type });
            command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = row.To.Id });
            command.Parameters.Add(Nullable(row.Name, NpgsqlTypes.NpgsqlDbType.Text));
            command.Parameters.Add(Nullable(row.Payload, NpgsqlTypes.NpgsqlDbType.Bytea));
            command.Parameters.Add(Nullable(row.Correlation, NpgsqlTypes.NpgsqlDbType.Text));
            command.Parameters.Add(Nullable(row.Cause, NpgsqlTypes.NpgsqlDbType.Text));
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private static NpgsqlParameter Nullable(object? value, NpgsqlTypes.NpgsqlDbType type) => new() { Value = value ?? DBNull.Value, NpgsqlDbType = type };
}
