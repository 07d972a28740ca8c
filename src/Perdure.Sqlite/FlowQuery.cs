using System.Text;
using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>Turns a filter into SQL that finds unusual runs (stuck, failed) and those of a business transaction by their indexes, and walks the newest runs first for the others.</summary>
internal sealed class FlowQuery
{
    private const string Unusual = "status NOT IN (0, 3)";

    private readonly FlowFilter _filter;
    private readonly List<string> _branches = [];

    private FlowQuery(FlowFilter filter)
    {
        _filter = filter;
    }

    /// <summary>Rows of runs before a number, the newest first.</summary>
    public static string List(FlowFilter filter, string columns)
    {
        FlowQuery query = new(filter);
        if (filter.Correlation is not null)
        {
            query.AddCorrelated(columns, "run < ?1");
            return $"{query._branches[0]} ORDER BY run DESC LIMIT ?2";
        }

        List<FlowStatus> common = [.. query.Statuses(status => status is FlowStatus.Running or FlowStatus.Completed)];
        if (query.IsAnyStatus)
        {
            query.AddBranch(columns, "run < ?1");
        }
        else if (common.Count > 0)
        {
            query.AddBranch(columns, $"run < ?1 AND status IN ({string.Join(", ", common.Select(status => (int)status))})");
        }

        foreach (FlowStatus status in query.Statuses(status => status is not (FlowStatus.Running or FlowStatus.Completed)))
        {
            query.AddBranch(columns, $"run < ?1 AND status = {(int)status} AND {Unusual}");
        }

        return $"{string.Join(" UNION ALL ", query._branches)} ORDER BY run DESC LIMIT ?2";
    }

    /// <summary>How many runs there are, up to a limit.</summary>
    public static string Count(FlowFilter filter)
    {
        FlowQuery query = new(filter);
        if (filter.Correlation is not null)
        {
            query.AddCorrelated("1", "?1 NOTNULL");
        }
        else if (query.IsAnyStatus)
        {
            query.AddBranch("1", "?1 NOTNULL");
        }

        foreach (FlowStatus status in query.Statuses(_ => filter.Correlation is null))
        {
            switch (status)
            {
                case FlowStatus.Running:
                    query.AddBranch("1", "?1 NOTNULL AND wake_at = 0 AND status = 0");
                    query.AddBranch("1", "?1 NOTNULL AND status < 3 AND wake_at IS NOT 0 AND status = 0");
                    break;
                case FlowStatus.Completed:
                    query.AddBranch("1", "?1 NOTNULL AND status = 3");
                    break;
                default:
                    query.AddBranch("1", $"?1 NOTNULL AND status = {(int)status} AND {Unusual}");
                    break;
            }
        }

        return $"SELECT count(*) FROM ({string.Join(" UNION ALL ", query._branches)} LIMIT ?2)";
    }

    /// <summary>Binds a query of either kind.</summary>
    public static void Bind(SqliteStatement statement, FlowFilter filter, long before, long limit)
    {
        statement.Bind(1, before);
        statement.Bind(2, limit);
        if (filter.Type is { } type)
        {
            statement.Bind(3, type);
        }

        if (filter.StartedFrom is { } from)
        {
            statement.Bind(4, StoredTime.ToStoredUp(from));
        }

        if (filter.StartedBefore is { } startedBefore)
        {
            statement.Bind(5, StoredTime.ToStoredUp(startedBefore));
        }

        if (filter.Correlation is { } correlation)
        {
            statement.Bind(6, correlation);
        }
    }

    private bool IsAnyStatus => _filter.Statuses is not { Count: > 0 };

    private IEnumerable<FlowStatus> Statuses(Func<FlowStatus, bool> which) =>
        (_filter.Statuses ?? []).Distinct().Where(which).Order();

    /// <summary>The one branch of a query for a business transaction's runs, of which there are few.</summary>
    private void AddCorrelated(string columns, string condition)
    {
        string statuses = IsAnyStatus ? "" : $" AND status IN ({string.Join(", ", Statuses(_ => true).Select(status => (int)status))})";
        AddBranch(columns, $"{condition} AND correlation = ?6{statuses}");
    }

    private void AddBranch(string columns, string condition)
    {
        StringBuilder sql = new($"SELECT {columns} FROM flow WHERE {condition}");
        _ = _filter.Type is null ? sql : sql.Append(" AND type = ?3");
        _ = _filter.StartedFrom is null ? sql : sql.Append(" AND created_at >= ?4");
        _ = _filter.StartedBefore is null ? sql : sql.Append(" AND created_at < ?5");
        _branches.Add(sql.ToString());
    }
}
