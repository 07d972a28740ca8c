using System.Globalization;
using System.Text;
using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>SQL about jobs and their ends. A filter is turned into a walk over those before a number, the newest first.</summary>
internal static class JobQuery
{
    private const string JobColumns = "number, shard, queue, type, created_at, key, priority, not_before, attempts, more";

    private const string EndColumns =
        "number, shard, queue, type, status, created_at, ended_at, keep_until, key, priority, attempts, result, more, payload NOTNULL, correlation";

    /// <summary>A page of a shard's jobs.</summary>
    public const string Page = $"SELECT {JobColumns} FROM job WHERE number > ?2 AND shard = ?1 ORDER BY number LIMIT ?3";

    /// <summary>Ends of a shard that were kept long enough.</summary>
    public const string Forgettable = "SELECT number FROM job_end WHERE shard = ?1 AND keep_until <= ?2 ORDER BY keep_until, number LIMIT ?3";

    /// <summary>How a job ended.</summary>
    public const string End = $"SELECT {EndColumns} FROM job_end WHERE number = ?2 AND shard = ?1";

    /// <summary>Deletes jobs with consecutive numbers.</summary>
    public const string Delete = "DELETE FROM job WHERE number BETWEEN ?1 AND ?2 AND shard = ?3";

    /// <summary>Deletes ends with consecutive numbers. SQLite would look at all of the shard in the index by time, were that not forbidden.</summary>
    public const string Forget = "DELETE FROM job_end NOT INDEXED WHERE number BETWEEN ?1 AND ?2 AND shard = ?3";

    /// <summary>What open jobs say of their business transaction. Who reads a list must not fail on what is no JSON.</summary>
    private const string CorrelationInMore = "CASE WHEN json_valid(CAST(more AS TEXT)) THEN json_extract(CAST(more AS TEXT), '$.correlation') END";

    /// <summary>Jobs that have not ended.</summary>
    public static string List(JobFilter filter) =>
        Select(filter, JobColumns, "job", filter.Correlation is null ? "" : $" AND {CorrelationInMore} = ?8");

    /// <summary>Ends that are kept: a queue's dead letters, and a business transaction's ends, are found by their indexes.</summary>
    /// <remarks>The index of dead letters is named: what SQLite guesses of its use depends on how many columns the table has.</remarks>
    public static string ListEnds(JobFilter filter)
    {
        string status = filter.Status is { } some ? string.Create(CultureInfo.InvariantCulture, $" AND status = {(int)some}") : "";
        return filter switch
        {
            { Correlation: not null } => Select(filter, EndColumns, "job_end", $"{status} AND correlation = ?8"),
            { Queue: null } or { Status: null or JobStatus.Completed } => Select(filter, EndColumns, "job_end", status),
            _ => Select(filter, EndColumns, "job_end INDEXED BY job_end_dead", $"{status} AND status <> 3"),
        };
    }

    /// <summary>Binds a query of either kind.</summary>
    public static void Bind(SqliteStatement statement, JobFilter filter, long before, int limit)
    {
        statement.Bind(1, before);
        statement.Bind(2, limit);
        BindIfSet(statement, 3, filter.Queue);
        BindIfSet(statement, 4, filter.Type);
        BindIfSet(statement, 5, filter.Key);
        BindIfSet(statement, 8, filter.Correlation);
        if (filter.CreatedFrom is { } from)
        {
            statement.Bind(6, StoredTime.ToStoredUp(from));
        }

        if (filter.CreatedBefore is { } createdBefore)
        {
            statement.Bind(7, StoredTime.ToStoredUp(createdBefore));
        }
    }

    private static void BindIfSet(SqliteStatement statement, int index, string? text)
    {
        if (text is not null)
        {
            statement.Bind(index, text);
        }
    }

    private static string Select(JobFilter filter, string columns, string table, string condition)
    {
        StringBuilder sql = new($"SELECT {columns} FROM {table} WHERE number < ?1{condition}");
        _ = filter.Queue is null ? sql : sql.Append(" AND queue = ?3");
        _ = filter.Type is null ? sql : sql.Append(" AND type = ?4");
        _ = filter.Key is null ? sql : sql.Append(" AND key = ?5");
        _ = filter.CreatedFrom is null ? sql : sql.Append(" AND created_at >= ?6");
        _ = filter.CreatedBefore is null ? sql : sql.Append(" AND created_at < ?7");
        return sql.Append(" ORDER BY number DESC LIMIT ?2").ToString();
    }
}
