using Microsoft.Data.Sqlite;

namespace Likes.Posts;

/// <summary>Statements with parameters $1, $2, ...</summary>
internal static class Sql
{
    public static int Execute(this SqliteConnection db, string sql, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command(db, sql, values);
        return command.ExecuteNonQuery();
    }

    /// <summary>The first column of the first row; null where there is none.</summary>
    public static T? Scalar<T>(this SqliteConnection db, string sql, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command(db, sql, values);
        using SqliteDataReader row = command.ExecuteReader();
        return row.Read() && !row.IsDBNull(0) ? row.GetFieldValue<T>(0) : default;
    }

    public static List<T> Query<T>(this SqliteConnection db, string sql, Func<SqliteDataReader, T> read, params ReadOnlySpan<object?> values)
    {
        using SqliteCommand command = Command(db, sql, values);
        using SqliteDataReader row = command.ExecuteReader();
        List<T> rows = [];
        while (row.Read())
        {
            rows.Add(read(row));
        }

        return rows;
    }

    private static SqliteCommand Command(SqliteConnection db, string sql, ReadOnlySpan<object?> values)
    {
        SqliteCommand command = db.CreateCommand();
        command.CommandText = sql;
        for (int i = 0; i < values.Length; i++)
        {
            command.Parameters.AddWithValue($"${i + 1}", values[i] ?? DBNull.Value);
        }

        return command;
    }
}
