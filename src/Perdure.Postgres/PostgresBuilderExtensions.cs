using Perdure.Postgres;

namespace Perdure;

/// <summary>Puts flows into PostgreSQL.</summary>
public static class PostgresBuilderExtensions
{
    /// <summary>Keeps flows in a PostgreSQL database (15 or later). The store's tables are in a schema of their own, which is made if it is not there.</summary>
    /// <param name="builder">What is being configured.</param>
    /// <param name="connectionString">Where the database is, as Npgsql reads it: <c>Host=db;Database=shop;Username=shop;Password=…</c>.</param>
    /// <param name="configure">Sets options.</param>
    public static PerdureBuilder UsePostgres(this PerdureBuilder builder, string connectionString, Action<PostgresStoreOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        PostgresStoreOptions options = new();
        configure?.Invoke(options);
        options.Check();
        return builder.UseStore(_ => new PostgresStore(connectionString, options));
    }
}
