using Perdure.Shared;
using Perdure.Sqlite;
using Perdure.Storage;
using Perdure.Testing.Conformance;

namespace Perdure.Stores.Tests;

/// <summary>All stores pass the suite that anyone can prove a store with.</summary>
public sealed class ConformanceTests(OnePostgres postgres) : IClassFixture<OnePostgres>, IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Checks => [.. StoreConformance.Checks.Select(check => check.Name)];

    public static TheoryData<string> SharedChecks => [.. StoreConformance.SharedChecks.Select(check => check.Name)];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task The_memory_store_passes(string check)
    {
        await using MemoryStore store = new();
        await StoreConformance.Get(check).RunAsync(() => store);
    }

    [Theory]
    [MemberData(nameof(Checks))]
    public Task The_SQLite_store_passes(string check)
        => StoreConformance.Get(check).RunAsync(() => new SqliteStore(_folder.File("flows.db")));

    [Theory]
    [MemberData(nameof(Checks))]
    public Task The_PostgreSQL_store_passes(string check)
    {
        string schema = OnePostgres.NewSchema();
        return StoreConformance.Get(check).RunAsync(() => postgres.Store(schema));
    }

    [Theory]
    [MemberData(nameof(SharedChecks))]
    public Task The_PostgreSQL_store_passes_where_nodes_share_it(string check)
    {
        string schema = OnePostgres.NewSchema();
        return StoreConformance.Get(check).RunAsync(() => postgres.Store(schema));
    }

    [Fact]
    public void Every_check_has_a_name_of_its_own() => StoreConformance.Checks.Select(check => check.Name).Distinct().Count().ShouldBe(StoreConformance.Checks.Count);
}
