using Npgsql;
using Perdure.Storage;

namespace Perdure.Postgres.Reading;

/// <summary>Reads columns.</summary>
internal static class Row
{
    public static DateTimeOffset Time(this NpgsqlDataReader row, int column) => new(row.GetFieldValue<DateTime>(column));

    public static DateTimeOffset? TimeOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.Time(column);

    public static string? TextOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    public static byte[] Bytes(this NpgsqlDataReader row, int column) => row.GetFieldValue<byte[]>(column);

    public static byte[]? BytesOrNull(this NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.Bytes(column);

    /// <summary>A flow and an ask of its, from three columns.</summary>
    public static ParentRef? ParentOrNull(this NpgsqlDataReader row, int first) =>
        row.IsDBNull(first) ? null : new ParentRef(new FlowKey(row.GetString(first), row.GetString(first + 1)), row.GetInt32(first + 2));

    /// <summary>The first whole microsecond that is not before a time, for bounds that stored times are compared with.</summary>
    public static DateTime Bound(DateTimeOffset time)
    {
        long over = time.UtcTicks % TimeSpan.TicksPerMicrosecond;
        return over == 0 ? time.UtcDateTime : time.UtcDateTime.AddTicks(TimeSpan.TicksPerMicrosecond - over);
    }
}
