using NpgsqlTypes;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>Jobs that come.</summary>
internal sealed class InsertJobs : RowStatement
{
    private readonly Column<long> _number;
    private readonly Column<int> _shard;
    private readonly Column<string> _queue;
    private readonly Column<string> _type;
    private readonly Column<DateTime> _createdAt;
    private readonly Column<int> _priority;
    private readonly Column<int> _attempts;
    private readonly Column<string?> _key;
    private readonly Column<DateTime?> _notBefore;
    private readonly Column<byte[]?> _more;
    private readonly Column<byte[]?> _payload;

    public InsertJobs(string schema)
    {
        _number = Column<long>("number", NpgsqlDbType.Bigint);
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _queue = Column<string>("queue", NpgsqlDbType.Text);
        _type = Column<string>("type", NpgsqlDbType.Text);
        _createdAt = Column<DateTime>("created_at", NpgsqlDbType.TimestampTz);
        _priority = Column<int>("priority", NpgsqlDbType.Integer);
        _attempts = Column<int>("attempts", NpgsqlDbType.Integer);
        _key = Column<string?>("key", NpgsqlDbType.Text);
        _notBefore = Column<DateTime?>("not_before", NpgsqlDbType.TimestampTz);
        _more = Column<byte[]?>("more", NpgsqlDbType.Bytea);
        _payload = Column<byte[]?>("payload", NpgsqlDbType.Bytea);
        Sql = $"INSERT INTO {schema}.job ({Names}) SELECT * FROM {Rows} AS row";
    }

    public override void Add(ShardBatch batch)
    {
        foreach (JobRow job in batch.NewJobs)
        {
            _number.Add(job.Number);
            _shard.Add(batch.Lease.Shard);
            _queue.Add(job.Queue);
            _type.Add(job.Type);
            _createdAt.Add(job.CreatedAt.UtcDateTime);
            _priority.Add(job.State.Priority);
            _attempts.Add(job.State.Attempts);
            _key.Add(job.Key);
            _notBefore.Add(job.State.NotBefore?.UtcDateTime);
            _more.Add(job.State.More);
            _payload.Add(job.Payload);
        }
    }
}

/// <summary>Jobs whose state changes.</summary>
internal sealed class UpdateJobs : RowStatement
{
    private readonly Column<int> _shard;
    private readonly Column<long> _number;
    private readonly Column<int> _priority;
    private readonly Column<int> _attempts;
    private readonly Column<DateTime?> _notBefore;
    private readonly Column<byte[]?> _more;
    private readonly Column<byte[]?> _payload;

    public UpdateJobs(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _number = Column<long>("number", NpgsqlDbType.Bigint);
        _priority = Column<int>("priority", NpgsqlDbType.Integer);
        _attempts = Column<int>("attempts", NpgsqlDbType.Integer);
        _notBefore = Column<DateTime?>("not_before", NpgsqlDbType.TimestampTz);
        _more = Column<byte[]?>("more", NpgsqlDbType.Bytea);
        _payload = Column<byte[]?>("payload", NpgsqlDbType.Bytea);
        Sql = AllOrFail(
            $"""
            UPDATE {schema}.job
            SET priority = row.priority, attempts = row.attempts, not_before = row.not_before, more = row.more, payload = coalesce(row.payload, job.payload)
            FROM {Rows} AS row WHERE job.shard = row.shard AND job.number = row.number
            """);
    }

    public override string Missing => "a job that was to be updated is not there";

    public override void Add(ShardBatch batch)
    {
        foreach (JobUpdate update in batch.JobUpdates)
        {
            _shard.Add(batch.Lease.Shard);
            _number.Add(update.Number);
            _priority.Add(update.State.Priority);
            _attempts.Add(update.State.Attempts);
            _notBefore.Add(update.State.NotBefore?.UtcDateTime);
            _more.Add(update.State.More);
            _payload.Add(update.Payload);
        }
    }
}

/// <summary>Ends of jobs that are kept; they take the payload along from the job's row.</summary>
internal sealed class PutJobEnds : RowStatement
{
    private readonly HashSet<long> _seen = [];
    private readonly Column<long> _number;
    private readonly Column<int> _shard;
    private readonly Column<int> _priority;
    private readonly Column<DateTime> _createdAt;
    private readonly Column<DateTime> _endedAt;
    private readonly Column<DateTime> _keepUntil;
    private readonly Column<int> _attempts;
    private readonly Column<int> _status;
    private readonly Column<string> _queue;
    private readonly Column<string> _type;
    private readonly Column<string?> _key;
    private readonly Column<string?> _correlation;
    private readonly Column<byte[]?> _result;
    private readonly Column<byte[]?> _more;
    private readonly Column<bool> _keepsPayload;

    public PutJobEnds(string schema)
    {
        _number = Column<long>("number", NpgsqlDbType.Bigint);
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _priority = Column<int>("priority", NpgsqlDbType.Integer);
        _createdAt = Column<DateTime>("created_at", NpgsqlDbType.TimestampTz);
        _endedAt = Column<DateTime>("ended_at", NpgsqlDbType.TimestampTz);
        _keepUntil = Column<DateTime>("keep_until", NpgsqlDbType.TimestampTz);
        _attempts = Column<int>("attempts", NpgsqlDbType.Integer);
        _status = Column<int>("status", NpgsqlDbType.Integer);
        _queue = Column<string>("queue", NpgsqlDbType.Text);
        _type = Column<string>("type", NpgsqlDbType.Text);
        _key = Column<string?>("key", NpgsqlDbType.Text);
        _correlation = Column<string?>("correlation", NpgsqlDbType.Text);
        _result = Column<byte[]?>("result", NpgsqlDbType.Bytea);
        _more = Column<byte[]?>("more", NpgsqlDbType.Bytea);
        const string names = "number, shard, priority, created_at, ended_at, keep_until, attempts, status, queue, type, key, correlation, result, more";
        _keepsPayload = Column<bool>("keeps_payload", NpgsqlDbType.Boolean);
        Sql =
            $"""
            INSERT INTO {schema}.job_end ({names}, payload)
            SELECT {string.Join(", ", names.Split(", ").Select(name => $"row.{name}"))}, job.payload
            FROM {Rows} AS row LEFT JOIN {schema}.job ON row.keeps_payload AND job.shard = row.shard AND job.number = row.number
            ON CONFLICT (shard, number) DO UPDATE
            SET {string.Join(", ", $"{names}, payload".Split(", ").Select(name => $"{name} = excluded.{name}"))}
            """;
    }

    public override void Add(ShardBatch batch) => ForLast(batch.JobEnds, _seen, end => end.Number, end =>
    {
        _number.Add(end.Number);
        _shard.Add(batch.Lease.Shard);
        _priority.Add(end.Priority);
        _createdAt.Add(end.CreatedAt.UtcDateTime);
        _endedAt.Add(end.EndedAt.UtcDateTime);
        _keepUntil.Add(end.KeepUntil.UtcDateTime);
        _attempts.Add(end.Attempts);
        _status.Add((int)end.Status);
        _queue.Add(end.Queue);
        _type.Add(end.Type);
        _key.Add(end.Key);
        _correlation.Add(end.Correlation);
        _result.Add(end.Result);
        _more.Add(end.More);
        _keepsPayload.Add(end.KeepsPayload);
    });
}

/// <summary>Jobs whose rows go, or ends that are forgotten.</summary>
internal sealed class DeleteJobs : RowStatement
{
    private readonly Func<ShardBatch, List<long>> _numbers;
    private readonly Column<int> _shard;
    private readonly Column<long> _number;

    public DeleteJobs(string schema, string table, Func<ShardBatch, List<long>> numbers)
    {
        _numbers = numbers;
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _number = Column<long>("number", NpgsqlDbType.Bigint);
        Sql = $"DELETE FROM {schema}.{table} AS job USING {Rows} AS row WHERE job.shard = row.shard AND job.number = row.number";
    }

    public override void Add(ShardBatch batch)
    {
        foreach (long number in _numbers(batch))
        {
            _shard.Add(batch.Lease.Shard);
            _number.Add(number);
        }
    }
}

/// <summary>What homes remember from now on.</summary>
internal sealed class PutMemos : RowStatement
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Column<int> _shard;
    private readonly Column<string> _name;
    private readonly Column<byte[]> _value;

    public PutMemos(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _name = Column<string>("name", NpgsqlDbType.Text);
        _value = Column<byte[]>("value", NpgsqlDbType.Bytea);
        Sql = $"INSERT INTO {schema}.memo ({Names}) SELECT * FROM {Rows} AS row ON CONFLICT (shard, name) DO UPDATE SET value = excluded.value";
    }

    public override void Add(ShardBatch batch) => ForLast(batch.Memos, _seen, memo => memo.Name, memo =>
    {
        if (memo.Value is { } value)
        {
            _shard.Add(batch.Lease.Shard);
            _name.Add(memo.Name);
            _value.Add(value);
        }
    });
}

/// <summary>What homes no longer remember.</summary>
internal sealed class DeleteMemos : RowStatement
{
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Column<int> _shard;
    private readonly Column<string> _name;

    public DeleteMemos(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _name = Column<string>("name", NpgsqlDbType.Text);
        Sql = $"DELETE FROM {schema}.memo USING {Rows} AS row WHERE memo.shard = row.shard AND memo.name = row.name";
    }

    public override void Add(ShardBatch batch) => ForLast(batch.Memos, _seen, memo => memo.Name, memo =>
    {
        if (memo.Value is null)
        {
            _shard.Add(batch.Lease.Shard);
            _name.Add(memo.Name);
        }
    });
}
