using Perdure.Storage;

namespace Perdure.Stores.Tests;

/// <summary>Makes what random operations do with events, some of it wrong: positions and ids that exist, updates of events that do not.</summary>
internal sealed class RandomEvents(Random random, Func<DateTimeOffset> time)
{
    private static readonly string[] Names = ["orders", "Orders", "ünïcödé 🎉", ""];
    private readonly Dictionary<(int Shard, string Topic), (long First, long Last, DateTimeOffset Time)> _logs = [];

    /// <summary>Adds to a batch that may hold other things.</summary>
    public void AddTo(ShardBatch batch)
    {
        foreach (string name in Names.Where(_ => random.Next(3) == 0))
        {
            AddTopic(batch, TopicOf(batch.Lease.Shard, name));
        }

        for (int i = random.Next(3); i > 0; i--)
        {
            batch.EventWaits.Add(new EventWaitRow(Waiting(), Type(), Key() ?? "", time()));
            batch.EndedEventWaits.Add(Waiting());
        }
    }

    /// <summary>Takes note of a batch that was committed.</summary>
    public void Learn(ShardBatch batch)
    {
        int shard = batch.Lease.Shard;
        foreach (EventRow row in batch.NewEvents)
        {
            (long first, long last, DateTimeOffset at) = _logs.GetValueOrDefault((shard, row.Topic), (1, 0, default));
            _logs[(shard, row.Topic)] = (first, Math.Max(last, row.Position), row.PublishedAt > at ? row.PublishedAt : at);
        }

        foreach (ForgottenEvents forgotten in batch.ForgottenEvents)
        {
            (long first, long last, DateTimeOffset at) = _logs[(shard, forgotten.Topic)];
            _logs[(shard, forgotten.Topic)] = (Math.Max(first, forgotten.UpTo + 1), last, at);
        }
    }

    /// <summary>Asks for something about events.</summary>
    public (string Name, Func<IStore, Task<object>> Operation) Read(int shard)
    {
        string topic = TopicOf(shard, Name());
        long first = AnyPosition(shard, topic);
        long last = random.Next(2) == 0 ? long.MaxValue : AnyPosition(shard, topic);
        int limit = random.Next(2) == 0 ? int.MaxValue : random.Next(4);
        EventFilter filter = Filter(topic);
        return random.Next(7) switch
        {
            0 => ($"topics of {shard}", async store => await store.ReadTopicsAsync(shard, default)),
            1 => ($"events of {topic} after {first} limit {limit}", async store => await store.ReadEventsAsync(shard, topic, first, limit, default)),
            2 => ($"deliveries of {topic} {first} to {last}", async store => await store.ReadDeliveriesAsync(shard, topic, first, last, default)),
            3 => ($"event waits of {shard}", async store => await store.ReadEventWaitsAsync(shard, default)),
            _ => ($"list {filter} {string.Join(' ', filter.Fates ?? [])}", store => RandomJobs.RowsAsync(store.ListEventsAsync(filter, default))),
        };
    }

    private static string TopicOf(int shard, string name) => $"{name}{shard}"; // a topic lives on one shard

    private void AddTopic(ShardBatch batch, string topic)
    {
        int shard = batch.Lease.Shard;
        (long first, long last, DateTimeOffset at) = _logs.GetValueOrDefault((shard, topic), (1, 0, time()));
        for (int i = random.Next(4); i > 0; i--)
        {
            last++;
            at = at.AddTicks(random.Next(3) * TimeSpan.TicksPerMicrosecond);
            batch.NewEvents.Add(Event(shard, topic, last, at));
        }

        if (random.Next(30) == 0)
        {
            batch.NewEvents.Add(Event(shard, topic, random.NextInt64(first, last + 2), at) with { Id = $"e{random.NextInt64(last + 9)}" });
        }

        if (random.Next(30) == 0)
        {
            batch.EventUpdates.Add(new EventUpdate(topic, last + 1_000, State()));
        }

        for (int i = last < first ? 0 : random.Next(4); i > 0; i--)
        {
            batch.EventUpdates.Add(new EventUpdate(topic, random.NextInt64(first, last + 1), State()));
        }

        for (int i = random.Next(4); i > 0; i--)
        {
            batch.Deliveries.Add(new DeliveryRow(topic, AnyPosition(shard, topic), Name(), random.Next(3), time(), time())
            {
                Attempts = random.Next(4),
                Status = (JobStatus)random.Next(6),
                Job = random.Next(3),
            });
        }

        if (random.Next(6) == 0 && last > 0)
        {
            batch.ForgottenEvents.Add(new ForgottenEvents(topic, random.NextInt64(last - 1)));
        }
    }

    private EventRow Event(int shard, string topic, long position, DateTimeOffset at) => new(shard, topic, position, $"e{position}", Type(), at)
    {
        Key = Key(),
        Source = Name(),
        Time = time(),
        Correlation = Correlation(),
        Cause = Key(),
        Data = Bytes() ?? [],
        More = Bytes(),
        State = State(),
    };

    private EventFilter Filter(string topic)
    {
        bool isNarrow = random.Next(3) > 0;
        return new EventFilter
        {
            Topic = isNarrow && random.Next(3) == 0 ? topic : null,
            Type = isNarrow && random.Next(4) == 0 ? Type() : null,
            Key = isNarrow && random.Next(4) == 0 ? Key() : null,
            Id = isNarrow && random.Next(8) == 0 ? $"e{random.Next(6)}" : null,
            Correlation = isNarrow && random.Next(4) == 0 ? Correlation() : null,
            Fates = random.Next(2) == 0 ? null : [.. Enumerable.Range(0, random.Next(4)).Select(_ => (EventFate)random.Next(5))],
            PublishedFrom = random.Next(4) == 0 ? time().AddTicks(random.Next(2)) : null,
            PublishedBefore = random.Next(4) == 0 ? time().AddTicks(random.Next(2)) : null,
            Limit = random.Next(3) == 0 ? random.Next(6) : 1_000,
        };
    }

    private long AnyPosition(int shard, string topic) => random.NextInt64(_logs.GetValueOrDefault((shard, topic)).Last + 3);

    private EventState State() => new((EventFate)random.Next(5), random.Next(2) == 0 ? time().AddTicks(random.Next(9)) : null);

    private ParentRef Waiting() => new(new FlowKey(random.Next(2) == 0 ? "A" : "a", $"id{random.Next(4)}"), random.Next(12));

    private string Name() => Names[random.Next(Names.Length)];

    private string Type() => random.Next(2) == 0 ? "Placed" : "placed";

    private string Correlation() => random.Next(3) switch { 0 => "", 1 => "o1", _ => "O1" };

    private string? Key() => random.Next(3) switch { 0 => null, 1 => "", _ => "k" };

    private byte[]? Bytes() => random.Next(4) switch { 0 => null, 1 => [], 2 => [1, 2, 3], _ => new byte[random.Next(3_000)] };
}
