using Perdure.Storage;

namespace Perdure.Testing.Conformance;

/// <summary>What every group of facts about events begins with.</summary>
internal abstract class EventSuite : StoreSuite
{
    /// <summary>An event with what each one has.</summary>
    protected static EventRow Event(long position, string topic = "orders", int shard = 0) =>
        new(shard, topic, position, $"e{position}", "OrderPlaced", At(position))
        {
            Source = "shop",
            Time = At(position - 5),
            Correlation = $"o{position}",
            Data = [1, (byte)position],
        };

    /// <summary>That the subscription "mail" is done with an event.</summary>
    protected static DeliveryRow Delivery(long position, string topic = "orders") =>
        new(topic, position, "mail", 1, At(position + 10), At(position + 20)) { Attempts = 2, Status = JobStatus.Completed };

    /// <summary>That a flow waits.</summary>
    protected static EventWaitRow Wait(string id, int ask = 0, int since = 1) => new(new ParentRef(Key(id), ask), "OrderPaid", $"key {id}", At(since));

    /// <summary>Compares rows with what their arrays hold.</summary>
    protected static void ShouldBeSame(EventRow actual, EventRow expected)
    {
        actual.Data.ShouldBe(expected.Data);
        actual.More.ShouldBe(expected.More);
        byte[] none = [];
        (actual with { Data = none, More = null }).ShouldBe(expected with { Data = none, More = null });
    }

    /// <summary>Reads a topic's whole log.</summary>
    protected Task<IReadOnlyList<EventRow>> ReadEventsAsync(string topic = "orders", int shard = 0) =>
        Store.ReadEventsAsync(shard, topic, 0, int.MaxValue, default);

    /// <summary>Reads the positions in a topic's log.</summary>
    protected async Task<IEnumerable<long>> ReadPositionsAsync(string topic = "orders", int shard = 0) =>
        (await ReadEventsAsync(topic, shard)).Select(row => row.Position);

    /// <summary>Reads all that subscriptions are done with of a topic.</summary>
    protected Task<IReadOnlyList<DeliveryRow>> ReadDeliveriesAsync(string topic = "orders", int shard = 0) =>
        Store.ReadDeliveriesAsync(shard, topic, 0, long.MaxValue, default);

    /// <summary>Lists where events stand.</summary>
    protected async Task<IEnumerable<string>> ListAsync(EventFilter filter) =>
        (await RowsAsync(Store.ListEventsAsync(filter, default))).Select(row => $"{row.Topic} {row.Position}");
}
