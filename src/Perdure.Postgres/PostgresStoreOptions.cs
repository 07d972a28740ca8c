namespace Perdure;

/// <summary>How the PostgreSQL store uses its database. The defaults fit most applications.</summary>
public sealed class PostgresStoreOptions
{
    /// <summary>The longest name that PostgreSQL keeps whole.</summary>
    private const int SchemaBytesMax = 63;

    /// <summary>The PostgreSQL schema with the store's tables; <c>perdure</c> by default, 1 to 63 bytes. Stores with different schemas share a database and know nothing of each other.</summary>
    public string Schema { get; set; } = "perdure";

    /// <summary>
    /// Whether the store makes its tables, and brings them to the version it needs, when it is opened; true by default. When false it only checks, and
    /// somebody else runs <see cref="Postgres.PostgresSchema.Script"/>.
    /// </summary>
    public bool Migrate { get; set; } = true;

    /// <summary>Whether statements are prepared; true by default. Set it to false behind a pooler that shares connections between transactions and knows nothing of prepared statements (PgBouncer before 1.21).</summary>
    public bool Prepare { get; set; } = true;

    /// <summary>How many reads may run at once, each on a connection; 4 by default, 1 to 100. Commits have up to three connections more.</summary>
    public int Readers { get; set; } = 4;

    internal void Check()
    {
        Require(!string.IsNullOrWhiteSpace(Schema) && System.Text.Encoding.UTF8.GetByteCount(Schema) <= SchemaBytesMax && !Schema.Contains('\0', StringComparison.Ordinal), nameof(Schema), "1 to 63 bytes long");
        Require(Readers is >= 1 and <= 100, nameof(Readers), "from 1 to 100");
    }

    private static void Require(bool holds, string option, string range)
    {
        if (!holds)
        {
            throw new PerdureException(Diagnostics.ErrorCodes.BadOption, $"{nameof(PostgresStoreOptions)}.{option} must be {range}.");
        }
    }
}
