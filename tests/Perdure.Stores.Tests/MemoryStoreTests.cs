using Perdure.Storage;

namespace Perdure.Stores.Tests;

#pragma warning disable CA1001 // Closing a memory store does nothing.
public sealed class MemoryStoreTests : StoreConformance
#pragma warning restore CA1001
{
    private readonly MemoryStore _store = new();

    protected override IStore Connect() => _store;
}
