using NpgsqlTypes;
using Perdure.Storage;

namespace Perdure.Postgres.Writing;

/// <summary>Runs that start.</summary>
internal sealed class InsertFlows : RowStatement
{
    private readonly Column<long> _run;
    private readonly Column<int> _shard;
    private readonly Column<int> _version;
    private readonly Column<string> _type;
    private readonly Column<string> _id;
    private readonly Column<DateTime> _createdAt;
    private readonly StateColumns _state;
    private readonly ParentColumns _parent;
    private readonly Column<string?> _traceParent;
    private readonly Column<string?> _correlation;
    private readonly Column<string?> _cause;

    public InsertFlows(string schema)
    {
        _run = Column<long>("run", NpgsqlDbType.Bigint);
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _version = Column<int>("version", NpgsqlDbType.Integer);
        _type = Column<string>("type", NpgsqlDbType.Text);
        _id = Column<string>("id", NpgsqlDbType.Text);
        _createdAt = Column<DateTime>("created_at", NpgsqlDbType.TimestampTz);
        _state = new StateColumns(Column<int>("status", NpgsqlDbType.Integer), Column<DateTime?>("wake_at", NpgsqlDbType.TimestampTz), Column<DateTime?>("ended_at", NpgsqlDbType.TimestampTz), Column<string?>("stuck_code", NpgsqlDbType.Text), Column<string?>("stuck_reason", NpgsqlDbType.Text));
        _parent = new ParentColumns(Column<string?>("parent_type", NpgsqlDbType.Text), Column<string?>("parent_id", NpgsqlDbType.Text), Column<int?>("parent_ask", NpgsqlDbType.Integer));
        _traceParent = Column<string?>("trace_parent", NpgsqlDbType.Text);
        _correlation = Column<string?>("correlation", NpgsqlDbType.Text);
        _cause = Column<string?>("cause", NpgsqlDbType.Text);
        Sql = $"INSERT INTO {schema}.flow ({Names}) SELECT * FROM {Rows} AS row";
    }

    public override void Add(ShardBatch batch)
    {
        foreach (FlowRow flow in batch.NewFlows)
        {
            _run.Add(flow.Run);
            _shard.Add(flow.Shard);
            _version.Add(flow.Version);
            _type.Add(flow.Key.Type);
            _id.Add(flow.Key.Id);
            _createdAt.Add(flow.CreatedAt.UtcDateTime);
            _state.Add(flow.State);
            _parent.Add(flow.Parent);
            _traceParent.Add(flow.TraceParent);
            _correlation.Add(flow.Correlation);
            _cause.Add(flow.Cause);
        }
    }
}

/// <summary>Runs whose state changes.</summary>
internal sealed class UpdateFlows : RowStatement
{
    private readonly Column<int> _shard;
    private readonly Column<long> _run;
    private readonly StateColumns _state;

    public UpdateFlows(string schema)
    {
        _shard = Column<int>("shard", NpgsqlDbType.Integer);
        _run = Column<long>("run", NpgsqlDbType.Bigint);
        _state = new StateColumns(Column<int>("status", NpgsqlDbType.Integer), Column<DateTime?>("wake_at", NpgsqlDbType.TimestampTz), Column<DateTime?>("ended_at", NpgsqlDbType.TimestampTz), Column<string?>("stuck_code", NpgsqlDbType.Text), Column<string?>("stuck_reason", NpgsqlDbType.Text));
        Sql = AllOrFail(
            $"""
            UPDATE {schema}.flow
            SET status = row.status, wake_at = row.wake_at, ended_at = row.ended_at, stuck_code = row.stuck_code, stuck_reason = row.stuck_reason
            FROM {Rows} AS row WHERE flow.shard = row.shard AND flow.run = row.run
            """);
    }

    public override string Missing => "a run that was to be updated is not there";

    public override void Add(ShardBatch batch)
    {
        foreach (FlowUpdate update in batch.Updates)
        {
            _shard.Add(batch.Lease.Shard);
            _run.Add(update.Run);
            _state.Add(update.State);
        }
    }
}

/// <summary>The part of a run's row that changes.</summary>
internal sealed record StateColumns(Column<int> Status, Column<DateTime?> WakeAt, Column<DateTime?> EndedAt, Column<string?> StuckCode, Column<string?> StuckReason)
{
    public void Add(FlowState state)
    {
        Status.Add((int)state.Status);
        WakeAt.Add(state.WakeAt?.UtcDateTime);
        EndedAt.Add(state.EndedAt?.UtcDateTime);
        StuckCode.Add(state.StuckCode);
        StuckReason.Add(state.StuckReason);
    }
}

/// <summary>A flow and an ask of its.</summary>
internal sealed record ParentColumns(Column<string?> Type, Column<string?> Id, Column<int?> Ask)
{
    public void Add(ParentRef? parent)
    {
        Type.Add(parent?.Flow.Type);
        Id.Add(parent?.Flow.Id);
        Ask.Add(parent?.Ask);
    }
}
