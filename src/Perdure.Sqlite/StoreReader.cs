using Perdure.Sqlite.Native;

namespace Perdure.Sqlite;

/// <summary>Reads over a connection of its own.</summary>
internal sealed class StoreReader : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _begin;
    private readonly SqliteStatement _commit;

    public StoreReader(SqliteConnection connection)
    {
        _connection = connection;
        _begin = connection.Prepare("BEGIN");
        _commit = connection.Prepare("COMMIT");
        Flows = new FlowReader(connection);
        Jobs = new JobReader(connection);
        Events = new EventReader(connection);
    }

    public FlowReader Flows { get; }

    public JobReader Jobs { get; }

    public EventReader Events { get; }

    /// <summary>Reads in one transaction, so that what is read fits together.</summary>
    public T InTransaction<T>(Func<StoreReader, T> read)
    {
        _begin.Run();
        try
        {
            T result = read(this);
            _commit.Run();
            return result;
        }
        finally
        {
            _connection.RollBack();
        }
    }

    public void Dispose() => _connection.Dispose();
}
