using System.Globalization;
using System.Text;
using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>Turns a filter into SQL that walks one shard's jobs or ends, the newest first, before a number.</summary>
internal static class JobQuery
{
    /// <summary>What open jobs say of their business transaction. Who reads a list must not fail on what is no JSON.</summary>
    private const string CorrelationInMore = "CASE WHEN json_valid(CAST(more AS TEXT)) THEN json_extract(CAST(more AS TEXT), '$.correlation') END";

    /// <summary>Jobs that have not ended.</summary>
    public static string List(JobFilter filter, string columns) =>
        Select(filter, columns, "job", filter.Correlation is null ? "" : $" AND {CorrelationInMore} = ?9");

    /// <summary>Ends that are kept: a queue's dead letters, and a business transaction's ends, are found by their indexes.</summary>
    /// <remarks>The index of dead letters is named: what SQLite guesses of its use depends on how many columns the table has.</remarks>
    public static string ListEnds(JobFilter filter, string columns)
    {
        string status = filter.Status is { } some ? string.Create(CultureInfo.InvariantCulture, $" AND status = {(int)some}") : "";
        return filter switch
        {
            { Correlation: not null } => Select(filter, columns, "job_end", $"{status} AND correlation = ?9"),
            { Queue: null } or { Status: null or JobStatus.Completed } => Select(filter, columns, "job_end", status),
            _ => Select(filter, columns, "job_end INDEXED BY job_end_dead", $"{status} AND status <> 3"),
        };
    }

    /// <summary>Binds a query of either kind.</summary>
    public static void Bind(SqliteStatement statement, JobFilter filter, long shard, long before, int limit)
    {
        statement.Bind(1, shard);
        statement.Bind(2, before);
        statement.Bind(3, limit);
        BindIfSet(statement, 4, filter.Queue);
        BindIfSet(statement, 5, filter.Type);
        BindIfSet(statement, 6, filter.Key);
        BindIfSet(statement, 9, filter.Correlation);
        if (filter.CreatedFrom is { } from)
        {
            statement.Bind(7, StoredTime.ToStoredUp(from));
        }

        if (filter.CreatedBefore is { } createdBefore)
        {
            statement.Bind(8, StoredTime.ToStoredUp(createdBefore));
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
        StringBuilder sql = new($"SELECT {columns} FROM {table} WHERE shard = ?1 AND number < ?2{condition}");
        _ = filter.Queue is null ? sql : sql.Append(" AND queue = ?4");
        _ = filter.Type is null ? sql : sql.Append(" AND type = ?5");
        _ = filter.Key is null ? sql : sql.Append(" AND key = ?6");
        _ = filter.CreatedFrom is null ? sql : sql.Append(" AND created_at >= ?7");
        _ = filter.CreatedBefore is null ? sql : sql.Append(" AND created_at < ?8");
        return sql.Append(" ORDER BY number DESC LIMIT ?3").ToString();
    }
}
