using Perdure.Sqlite;
using Perdure.Storage;

namespace Perdure.Stores.Tests;

public sealed class SqliteStoreTests : StoreConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    protected override IStore Connect() => new SqliteStore(_folder.File("flows.db"));
}
