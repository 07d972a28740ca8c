using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>Reads topics' logs, what subscriptions are done with, and which flows wait for events, with prepared statements.</summary>
internal sealed class EventReader
{
    private const string EventColumns =
        "shard, topic, position, id, type, published_at, key, source, time, correlation, cause, data, more, fate, held_until";

    // Each topic is found with one look: after a blob, which comes after all texts, begins the next shard.
    private static readonly byte[] AfterTopics = [];

    private readonly SqliteStatement _nextTopic;
    private readonly SqliteStatement _lastPosition;
    private readonly SqliteStatement _publishedAt;
    private readonly SqliteStatement _event;
    private readonly SqliteStatement _events;
    private readonly SqliteStatement _deliveries;
    private readonly SqliteStatement _waits;
    private readonly PreparedQueries _queries;

    public EventReader(SqliteConnection connection)
    {
        _queries = new PreparedQueries(connection);
        _nextTopic = connection.Prepare(
            "SELECT shard, topic, position FROM event WHERE (shard, topic) > (?1, ?2) ORDER BY shard, topic, position LIMIT 1");
        _lastPosition = connection.Prepare("SELECT position FROM event WHERE shard = ?1 AND topic = ?2 ORDER BY position DESC LIMIT 1");
        _publishedAt = connection.Prepare(
            "SELECT position, published_at FROM event WHERE shard = ?1 AND topic = ?2 AND position >= ?3 ORDER BY position LIMIT 1");
        _event = connection.Prepare($"SELECT {EventColumns} FROM event WHERE shard = ?1 AND topic = ?2 AND position = ?3");
        _events = connection.Prepare(
            $"SELECT {EventColumns} FROM event WHERE shard = ?1 AND topic = ?2 AND position > ?3 ORDER BY position LIMIT ?4");
        _deliveries = connection.Prepare(
            """
            SELECT topic, position, subscription, generation, started_at, ended_at, attempts, status FROM delivery
            WHERE shard = ?1 AND topic = ?2 AND position BETWEEN ?3 AND ?4 ORDER BY position, subscription, generation
            """);
        _waits = connection.Prepare(
            "SELECT flow_type, flow_id, ask, type, key, since FROM event_wait WHERE shard = ?1 ORDER BY since, flow_type, flow_id, ask");
    }

    public List<TopicRange> ReadTopics(int shard) =>
        [.. ReadParts(shard).ConvertAll(part => new TopicRange(part.Topic, part.First, part.Before - 1))];

    public List<EventRow> ReadEvents(int shard, string topic, long after, int limit)
    {
        List<EventRow> events = [];
        _events.Bind(1, shard);
        _events.Bind(2, topic);
        _events.Bind(3, after);
        _events.Bind(4, limit);
        while (_events.Step())
        {
            events.Add(ToEvent(_events));
        }

        return events;
    }

    public List<DeliveryRow> ReadDeliveries(int shard, string topic, long first, long last)
    {
        List<DeliveryRow> deliveries = [];
        _deliveries.Bind(1, shard);
        _deliveries.Bind(2, topic);
        _deliveries.Bind(3, first);
        _deliveries.Bind(4, last);
        while (_deliveries.Step())
        {
            deliveries.Add(new DeliveryRow(
                _deliveries.Text(0), _deliveries.Number(1), _deliveries.Text(2), (int)_deliveries.Number(3), _deliveries.Time(4), _deliveries.Time(5))
            {
                Attempts = (int)_deliveries.Number(6),
                Status = (JobStatus)_deliveries.Number(7),
            });
        }

        return deliveries;
    }

    public List<EventWaitRow> ReadWaits(int shard)
    {
        List<EventWaitRow> waits = [];
        _waits.Bind(1, shard);
        while (_waits.Step())
        {
            ParentRef flow = new(new FlowKey(_waits.Text(0), _waits.Text(1)), (int)_waits.Number(2));
            waits.Add(new EventWaitRow(flow, _waits.Text(3), _waits.Text(4), _waits.Time(5)));
        }

        return waits;
    }

    /// <summary>Reads a page of a list: events before another, the newest first.</summary>
    public List<EventRow> List(EventFilter filter, EventKey before, int limit) =>
        filter.Correlation is null ? Walk(filter, before, limit) : ListCorrelated(filter, before, limit);

    public static EventKey KeyOf(EventRow row) => new(StoredTime.ToStored(row.PublishedAt), row.Topic, row.Position, row.Shard);

    private static EventRow ToEvent(SqliteStatement row) => new(
        (int)row.Number(0), row.Text(1), row.Number(2), row.Text(3), row.Text(4), row.Time(5))
    {
        Key = row.TextOrNull(6),
        Source = row.Text(7),
        Time = row.Time(8),
        Correlation = row.Text(9),
        Cause = row.TextOrNull(10),
        Data = row.Blob(11),
        More = row.BlobOrNull(12),
        State = new EventState((EventFate)row.Number(13), row.TimeOrNull(14)),
    };

    private List<EventRow> ListCorrelated(EventFilter filter, EventKey before, int limit)
    {
        List<EventRow> events = [];
        SqliteStatement query = _queries.Of(EventQuery.Correlated(filter, EventColumns));
        EventQuery.BindCorrelated(query, filter, before, limit);
        while (query.Step())
        {
            events.Add(ToEvent(query));
        }

        return events;
    }

    /// <summary>Finds the newest events of each topic, and reads the newest of them all.</summary>
    private List<EventRow> Walk(EventFilter filter, EventKey before, int limit)
    {
        List<EventKey> keys = [];
        SqliteStatement query = _queries.Of(EventQuery.Walk(filter, "published_at, position"));
        foreach (TopicPart log in ReadParts(shard: null).Where(log => filter.Topic is null || log.Topic == filter.Topic))
        {
            EventQuery.BindWalk(query, filter, Within(log, filter, before), limit);
            while (query.Step())
            {
                keys.Add(new EventKey(query.Number(0), log.Topic, query.Number(1), log.Shard));
            }
        }

        keys.Sort((one, other) => EventKey.Compare(other, one));
        return [.. keys.Take(limit).Select(Read)];
    }

    private EventRow Read(EventKey key)
    {
        _event.Bind(1, key.Shard);
        _event.Bind(2, key.Topic);
        _event.Bind(3, key.Position);
        _event.Step();
        EventRow row = ToEvent(_event);
        _event.Reset();
        return row;
    }

    /// <summary>The part of a log that holds the times that are asked for. Times go up with positions, so it is found without walking there.</summary>
    private TopicPart Within(TopicPart log, EventFilter filter, EventKey before)
    {
        TopicPart part = log;
        if (filter.PublishedFrom is { } from)
        {
            part = part with { First = FirstFrom(part, StoredTime.ToStoredUp(from)) };
        }

        if (filter.PublishedBefore is { } publishedBefore)
        {
            part = part with { Before = FirstFrom(part, StoredTime.ToStoredUp(publishedBefore)) };
        }

        if (before == EventKey.End)
        {
            return part;
        }

        int order = string.CompareOrdinal(log.Topic, before.Topic);
        long end = order == 0 ? before.Position : FirstFrom(part, order < 0 ? before.PublishedAt + 1 : before.PublishedAt);
        return part with { Before = Math.Min(part.Before, end) };
    }

    /// <summary>The position of the first event of a part that was published at a time or later; the part's end if there is none.</summary>
    private long FirstFrom(TopicPart part, long time)
    {
        (long low, long high) = (part.First, part.Before);
        while (low < high)
        {
            long middle = low + ((high - low) / 2);
            _publishedAt.Bind(1, part.Shard);
            _publishedAt.Bind(2, part.Topic);
            _publishedAt.Bind(3, middle);
            _publishedAt.Step();
            (long position, long publishedAt) = (_publishedAt.Number(0), _publishedAt.Number(1));
            _publishedAt.Reset();
            (low, high) = publishedAt >= time ? (low, middle) : (position + 1, high);
        }

        return low;
    }

    /// <summary>Reads how far the logs of one shard's topics go, or of all shards', in the order of shards and topics.</summary>
    private List<TopicPart> ReadParts(int? shard)
    {
        List<TopicPart> logs = [];
        _nextTopic.Bind(1, (shard ?? 0) - 1);
        _nextTopic.Bind(2, AfterTopics);
        while (_nextTopic.Step() && (shard is null || _nextTopic.Number(0) == shard))
        {
            TopicPart log = new((int)_nextTopic.Number(0), _nextTopic.Text(1), _nextTopic.Number(2), Before: 0);
            _nextTopic.Reset();
            logs.Add(log with { Before = ReadLast(log) + 1 });
            _nextTopic.Bind(1, log.Shard);
            _nextTopic.Bind(2, log.Topic);
        }

        _nextTopic.Reset();
        return logs;
    }

    private long ReadLast(TopicPart log)
    {
        _lastPosition.Bind(1, log.Shard);
        _lastPosition.Bind(2, log.Topic);
        _lastPosition.Step();
        long last = _lastPosition.Number(0);
        _lastPosition.Reset();
        return last;
    }
}
