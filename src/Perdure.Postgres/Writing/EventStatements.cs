using NpgsqlTypes;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>Events that come into the logs of topics.</summary>
internal sealed class InsertEvents : RowStatement
{
    private readonly Column<long> _position;
    private readonly Column<int> _shard;
    private readonly Column<DateTime> _publishedAt;
    private readonly Column<DateTime> _time;
    private readonly Column<DateTime?> _heldUntil;
    private readonly Column<int> _fate;
    private readonly Column<string> _topic;
    private readonly Column<string> _id;
    private readonly Column<string> _type;
    private readonly Column<string?> _key;
    private readonly Column<string> _source;
    private readonly Column<string> _correlation;
    private readonly Column<string?> _cause;
    private readonly Column<byte[]> _data;
    private readonly Column<byte[]?> _more;

    public InsertEvents(string schema)
    {
        _position = Column<long>("position", NpgsqlDbType.Bigint);
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _publishedAt = Column<DateTime>("published_at", NpgsqlDbType.TimestampTz);
        _time = Column<DateTime>("time", NpgsqlDbType.TimestampTz);
        _heldUntil = Column<DateTime?>("held_until", NpgsqlDbType.TimestampTz);
        _fate = Column<int>("fate", NpgsqlDbType.Integer);
        _topic = Column<string>("topic", NpgsqlDbType.Text);
        _id = Column<string>("id", NpgsqlDbType.Text);
        _type = Column<string>("type", NpgsqlDbType.Text);
        _key = Column<string?>("key", NpgsqlDbType.Text);
        _source = Column<string>("source", NpgsqlDbType.Text);
        _correlation = Column<string>("correlation", NpgsqlDbType.Text);
        _cause = Column<string?>("cause", NpgsqlDbType.Text);
        _data = Column<byte[]>("data", NpgsqlDbType.Bytea);
        _more = Column<byte[]?>("more", NpgsqlDbType.Bytea);
        Sql = $"INSERT INTO {schema}.event ({Names}) SELECT * FROM {Rows} AS row";
    }

    public override void Add(ShardBatch batch)
    {
        foreach (EventRow row in batch.NewEvents)
        {
            _position.Add(row.Position);
            _shard.Add(batch.Lease.Shard);
            _publishedAt.Add(row.PublishedAt.UtcDateTime);
            _time.Add(row.Time.UtcDateTime);
            _heldUntil.Add(row.State.HeldUntil?.UtcDateTime);
            _fate.Add((int)row.State.Fate);
            _topic.Add(row.Topic);
            _id.Add(row.Id);
            _type.Add(row.Type);
            _key.Add(row.Key);
            _source.Add(row.Source);
            _correlation.Add(row.Correlation);
            _cause.Add(row.Cause);
            _data.Add(row.Data);
            _more.Add(row.More);
        }
    }
}

/// <summary>Events whose state changes.</summary>
internal sealed class UpdateEvents : RowStatement
{
    private readonly HashSet<(string Topic, long Position)> _seen = [];
    private readonly Column<int> _shard;
    private readonly Column<string> _topic;
    private readonly Column<long> _position;
    private readonly Column<int> _fate;
    private readonly Column<DateTime?> _heldUntil;

    public UpdateEvents(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _topic = Column<string>("topic", NpgsqlDbType.Text);
        _position = Column<long>("position", NpgsqlDbType.Bigint);
        _fate = Column<int>("fate", NpgsqlDbType.Integer);
        _heldUntil = Column<DateTime?>("held_until", NpgsqlDbType.TimestampTz);
        Sql = AllOrFail(
            $"""
            UPDATE {schema}.event SET fate = row.fate, held_until = row.held_until
            FROM {Rows} AS row WHERE event.shard = row.shard AND event.topic = row.topic AND event.position = row.position
            """);
    }

    public override string Missing => "an event that was to be updated is not there";

    public override void Add(ShardBatch batch) => ForLast(batch.EventUpdates, _seen, update => (update.Topic, update.Position), update =>
    {
        _shard.Add(batch.Lease.Shard);
        _topic.Add(update.Topic);
        _position.Add(update.Position);
        _fate.Add((int)update.State.Fate);
        _heldUntil.Add(update.State.HeldUntil?.UtcDateTime);
    });
}

/// <summary>Events that subscriptions are done with.</summary>
internal sealed class PutDeliveries : RowStatement
{
    private readonly HashSet<(string Topic, long Position, string Subscription, int Generation)> _seen = [];
    private readonly Column<long> _position;
    private readonly Column<int> _shard;
    private readonly Column<int> _generation;
    private readonly Column<DateTime> _startedAt;
    private readonly Column<DateTime> _endedAt;
    private readonly Column<int> _attempts;
    private readonly Column<int> _status;
    private readonly Column<string> _topic;
    private readonly Column<string> _subscription;

    public PutDeliveries(string schema)
    {
        _position = Column<long>("position", NpgsqlDbType.Bigint);
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _generation = Column<int>("generation", NpgsqlDbType.Integer);
        _startedAt = Column<DateTime>("started_at", NpgsqlDbType.TimestampTz);
        _endedAt = Column<DateTime>("ended_at", NpgsqlDbType.TimestampTz);
        _attempts = Column<int>("attempts", NpgsqlDbType.Integer);
        _status = Column<int>("status", NpgsqlDbType.Integer);
        _topic = Column<string>("topic", NpgsqlDbType.Text);
        _subscription = Column<string>("subscription", NpgsqlDbType.Text);
        Sql =
            $"""
            INSERT INTO {schema}.delivery ({Names}) SELECT * FROM {Rows} AS row
            ON CONFLICT (shard, topic, position, subscription, generation) DO UPDATE
            SET started_at = excluded.started_at, ended_at = excluded.ended_at, attempts = excluded.attempts, status = excluded.status
            """;
    }

    public override void Add(ShardBatch batch) => ForLast(batch.Deliveries, _seen, row => (row.Topic, row.Position, row.Subscription, row.Generation), row =>
    {
        _position.Add(row.Position);
        _shard.Add(batch.Lease.Shard);
        _generation.Add(row.Generation);
        _startedAt.Add(row.StartedAt.UtcDateTime);
        _endedAt.Add(row.EndedAt.UtcDateTime);
        _attempts.Add(row.Attempts);
        _status.Add((int)row.Status);
        _topic.Add(row.Topic);
        _subscription.Add(row.Subscription);
    });
}

/// <summary>Flows that begin to wait for events.</summary>
internal sealed class BeginEventWaits : RowStatement
{
    private readonly Column<int> _shard;
    private readonly Column<string> _flowType;
    private readonly Column<string> _flowId;
    private readonly Column<int> _ask;
    private readonly Column<string> _type;
    private readonly Column<string> _key;
    private readonly Column<DateTime> _since;

    public BeginEventWaits(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _flowType = Column<string>("flow_type", NpgsqlDbType.Text);
        _flowId = Column<string>("flow_id", NpgsqlDbType.Text);
        _ask = Column<int>("ask", NpgsqlDbType.Integer);
        _type = Column<string>("type", NpgsqlDbType.Text);
        _key = Column<string>("key", NpgsqlDbType.Text);
        _since = Column<DateTime>("since", NpgsqlDbType.TimestampTz);
        Sql = $"INSERT INTO {schema}.event_wait ({Names}) SELECT * FROM {Rows} AS row ON CONFLICT (shard, flow_type, flow_id, ask) DO NOTHING";
    }

    public override void Add(ShardBatch batch)
    {
        foreach (EventWaitRow wait in batch.EventWaits)
        {
            _shard.Add(batch.Lease.Shard);
            _flowType.Add(wait.Flow.Flow.Type);
            _flowId.Add(wait.Flow.Flow.Id);
            _ask.Add(wait.Flow.Ask);
            _type.Add(wait.Type);
            _key.Add(wait.Key);
            _since.Add(wait.Since.UtcDateTime);
        }
    }
}

/// <summary>Flows that no longer wait for events.</summary>
internal sealed class EndEventWaits : RowStatement
{
    private readonly Column<int> _shard;
    private readonly Column<string> _flowType;
    private readonly Column<string> _flowId;
    private readonly Column<int> _ask;

    public EndEventWaits(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _flowType = Column<string>("flow_type", NpgsqlDbType.Text);
        _flowId = Column<string>("flow_id", NpgsqlDbType.Text);
        _ask = Column<int>("ask", NpgsqlDbType.Integer);
        Sql =
            $"""
            DELETE FROM {schema}.event_wait AS wait USING {Rows} AS row
            WHERE wait.shard = row.shard AND wait.flow_type = row.flow_type AND wait.flow_id = row.flow_id AND wait.ask = row.ask
            """;
    }

    public override void Add(ShardBatch batch)
    {
        foreach (ParentRef flow in batch.EndedEventWaits)
        {
            _shard.Add(batch.Lease.Shard);
            _flowType.Add(flow.Flow.Type);
            _flowId.Add(flow.Flow.Id);
            _ask.Add(flow.Ask);
        }
    }
}

/// <summary>Events that are forgotten, or what is known of their deliveries.</summary>
internal sealed class ForgetEvents : RowStatement
{
    private readonly Column<int> _shard;
    private readonly Column<string> _topic;
    private readonly Column<long> _upTo;

    public ForgetEvents(string schema, string table)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _topic = Column<string>("topic", NpgsqlDbType.Text);
        _upTo = Column<long>("up_to", NpgsqlDbType.Bigint);
        Sql = $"DELETE FROM {schema}.{table} AS old USING {Rows} AS row WHERE old.shard = row.shard AND old.topic = row.topic AND old.position <= row.up_to";
    }

    public override void Add(ShardBatch batch)
    {
        foreach (ForgottenEvents forgotten in batch.ForgottenEvents)
        {
            _shard.Add(batch.Lease.Shard);
            _topic.Add(forgotten.Topic);
            _upTo.Add(forgotten.UpTo);
        }
    }
}
