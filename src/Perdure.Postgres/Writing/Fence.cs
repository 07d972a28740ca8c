using NpgsqlTypes;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>Moves the shards' rows from each batch's number to the next, under the lease's epoch and token; fails the transaction unless all of them move.</summary>
/// <remarks>The rows are locked in the order of their numbers, like everywhere, so that two nodes cannot wait for each other.</remarks>
internal sealed class Fence : RowStatement
{
    private readonly Column<int> _shard;
    private readonly Column<long> _epoch;
    private readonly Column<Guid> _token;
    private readonly Column<long> _number;
    private readonly Column<DateTime> _time;

    public Fence(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _epoch = Column<long>("epoch", NpgsqlDbType.Bigint);
        _token = Column<Guid>("token", NpgsqlDbType.Uuid);
        _number = Column<long>("number", NpgsqlDbType.Bigint);
        _time = Column<DateTime>("time", NpgsqlDbType.TimestampTz);
        Sql =
            $"""
            WITH held AS (
                SELECT shard.shard, moving.number, moving.time
                FROM {Rows} AS moving JOIN {schema}.shard
                    ON shard.shard = moving.shard AND shard.epoch = moving.epoch AND shard.token = moving.token AND shard.batch = moving.number - 1
                ORDER BY shard.shard FOR NO KEY UPDATE OF shard),
            moved AS (
                UPDATE {schema}.shard SET batch = held.number, time = held.time FROM held WHERE shard.shard = held.shard RETURNING 1)
            SELECT 1 / (count(*) = cardinality($1))::integer FROM moved
            """;
    }

    public override void Add(ShardBatch batch)
    {
        _shard.Add(batch.Lease.Shard);
        _epoch.Add(batch.Lease.Epoch);
        _token.Add(batch.Lease.Token);
        _number.Add(batch.Number);
        _time.Add(batch.Time.UtcDateTime);
    }
}

/// <summary>Writes what batches say of their shards beside their progress: who is suspect in careful mode, and that one has recovered.</summary>
internal sealed class ShardNotes : RowStatement
{
    private readonly Column<int> _shard;
    private readonly Column<bool> _recovered;
    private readonly Column<long?> _run;
    private readonly Column<int?> _ask;
    private readonly Column<int?> _deaths;

    public ShardNotes(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _recovered = Column<bool>("recovered", NpgsqlDbType.Boolean);
        _run = Column<long?>("run", NpgsqlDbType.Bigint);
        _ask = Column<int?>("ask", NpgsqlDbType.Integer);
        _deaths = Column<int?>("deaths", NpgsqlDbType.Integer);
        Sql =
            $"""
            UPDATE {schema}.shard
            SET suspect_run = note.run, suspect_ask = note.ask, suspect_deaths = note.deaths,
                unclean_ends = CASE WHEN note.recovered THEN 0 ELSE unclean_ends END
            FROM {Rows} AS note WHERE shard.shard = note.shard
            """;
    }

    public override void Add(ShardBatch batch)
    {
        if (batch.Recovered || batch.Suspect is not null)
        {
            Suspect? suspect = batch.Recovered ? null : batch.Suspect;
            _shard.Add(batch.Lease.Shard);
            _recovered.Add(batch.Recovered);
            _run.Add(suspect?.Run);
            _ask.Add(suspect?.Ask);
            _deaths.Add(suspect?.Deaths);
        }
    }
}
