using System.Globalization;
using Npgsql;
using Perdure.Diagnostics;
using Perdure.Storage;

namespace Perdure.Postgres;

/// <summary>Looks at the server, and makes, migrates or checks the schema.</summary>
internal sealed class StoreSchema(Database database, PostgresStoreOptions options)
{
    private const int OldestServer = 15;

    /// <summary>"Prdu": marks our advisory locks; the schema's name is the other half.</summary>
    private const int LockSpace = 0x50726475;

    public async Task<StoreInfo> OpenAsync(NpgsqlConnection connection, Guid newStoreId, int shardCount, CancellationToken cancellationToken)
    {
        await CheckServerAsync(connection, cancellationToken).ConfigureAwait(false);
        int version = await FindVersionAsync(connection, cancellationToken).ConfigureAwait(false);
        if (version < PostgresSchema.Newest)
        {
            await MigrateAsync(connection, version, cancellationToken).ConfigureAwait(false);
        }

        return await IntroduceAsync(connection, newStoreId, shardCount, cancellationToken).ConfigureAwait(false);
    }

    private async Task CheckServerAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (connection.PostgreSqlVersion.Major < OldestServer)
        {
            throw Unfit(string.Create(CultureInfo.InvariantCulture, $"it has version {connection.PostgreSqlVersion}, and {OldestServer} is needed"));
        }

        string encoding = await AskAsync(connection, "SHOW server_encoding", cancellationToken).ConfigureAwait(false) ?? "";
        if (encoding != "UTF8")
        {
            throw Unfit($"the database has the encoding {encoding}, and UTF8 is needed");
        }
    }

    private StoreException Unfit(string why) => new(ErrorCodes.PostgresUnfit, $"PostgreSQL ({database.Name}) cannot hold a store: {why}.");

    /// <returns>The schema's version; 0 where it is not there.</returns>
    private async Task<int> FindVersionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (await AskAsync(connection, $"SELECT to_regclass('{database.Schema.Replace("'", "''", StringComparison.Ordinal)}.meta')::text", cancellationToken).ConfigureAwait(false) is null)
        {
            return 0;
        }

        string? stored = await AskAsync(connection, $"SELECT value FROM {database.Schema}.meta WHERE name = 'schema_version'", cancellationToken).ConfigureAwait(false);
        int version = int.TryParse(stored, NumberStyles.None, CultureInfo.InvariantCulture, out int known) ? known : 0;
        return version <= PostgresSchema.Newest
            ? version
            : throw new StoreException(
                ErrorCodes.StoreTooNew,
                string.Create(CultureInfo.InvariantCulture, $"The store in PostgreSQL ({database.Name}) has schema version {version}, and this version of Perdure knows versions up to {PostgresSchema.Newest}. ")
                + "Update Perdure here, or open the store with the version that made it.");
    }

    private async Task MigrateAsync(NpgsqlConnection connection, int version, CancellationToken cancellationToken)
    {
        if (!options.Migrate)
        {
            throw NotMigrated(version, "and it may not be changed from here (PostgresStoreOptions.Migrate is false)");
        }

        try
        {
            NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await using (transaction.ConfigureAwait(false))
            {
                await AskAsync(connection, string.Create(CultureInfo.InvariantCulture, $"SELECT pg_advisory_xact_lock({LockSpace}, hashtext($1))"), cancellationToken, options.Schema).ConfigureAwait(false);
                if (await AskAsync(connection, "SELECT 'there' FROM pg_namespace WHERE nspname = $1", cancellationToken, options.Schema).ConfigureAwait(false) is null)
                {
                    await AskAsync(connection, $"CREATE SCHEMA {database.Schema}", cancellationToken).ConfigureAwait(false);
                }

                version = await FindVersionAsync(connection, cancellationToken).ConfigureAwait(false); // somebody else may have been first
                if (version < PostgresSchema.Newest)
                {
                    await AskAsync(connection, PostgresSchema.Statements(options.Schema, version), cancellationToken).ConfigureAwait(false);
                }

                await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
            }
        }
        catch (PostgresException e) when (Failure.IsDefinite(e))
        {
            throw NotMigrated(version, $"and it could not be changed: {Failure.Reason(e)}", e);
        }
    }

    private StoreException NotMigrated(int version, string why, Exception? inner = null) => new(
        ErrorCodes.PostgresNotMigrated,
        string.Create(CultureInfo.InvariantCulture, $"The store's schema in PostgreSQL ({database.Name}) {(version == 0 ? "is not there" : $"has version {version}")}, version {PostgresSchema.Newest} is needed, {why}. ")
        + "Run what PostgresSchema.Script gives, as somebody who may.",
        inner);

    /// <summary>Gives a new store its number and its count of shards, and says what the store is.</summary>
    private async Task<StoreInfo> IntroduceAsync(NpgsqlConnection connection, Guid newStoreId, int shardCount, CancellationToken cancellationToken)
    {
        string? known = await AskAsync(connection, $"SELECT string_agg(value, ' ' ORDER BY name) FROM {database.Schema}.meta WHERE name IN ('store_id', 'shard_count')", cancellationToken).ConfigureAwait(false);
        if (known?.Contains(' ', StringComparison.Ordinal) != true)
        {
            await AskAsync(
                connection,
                $"INSERT INTO {database.Schema}.meta (name, value) VALUES ('store_id', '{newStoreId}'), ('shard_count', $1) ON CONFLICT (name) DO NOTHING",
                cancellationToken,
                shardCount.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
            return await IntroduceAsync(connection, newStoreId, shardCount, cancellationToken).ConfigureAwait(false);
        }

        string[] values = known.Split(' '); // shard_count comes before store_id
        return new StoreInfo(Guid.Parse(values[1]), int.Parse(values[0], CultureInfo.InvariantCulture), await DescribeDurabilityAsync(connection, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>What the server does at a commit. We ask for it to be on disk; whether the server keeps that promise is its administrator's choice.</summary>
    private static async Task<string> DescribeDurabilityAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        string fsync = await AskAsync(connection, "SHOW fsync", cancellationToken).ConfigureAwait(false) ?? "";
        string pages = await AskAsync(connection, "SHOW full_page_writes", cancellationToken).ConfigureAwait(false) ?? "";
        string standbys = await AskAsync(connection, "SHOW synchronous_standby_names", cancellationToken).ConfigureAwait(false) ?? "";
        string what = standbys.Length == 0 ? "synced before each answer" : "synced before each answer, on standbys too";
        return (fsync, pages) switch
        {
            ("off", _) => "NOT durable: the server runs with fsync = off",
            (_, "off") => $"{what}; the server runs with full_page_writes = off, which a power failure may not forgive",
            _ => what,
        };
    }

    private static async Task<string?> AskAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken, string? parameter = null)
    {
#pragma warning disable CA2100 // What goes into the text is ours, or a quoted name.
        NpgsqlCommand command = new(sql, connection);
#pragma warning restore CA2100
        await using (command.ConfigureAwait(false))
        {
            if (parameter is not null)
            {
                command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = parameter });
            }

            return await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false) as string;
        }
    }
}
