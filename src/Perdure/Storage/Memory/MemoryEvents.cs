namespace Perdure.Storage;

/// <summary>One shard's topics and the flows that wait for events. Rows in here are its own copies.</summary>
internal sealed class MemoryEvents
{
    private readonly SortedDictionary<string, MemoryTopic> _topics = new(StringComparer.Ordinal);
    private readonly Dictionary<ParentRef, EventWaitRow> _waits = [];

    public IEnumerable<EventRow> All => _topics.Values.SelectMany(topic => topic.Log);

    public IEnumerable<TopicRange> Topics =>
        _topics.Where(topic => topic.Value.Log.Count > 0)
            .Select(topic => new TopicRange(topic.Key, topic.Value.Log[0].Position, topic.Value.Log[^1].Position));

    /// <summary>Flows that wait, in the order in which they began to.</summary>
    public IEnumerable<EventWaitRow> Waits =>
        _waits.Values.OrderBy(wait => wait.Since)
            .ThenBy(wait => wait.Flow.Flow.Type, StringComparer.Ordinal).ThenBy(wait => wait.Flow.Flow.Id, StringComparer.Ordinal)
            .ThenBy(wait => wait.Flow.Ask);

    public IEnumerable<EventRow> After(string topic, long position) => _topics.GetValueOrDefault(topic)?.After(position) ?? [];

    public IEnumerable<DeliveryRow> Deliveries(string topic, long first, long last) =>
        _topics.GetValueOrDefault(topic)?.Deliveries(first, last) ?? [];

    /// <returns>False where the topic has an event at that position or with that id already.</returns>
    public bool TryAdd(EventRow row) => Topic(row.Topic).TryAdd(row);

    public void Remove(EventRow row) => Topic(row.Topic).Remove(row);

    /// <returns>The state before, or null where there is no such event.</returns>
    public EventState? Change(EventUpdate update) => _topics.GetValueOrDefault(update.Topic)?.Change(update.Position, update.State);

    public void Put(DeliveryRow delivery) => Topic(delivery.Topic).Put(delivery);

    public void Forget(ForgottenEvents forgotten) => _topics.GetValueOrDefault(forgotten.Topic)?.Forget(forgotten.UpTo);

    public void Begin(EventWaitRow wait) => _waits.TryAdd(wait.Flow, RowCopy.Of(wait));

    public void End(ParentRef flow) => _waits.Remove(flow);

    private MemoryTopic Topic(string name)
    {
        if (!_topics.TryGetValue(name, out MemoryTopic? topic))
        {
            topic = new MemoryTopic();
            _topics.Add(name, topic);
        }

        return topic;
    }
}
