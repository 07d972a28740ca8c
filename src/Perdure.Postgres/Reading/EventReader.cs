using System.Globalization;
using Npgsql;
using Perdure.Storage;

namespace Perdure.Postgres.Reading;

/// <summary>Reads topics' logs, what subscriptions are done with, and which flows wait for events.</summary>
internal sealed class EventReader(Reads reads)
{
    private const string EventColumns =
        """
        event.shard, event.topic, event.position, event.id, event.type, event.published_at, event.key, event.source, event.time, event.correlation,
        event.cause, event.data, event.more, event.fate, event.held_until
        """;

    private readonly string _topics =
        $"""
        {Topics(reads, "shard = $1", "shard = $1")}
        SELECT topic.topic, first.position, last.position
        FROM topic
            CROSS JOIN LATERAL (SELECT position FROM {reads.Schema}.event WHERE event.shard = topic.shard AND event.topic = topic.topic ORDER BY position LIMIT 1) AS first
            CROSS JOIN LATERAL (SELECT position FROM {reads.Schema}.event WHERE event.shard = topic.shard AND event.topic = topic.topic ORDER BY position DESC LIMIT 1) AS last
        ORDER BY topic.topic
        """;

    private readonly string _events =
        $"SELECT {EventColumns} FROM {reads.Schema}.event WHERE shard = $1 AND topic = $2 AND position > $3 ORDER BY position LIMIT $4";

    private readonly string _deliveries =
        $"""
        SELECT topic, position, subscription, generation, started_at, ended_at, attempts, status FROM {reads.Schema}.delivery
        WHERE shard = $1 AND topic = $2 AND position BETWEEN $3 AND $4 ORDER BY position, subscription, generation
        """;

    private readonly string _waits =
        $"SELECT flow_type, flow_id, ask, type, key, since FROM {reads.Schema}.event_wait WHERE shard = $1 ORDER BY since, flow_type, flow_id, ask";

    public async Task<IReadOnlyList<TopicRange>> ReadTopicsAsync(int shard, CancellationToken cancellationToken) =>
        await reads.ByIndexAsync(_topics, row => new TopicRange(row.GetString(0), row.GetInt64(1), row.GetInt64(2)), cancellationToken, Sql.Value(shard)).ConfigureAwait(false);

    public async Task<IReadOnlyList<EventRow>> ReadEventsAsync(int shard, string topic, long after, int limit, CancellationToken cancellationToken) =>
        await reads.ByIndexAsync(_events, ToEvent, cancellationToken, Sql.Value(shard), Sql.Value(topic), Sql.Value(after), Sql.Value(limit)).ConfigureAwait(false);

    public async Task<IReadOnlyList<DeliveryRow>> ReadDeliveriesAsync(int shard, string topic, long first, long last, CancellationToken cancellationToken) =>
        await reads.ByIndexAsync(_deliveries, ToDelivery, cancellationToken, Sql.Value(shard), Sql.Value(topic), Sql.Value(first), Sql.Value(last)).ConfigureAwait(false);

    public async Task<IReadOnlyList<EventWaitRow>> ReadWaitsAsync(int shard, CancellationToken cancellationToken) =>
        await reads.ByIndexAsync(
            _waits,
            row => new EventWaitRow(row.ParentOrNull(0)!, row.GetString(3), row.GetString(4), row.Time(5)),
            cancellationToken,
            Sql.Value(shard)).ConfigureAwait(false);

    /// <summary>Reads a page of a list: events before another, the newest first.</summary>
    public Task<List<EventRow>> ListAsync(EventFilter filter, EventKey before, int limit, CancellationToken cancellationToken)
    {
        Conditions conditions = Of(filter, before);
        string end = $"ORDER BY published_at DESC, topic DESC, position DESC LIMIT {conditions.Add(limit)}";
        if (filter is { Correlation: not null } or { Topic: not null, Id: null })
        {
            conditions.AndCorrelation("event", filter.Correlation);
            return reads.AnyWayAsync($"SELECT {EventColumns} FROM {reads.Schema}.event WHERE true{conditions} {end}", ToEvent, cancellationToken, conditions.Parameters);
        }

        // Each topic is walked from its end; few events of a topic have the same id, and they are found first.
        string walk = filter.Id is null ? $"{conditions} {end}" : $"{conditions}";
        string topics = filter.Topic is null ? Topics(reads, "true", "true") : $"WITH topic AS (SELECT shard, {conditions.Add(filter.Topic)} AS topic FROM {reads.Schema}.shard)";
        string sql =
            $"""
            {topics}
            SELECT event.* FROM topic CROSS JOIN LATERAL (
                SELECT {EventColumns} FROM {reads.Schema}.event WHERE event.topic = topic.topic AND event.shard = topic.shard{walk}) AS event
            {end}
            """;
        return reads.AnyWayAsync(sql, ToEvent, cancellationToken, conditions.Parameters);
    }

    public static EventKey KeyOf(EventRow row) => new(row.PublishedAt, row.Topic, row.Position);

    private static Conditions Of(EventFilter filter, EventKey before)
    {
        Conditions conditions = new Conditions()
            .AndText("event.topic =", filter.Topic)
            .AndText("event.type =", filter.Type)
            .AndText("event.key =", filter.Key)
            .AndTime("event.published_at >=", filter.PublishedFrom)
            .AndTime("event.published_at <", filter.PublishedBefore);
        if (before != EventKey.End)
        {
            conditions.And(
                $"(event.published_at, event.topic, event.position) < ({conditions.Add(before.PublishedAt.UtcDateTime)}, {conditions.Add(before.Topic)}, {conditions.Add(before.Position)})");
        }

        if (filter.Id is { } id)
        {
            string parameter = conditions.Add(id);
            conditions.And($"event.id = {parameter}").And($"{Digest("event.id")} = {Digest(parameter)}");
        }

        if (filter.Fates is { Count: > 0 } fates)
        {
            conditions.And($"event.fate IN ({string.Join(", ", fates.Distinct().Order().Select(fate => ((int)fate).ToString(CultureInfo.InvariantCulture)))})");
            _ = fates.All(fate => fate is EventFate.Held or EventFate.Unclaimed or EventFate.Ambiguous) ? conditions.And("event.fate IN (1, 3, 4)") : conditions; // they have an index
        }

        return conditions;
    }

    /// <summary>What the index on ids has in their place.</summary>
    private static string Digest(string id) => $@"sha256(replace({id}, '\', '\\')::bytea)";

    /// <summary>The topics of one shard, or of all, each found with one look at the index: <c>topic (shard, topic)</c>.</summary>
    private static string Topics(Reads reads, string first, string next) =>
        $"""
        WITH RECURSIVE topic AS (
            (SELECT shard, topic FROM {reads.Schema}.event WHERE {first} ORDER BY shard, topic LIMIT 1)
            UNION ALL
            SELECT next.shard, next.topic FROM topic CROSS JOIN LATERAL (
                SELECT shard, topic FROM {reads.Schema}.event
                WHERE {next} AND (event.shard, event.topic) > (topic.shard, topic.topic) ORDER BY shard, topic LIMIT 1) AS next)
        """;

    private static EventRow ToEvent(NpgsqlDataReader row) => new(row.GetInt32(0), row.GetString(1), row.GetInt64(2), row.GetString(3), row.GetString(4), row.Time(5))
    {
        Key = row.TextOrNull(6),
        Source = row.GetString(7),
        Time = row.Time(8),
        Correlation = row.GetString(9),
        Cause = row.TextOrNull(10),
        Data = row.Bytes(11),
        More = row.BytesOrNull(12),
        State = new EventState((EventFate)row.GetInt16(13), row.TimeOrNull(14)),
    };

    private static DeliveryRow ToDelivery(NpgsqlDataReader row) => new(row.GetString(0), row.GetInt64(1), row.GetString(2), row.GetInt32(3), row.Time(4), row.Time(5))
    {
        Attempts = row.GetInt32(6),
        Status = (JobStatus)row.GetInt16(7),
    };
}

/// <summary>Where an event stands among all: by its time, then by topic and position.</summary>
internal readonly record struct EventKey(DateTimeOffset PublishedAt, string Topic, long Position)
{
    /// <summary>After all events.</summary>
    public static readonly EventKey End = new(DateTimeOffset.MaxValue, "", 0);
}
