using NpgsqlTypes;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>Inputs of runs.</summary>
internal sealed class InsertHistory : RowStatement
{
    private readonly Column<int> _shard;
    private readonly Column<long> _run;
    private readonly Column<int> _position;
    private readonly Column<DateTime> _at;
    private readonly Column<DateTime?> _startedAt;
    private readonly Column<int> _ask;
    private readonly Column<int> _attempts;
    private readonly Column<int> _kind;
    private readonly Column<string?> _name;
    private readonly Column<string?> _senderId;
    private readonly Column<byte[]?> _payload;
    private readonly Column<string?> _asks;
    private readonly Column<byte[]?> _result;

    public InsertHistory(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _run = Column<long>("run", NpgsqlDbType.Bigint);
        _position = Column<int>("position", NpgsqlDbType.Integer);
        _at = Column<DateTime>("at", NpgsqlDbType.TimestampTz);
        _startedAt = Column<DateTime?>("started_at", NpgsqlDbType.TimestampTz);
        _ask = Column<int>("ask", NpgsqlDbType.Integer);
        _attempts = Column<int>("attempts", NpgsqlDbType.Integer);
        _kind = Column<int>("kind", NpgsqlDbType.Integer);
        _name = Column<string?>("name", NpgsqlDbType.Text);
        _senderId = Column<string?>("sender_id", NpgsqlDbType.Text);
        _payload = Column<byte[]?>("payload", NpgsqlDbType.Bytea);
        _asks = Column<string?>("asks", NpgsqlDbType.Text);
        _result = Column<byte[]?>("result", NpgsqlDbType.Bytea);
        Sql = $"INSERT INTO {schema}.history ({Names}) SELECT * FROM {Rows} AS row";
    }

    public override void Add(ShardBatch batch)
    {
        foreach (HistoryRow row in batch.History)
        {
            _shard.Add(batch.Lease.Shard);
            _run.Add(row.Run);
            _position.Add(row.Position);
            _at.Add(row.At.UtcDateTime);
            _startedAt.Add(row.StartedAt?.UtcDateTime);
            _ask.Add(row.Ask);
            _attempts.Add(row.Attempts);
            _kind.Add((int)row.Kind);
            _name.Add(row.Name);
            _senderId.Add(row.SenderId);
            _payload.Add(row.Payload);
            _asks.Add(row.Asks);
            _result.Add(row.Result);
        }
    }
}

/// <summary>Inputs that were recorded undecided, and are decided now.</summary>
internal sealed class DecideHistory : RowStatement
{
    private readonly HashSet<(long Run, int Position)> _seen = [];
    private readonly Column<int> _shard;
    private readonly Column<long> _run;
    private readonly Column<int> _position;
    private readonly Column<string?> _asks;
    private readonly Column<byte[]?> _result;

    public DecideHistory(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _run = Column<long>("run", NpgsqlDbType.Bigint);
        _position = Column<int>("position", NpgsqlDbType.Integer);
        _asks = Column<string?>("asks", NpgsqlDbType.Text);
        _result = Column<byte[]?>("result", NpgsqlDbType.Bytea);
        Sql = AllOrFail(
            $"""
            UPDATE {schema}.history SET asks = row.asks, result = row.result
            FROM {Rows} AS row WHERE history.shard = row.shard AND history.run = row.run AND history.position = row.position
            """);
    }

    public override string Missing => "an input that was to be decided is not there";

    public override void Add(ShardBatch batch) => ForLast(batch.Decided, _seen, row => (row.Run, row.Position), row =>
    {
        _shard.Add(batch.Lease.Shard);
        _run.Add(row.Run);
        _position.Add(row.Position);
        _asks.Add(row.Asks);
        _result.Add(row.Result);
    });
}

/// <summary>Back-offs that begin or go on.</summary>
internal sealed class PutBackoffs : RowStatement
{
    private readonly HashSet<(long Run, int Ask)> _seen = [];
    private readonly Column<int> _shard;
    private readonly Column<long> _run;
    private readonly Column<int> _ask;
    private readonly Column<int> _attempts;
    private readonly Column<DateTime> _startedAt;
    private readonly Column<DateTime> _nextAt;
    private readonly Column<byte[]> _lastError;

    public PutBackoffs(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _run = Column<long>("run", NpgsqlDbType.Bigint);
        _ask = Column<int>("ask", NpgsqlDbType.Integer);
        _attempts = Column<int>("attempts", NpgsqlDbType.Integer);
        _startedAt = Column<DateTime>("started_at", NpgsqlDbType.TimestampTz);
        _nextAt = Column<DateTime>("next_at", NpgsqlDbType.TimestampTz);
        _lastError = Column<byte[]>("last_error", NpgsqlDbType.Bytea);
        Sql =
            $"""
            INSERT INTO {schema}.backoff ({Names}) SELECT * FROM {Rows} AS row
            ON CONFLICT (shard, run, ask) DO UPDATE
            SET attempts = excluded.attempts, started_at = excluded.started_at, next_at = excluded.next_at, last_error = excluded.last_error
            """;
    }

    public override void Add(ShardBatch batch) => ForLast(batch.Backoffs, _seen, row => (row.Run, row.Ask), row =>
    {
        _shard.Add(batch.Lease.Shard);
        _run.Add(row.Run);
        _ask.Add(row.Ask);
        _attempts.Add(row.Attempts);
        _startedAt.Add(row.StartedAt.UtcDateTime);
        _nextAt.Add(row.NextAt.UtcDateTime);
        _lastError.Add(row.LastError);
    });
}

/// <summary>Back-offs that are over.</summary>
internal sealed class EndBackoffs : RowStatement
{
    private readonly Column<int> _shard;
    private readonly Column<long> _run;
    private readonly Column<int> _ask;

    public EndBackoffs(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _run = Column<long>("run", NpgsqlDbType.Bigint);
        _ask = Column<int>("ask", NpgsqlDbType.Integer);
        Sql =
            $"DELETE FROM {schema}.backoff USING {Rows} AS row WHERE backoff.shard = row.shard AND backoff.run = row.run AND backoff.ask = row.ask";
    }

    public override void Add(ShardBatch batch)
    {
        foreach ((long run, int ask) in batch.EndedBackoffs)
        {
            _shard.Add(batch.Lease.Shard);
            _run.Add(run);
            _ask.Add(ask);
        }
    }
}
