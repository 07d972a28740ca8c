using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>Queries whose text depends on what was asked, each prepared once.</summary>
internal sealed class PreparedQueries(SqliteConnection connection)
{
    private readonly Dictionary<string, SqliteStatement> _queries = new(StringComparer.Ordinal);

    public SqliteStatement Of(string sql)
    {
        if (!_queries.TryGetValue(sql, out SqliteStatement? query))
        {
            query = connection.Prepare(sql);
            _queries.Add(sql, query);
        }

        return query;
    }
}
