using Npgsql;

namespace Perdure.Postgres;

/// <summary>The database: its connections, one pool for commits and one for reads, and the name of the schema.</summary>
internal sealed class Database : IAsyncDisposable
{
    /// <summary>Two groups of batches under way, one for whoever takes or gives back shards, and one to say that the node lives.</summary>
    private const int WritersMax = 4;

    /// <summary>A listener on a connection that died without a word would hear nothing more.</summary>
    private const int KeepAliveSeconds = 10;

    private readonly NpgsqlDataSource _writers;
    private readonly NpgsqlDataSource _readers;
    private readonly string _listener;

    /// <exception cref="ArgumentException">The connection string cannot be read.</exception>
    public Database(string connectionString, PostgresStoreOptions options)
    {
        Schema = PostgresSchema.Quote(options.Schema);
        var settings = new NpgsqlConnectionStringBuilder(connectionString)
        {
            NoResetOnClose = true, // all that we set is set for a transaction
            MaxAutoPrepare = options.Prepare ? 200 : 0,
            AutoPrepareMinUsages = 2,
            IncludeFailedBatchedCommand = true, // says whether it was the fence
        };
        settings.ApplicationName = Application;
        Name = $"{settings.Host}:{settings.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)}/{settings.Database}, schema {options.Schema}";
        _listener = new NpgsqlConnectionStringBuilder(settings.ConnectionString) { Pooling = false, KeepAlive = KeepAliveSeconds }.ConnectionString;
        _writers = NpgsqlDataSource.Create(Sized(settings, WritersMax));
        _readers = NpgsqlDataSource.Create(Sized(settings, options.Readers));
    }

    /// <summary>The schema's name, quoted for SQL.</summary>
    public string Schema { get; }

    /// <summary>What this process's connections are called, and no other's: those of a node that is gone are ended by it.</summary>
    public string Application { get; } = $"perdure {Guid.NewGuid():N}";

    /// <summary>Where the store is, in words.</summary>
    public string Name { get; }

    public ValueTask<NpgsqlConnection> OpenWriterAsync(CancellationToken cancellationToken) => _writers.OpenConnectionAsync(cancellationToken);

    /// <summary>A connection of its own, to listen on.</summary>
    public async Task<NpgsqlConnection> OpenListenerAsync(CancellationToken cancellationToken)
    {
        NpgsqlConnection connection = new(_listener);
        try
        {
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public ValueTask<NpgsqlConnection> OpenReaderAsync(CancellationToken cancellationToken) => _readers.OpenConnectionAsync(cancellationToken);

    /// <summary>Drops connections of reads: the server they led to is gone, or driver and server disagree on what is prepared.</summary>
    public void ForgetReaders() => _readers.Clear();

    /// <summary>Drops connections of commits, also those in use once they are given back.</summary>
    public void ForgetWriters() => _writers.Clear();

    public async ValueTask DisposeAsync()
    {
        await _readers.DisposeAsync().ConfigureAwait(false);
        await _writers.DisposeAsync().ConfigureAwait(false);
    }

    private static string Sized(NpgsqlConnectionStringBuilder settings, int connectionsMax)
    {
        settings.MinPoolSize = 0;
        settings.MaxPoolSize = connectionsMax;
        return settings.ConnectionString;
    }
}
