using Perdure.Testing.Running;
using Conformance = Perdure.Testing.Conformance.StoreConformance;

namespace Perdure.Tests.Cluster;

/// <summary>The store that the other tests of nodes stand on does what a shared store must.</summary>
public class SharedMemoryTests
{
    public static TheoryData<string> Checks => [.. Conformance.SharedChecks.Select(check => check.Name)];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task A_memory_store_that_nodes_share_passes(string check)
    {
        var shared = new SharedMemory(TimeProvider.System);
        return Conformance.Get(check).RunAsync(() => new SharedMemoryStore(shared));
    }
}
