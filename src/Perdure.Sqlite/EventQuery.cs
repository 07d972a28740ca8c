using System.Globalization;
using System.Text;
using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>Turns a filter into SQL that walks one topic's log from its end, or all events of a business transaction.</summary>
internal static class EventQuery
{
    /// <summary>The fates that few events have; they have an index.</summary>
    private const string Unmatched = "fate IN (1, 3, 4)";

    /// <summary>A topic's events from a position on and before another, the last ones first.</summary>
    public static string Walk(EventFilter filter, string columns)
    {
        string from = $"shard = ?1 AND topic = ?2 AND position >= ?3 AND position < ?4";
        List<EventFate> fates = [.. (filter.Fates ?? []).Distinct().Order()];
        string[] branches = fates.Count > 0 && fates.TrueForAll(fate => fate is EventFate.Held or EventFate.Unclaimed or EventFate.Ambiguous)
            ? [.. fates.Select(fate => Select(filter, columns, $"{from} AND {OneOf([fate])} AND {Unmatched}"))]
            : [Select(filter, columns, fates.Count == 0 ? from : $"{from} AND {OneOf(fates)}")];
        return $"{string.Join(" UNION ALL ", branches)} ORDER BY position DESC LIMIT ?5";
    }

    /// <summary>Binds a walk.</summary>
    public static void BindWalk(SqliteStatement statement, EventFilter filter, TopicPart part, int limit)
    {
        statement.Bind(1, part.Shard);
        statement.Bind(2, part.Topic);
        statement.Bind(3, part.First);
        statement.Bind(4, part.Before);
        statement.Bind(5, limit);
        BindConditions(statement, filter);
    }

    /// <summary>A business transaction's events before a time, topic and position, the newest first.</summary>
    public static string Correlated(EventFilter filter, string columns)
    {
        StringBuilder sql = new(Select(filter, columns, "correlation = ?1 AND (published_at, topic, position) < (?2, ?3, ?4)"));
        _ = filter.Fates is { Count: > 0 } fates ? sql.Append(" AND ").Append(OneOf(fates)) : sql;
        _ = filter.Topic is null ? sql : sql.Append(" AND topic = ?9");
        _ = filter.PublishedFrom is null ? sql : sql.Append(" AND published_at >= ?10");
        _ = filter.PublishedBefore is null ? sql : sql.Append(" AND published_at < ?11");
        return sql.Append(" ORDER BY published_at DESC, topic DESC, position DESC LIMIT ?5").ToString();
    }

    /// <summary>Binds a query for a business transaction's events.</summary>
    public static void BindCorrelated(SqliteStatement statement, EventFilter filter, EventKey before, int limit)
    {
        statement.Bind(1, filter.Correlation);
        statement.Bind(2, before.PublishedAt);
        statement.Bind(3, before.Topic);
        statement.Bind(4, before.Position);
        statement.Bind(5, limit);
        BindConditions(statement, filter);
        if (filter.Topic is { } topic)
        {
            statement.Bind(9, topic);
        }

        if (filter.PublishedFrom is { } from)
        {
            statement.Bind(10, StoredTime.ToStoredUp(from));
        }

        if (filter.PublishedBefore is { } publishedBefore)
        {
            statement.Bind(11, StoredTime.ToStoredUp(publishedBefore));
        }
    }

    private static string Select(EventFilter filter, string columns, string condition)
    {
        string index = filter is { Id: not null, Correlation: null } ? " INDEXED BY event_id" : ""; // few have the same id, of different sources
        StringBuilder sql = new($"SELECT {columns} FROM event{index} WHERE {condition}");
        _ = filter.Type is null ? sql : sql.Append(" AND type = ?6");
        _ = filter.Key is null ? sql : sql.Append(" AND key = ?7");
        _ = filter.Id is null ? sql : sql.Append(" AND id = ?8");
        return sql.ToString();
    }

    private static string OneOf(IEnumerable<EventFate> fates)
    {
        List<string> numbers = [.. fates.Distinct().Order().Select(fate => ((int)fate).ToString(CultureInfo.InvariantCulture))];
        return numbers.Count == 1 ? $"fate = {numbers[0]}" : $"fate IN ({string.Join(", ", numbers)})";
    }

    private static void BindConditions(SqliteStatement statement, EventFilter filter)
    {
        BindIfSet(statement, 6, filter.Type);
        BindIfSet(statement, 7, filter.Key);
        BindIfSet(statement, 8, filter.Id);
    }

    private static void BindIfSet(SqliteStatement statement, int index, string? text)
    {
        if (text is not null)
        {
            statement.Bind(index, text);
        }
    }
}

/// <summary>A topic's log from a position on and before another.</summary>
internal readonly record struct TopicPart(int Shard, string Topic, long First, long Before);

/// <summary>Where an event stands among all: by its time, in stored microseconds, then by topic and position.</summary>
internal readonly record struct EventKey(long PublishedAt, string Topic, long Position, int Shard = 0)
{
    /// <summary>After all events.</summary>
    public static readonly EventKey End = new(long.MaxValue, "", 0);

    public static int Compare(EventKey one, EventKey other)
    {
        int order = one.PublishedAt.CompareTo(other.PublishedAt);
        order = order != 0 ? order : string.CompareOrdinal(one.Topic, other.Topic);
        return order != 0 ? order : one.Position.CompareTo(other.Position);
    }
}
