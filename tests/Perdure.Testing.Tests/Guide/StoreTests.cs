using Perdure.Storage;
using Perdure.Testing.Conformance;

namespace Perdure.Testing.Tests.Guide;

/// <summary>The guide's page on proving a store.</summary>
public sealed class StoreTests
{
    // docs: store
    public static TheoryData<string> Checks => [.. StoreConformance.Checks.Select(check => check.Name)];

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task Our_store_passes(string check)
    {
        await using var store = new MemoryStore();                          // your store
        await StoreConformance.Get(check).RunAsync(connect: () => store);   // called again where a check opens the store again
    }
    // end
}
