using Perdure.Storage;
using Perdure.Testing.Conformance;

namespace Perdure.Testing.Tests.Conformance;

/// <summary>The suite passes a store that is right, and says what is wrong with one that is not.</summary>
public sealed class StoreConformanceTests
{
    [Fact]
    public Task All_checks_can_be_run_in_one_call() => StoreConformance.RunAllAsync(() =>
    {
        var store = new MemoryStore();
        return () => store;
    });

    [Fact]
    public async Task A_store_that_forgets_at_the_end_fails_what_needs_a_memory()
    {
        string message = (await Should.ThrowAsync<ExpectationException>(() => StoreConformance.RunAllAsync(() => () => new MemoryStore()))).Message;

        message.ShouldContain($" of {StoreConformance.Checks.Count} checks failed:");
        message.ShouldContain("Everything a batch holds is there after the store is opened again: ");
        message.ShouldNotContain("A batch under an old epoch is fenced");
    }

    [Fact]
    public async Task A_failed_check_says_what_was_expected_and_what_is()
    {
        string message = (await Should.ThrowAsync<ExpectationException>(() => StoreConformance.Get("A lease says how far its shard has come").RunAsync(() => new MemoryStore()))).Message;

        message.ShouldBe("A lease says how far its shard has come: (lease.Batch, lease.Time) should be (2, 01/01/2026 00:00:00 +00:00), and is (0, 01/01/1970 00:00:00 +00:00).");
    }
}
