using System.Globalization;
using System.Reflection;
using System.Text;

namespace Perdure.Postgres;

/// <summary>The store's schema as SQL, for programs that may not create tables themselves.</summary>
public static class PostgresSchema
{
    private static readonly string[] Scripts = ReadScripts();

    /// <summary>The newest version of the schema that this library knows, and the one that it needs.</summary>
    public static int Newest => Scripts.Length;

    /// <summary>The SQL that makes the schema, or brings it to the newest version, in one transaction.</summary>
    /// <param name="schema">The name of the PostgreSQL schema.</param>
    /// <param name="fromVersion">The version that is there; 0 for none.</param>
    public static string Script(string schema = "perdure", int fromVersion = 0)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(schema);
        ArgumentOutOfRangeException.ThrowIfNegative(fromVersion);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fromVersion, Newest);
        string create = fromVersion == 0 ? $"CREATE SCHEMA IF NOT EXISTS {Quote(schema)};{Environment.NewLine}" : "";
        return $"BEGIN;{Environment.NewLine}{create}{Statements(schema, fromVersion)}COMMIT;{Environment.NewLine}";
    }

    /// <summary>What a schema that is there needs, for a transaction that the caller has begun.</summary>
    internal static string Statements(string schema, int fromVersion)
    {
        var sql = new StringBuilder();
        sql.Append(CultureInfo.InvariantCulture, $"SET LOCAL search_path = {Quote(schema)};").AppendLine().AppendLine();
        sql.AppendJoin(Environment.NewLine, Scripts.Skip(fromVersion));
        sql.AppendLine().Append(CultureInfo.InvariantCulture, $"INSERT INTO meta (name, value) VALUES ('schema_version', '{Newest}') ON CONFLICT (name) DO UPDATE SET value = excluded.value;").AppendLine();
        return sql.ToString();
    }

    internal static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string[] ReadScripts()
    {
        Assembly assembly = typeof(PostgresSchema).Assembly;
        return [.. assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(Read)];

        string Read(string name)
        {
            using StreamReader reader = new(assembly.GetManifestResourceStream(name)!);
            return reader.ReadToEnd();
        }
    }
}
