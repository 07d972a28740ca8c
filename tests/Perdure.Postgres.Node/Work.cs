using Npgsql;

namespace Perdure.Postgres.Node;

/// <summary>A job whose handler says itself when it ran, by the server's clock.</summary>
/// <param name="Name">Which one it is.</param>
/// <param name="Lane">Its key.</param>
/// <param name="Number">Its result.</param>
internal sealed record Work(string Name, string Lane, int Number) : IJob<int>
{
    public const string Queue = "work";

    /// <summary>How many may run at once, on all nodes together.</summary>
    public const int AtOnce = 4;

    public const int AtOncePerLane = 2;

    /// <summary>The handlers' records. Only those that are sure say when an attempt ran for certain, at least.</summary>
    public const string Table = "CREATE TABLE attempt (number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, job text, lane text, node bigint, began timestamptz, ended timestamptz, sure boolean)";

    /// <remarks>
    /// An attempt may go on a little on a node that was frozen and has lost its place, as the product says, so what it says then does not count. And a
    /// statement may be done after its connection was cut and the attempt has failed, so only what was answered counts: the last word says that it was.
    /// </remarks>
    public async Task<int> DoAsync(JobContext job, string node)
    {
        NpgsqlDataSource database = job.Get<NpgsqlDataSource>();
        object? attempt = await AskAsync(
            database,
            $"""
            INSERT INTO attempt (job, lane, node, began) SELECT $1, $2, node, clock_timestamp() FROM "{NodeHost.Schema}".node
            WHERE name = $3 AND lease_until > clock_timestamp() RETURNING number
            """,
            job.Id,
            Lane,
            node);
        await AskAsync(database, "SELECT pg_sleep(0.01)");
        if (attempt is long number)
        {
            await AskAsync(
                database,
                $"""
                UPDATE attempt SET ended = clock_timestamp() FROM "{NodeHost.Schema}".node
                WHERE attempt.number = $1 AND node.node = attempt.node AND lease_until > clock_timestamp()
                """,
                number);
            await AskAsync(database, "UPDATE attempt SET sure = true WHERE number = $1 AND ended IS NOT NULL", number);
        }

        return Number;
    }

    private static async Task<object?> AskAsync(NpgsqlDataSource database, string sql, params object[] values)
    {
#pragma warning disable CA2100 // It is ours.
        await using NpgsqlCommand command = database.CreateCommand(sql);
#pragma warning restore CA2100
        foreach (object value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        return await command.ExecuteScalarAsync();
    }
}
