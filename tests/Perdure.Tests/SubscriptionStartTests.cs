using Perdure.Events;
using Perdure.Storage;

namespace Perdure.Tests;

/// <summary>Where a subscription begins.</summary>
public sealed class SubscriptionStartTests
{
    [Fact]
    public async Task From_a_time_on_nothing_is_left_out_that_comes_to_an_empty_topic_meanwhile()
    {
        var store = new MemoryStore();
        (await TopicsState.StartAsync(store, 0, "orders", [], SubscriptionStart.At(DateTimeOffset.UnixEpoch), CancellationToken.None)).ShouldBe(0);
        (await TopicsState.StartAsync(store, 0, "orders", [], SubscriptionStart.Beginning, CancellationToken.None)).ShouldBe(0);
        (await TopicsState.StartAsync(store, 0, "orders", [], SubscriptionStart.Now, CancellationToken.None)).ShouldBeNull();
    }
}
