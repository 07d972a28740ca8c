using System.Globalization;
using System.Text;
using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>Turns a filter into SQL that walks one shard's jobs or ends, the newest first, before a number.</summary>
internal static class JobQuery
{
    /// <summary>Jobs that have not ended.</summary>
    public static string List(JobFilter filter, string columns) => Select(filter, columns, "job", "");

    /// <summary>Ends that are kept: dead letters are found by their index.</summary>
    public static string ListEnds(JobFilter filter, string columns) => Select(filter, columns, "job_end", filter.Status switch
    {
        null => "",
        JobStatus.Completed => " AND status = 3",
        { } status => string.Create(CultureInfo.InvariantCulture, $" AND status = {(int)status} AND status <> 3"),
    });

    /// <summary>Binds a query of either kind.</summary>
    public static void Bind(SqliteStatement statement, JobFilter filter, long shard, long before, int limit)
    {
        statement.Bind(1, shard);
        statement.Bind(2, before);
        statement.Bind(3, limit);
        BindIfSet(statement, 4, filter.Queue);
        BindIfSet(statement, 5, filter.Type);
        BindIfSet(statement, 6, filter.Key);
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

    private static string Select(JobFilter filter, string columns, string table, string status)
    {
        StringBuilder sql = new($"SELECT {columns} FROM {table} WHERE shard = ?1 AND number < ?2{status}");
        _ = filter.Queue is null ? sql : sql.Append(" AND queue = ?4");
        _ = filter.Type is null ? sql : sql.Append(" AND type = ?5");
        _ = filter.Key is null ? sql : sql.Append(" AND key = ?6");
        _ = filter.CreatedFrom is null ? sql : sql.Append(" AND created_at >= ?7");
        _ = filter.CreatedBefore is null ? sql : sql.Append(" AND created_at < ?8");
        return sql.Append(" ORDER BY number DESC LIMIT ?3").ToString();
    }
}
