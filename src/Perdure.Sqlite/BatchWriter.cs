using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>Writes a batch's rows with prepared statements, within the caller's transaction.</summary>
internal sealed class BatchWriter
{
    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _insertFlow;
    private readonly SqliteStatement _updateFlow;
    private readonly SqliteStatement _insertHistory;
    private readonly SqliteStatement _decideHistory;
    private readonly SqliteStatement _putBackoff;
    private readonly SqliteStatement _endBackoff;
    private readonly SqliteStatement _send;
    private readonly SqliteStatement _receive;
    private readonly JobWriter _jobs;
    private readonly EventWriter _events;

    public BatchWriter(SqliteConnection connection)
    {
        _connection = connection;
        _insertFlow = connection.Prepare(
            """
            INSERT INTO flow (run, shard, type, id, version, created_at, parent_type, parent_id, parent_ask, trace_parent,
                              status, wake_at, ended_at, stuck_code, stuck_reason, correlation, cause)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)
            """);
        _updateFlow = connection.Prepare(
            "UPDATE flow SET status = ?2, wake_at = ?3, ended_at = ?4, stuck_code = ?5, stuck_reason = ?6 WHERE run = ?1");
        _insertHistory = connection.Prepare(
            """
            INSERT INTO history (run, position, at, kind, ask, name, sender_id, attempts, started_at, payload, asks, result)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
            """);
        _decideHistory = connection.Prepare("UPDATE history SET asks = ?3, result = ?4 WHERE run = ?1 AND position = ?2");
        _putBackoff = connection.Prepare(
            "INSERT OR REPLACE INTO backoff (run, ask, attempts, started_at, next_at, last_error) VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        _endBackoff = connection.Prepare("DELETE FROM backoff WHERE run = ?1 AND ask = ?2");
        _send = connection.Prepare(
            """
            INSERT INTO inbox (shard, id, kind, to_type, to_id, from_type, from_id, from_ask, name, payload, correlation, cause)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) ON CONFLICT (shard, id) DO NOTHING
            """);
        _receive = connection.Prepare("DELETE FROM inbox WHERE shard = ?1 AND id = ?2");
        _jobs = new JobWriter(connection);
        _events = new EventWriter(connection);
    }

    /// <exception cref="SqliteFailure">A row cannot be written; a constraint's failure is the batch's own fault.</exception>
    public void Write(ShardBatch batch)
    {
        foreach (FlowRow flow in batch.NewFlows)
        {
            Insert(flow);
        }

        foreach (FlowUpdate update in batch.Updates)
        {
            _updateFlow.Bind(1, update.Run);
            BindState(_updateFlow, 2, update.State);
            _updateFlow.Run();
            RequireChange("there is no run to update:", update.Run);
        }

        foreach (HistoryRow row in batch.History)
        {
            Insert(row);
        }

        foreach (HistoryRow row in batch.Decided)
        {
            _decideHistory.Bind(1, row.Run);
            _decideHistory.Bind(2, row.Position);
            _decideHistory.Bind(3, row.Asks);
            _decideHistory.Bind(4, row.Result);
            _decideHistory.Run();
            RequireChange("there is no input to decide in run", row.Run);
        }

        WriteBackoffs(batch);
        WriteMessages(batch);
        _jobs.Write(batch);
        _events.Write(batch);
    }

    private static void BindState(SqliteStatement statement, int first, FlowState state)
    {
        statement.Bind(first, (int)state.Status);
        statement.Bind(first + 1, state.WakeAt);
        statement.Bind(first + 2, state.EndedAt);
        statement.Bind(first + 3, state.StuckCode);
        statement.Bind(first + 4, state.StuckReason);
    }

    private static void BindParent(SqliteStatement statement, int first, ParentRef? parent)
    {
        if (parent is null)
        {
            statement.BindNull(first);
            statement.BindNull(first + 1);
            statement.BindNull(first + 2);
        }
        else
        {
            statement.Bind(first, parent.Flow.Type);
            statement.Bind(first + 1, parent.Flow.Id);
            statement.Bind(first + 2, parent.Ask);
        }
    }

    private void Insert(FlowRow flow)
    {
        _insertFlow.Bind(1, flow.Run);
        _insertFlow.Bind(2, flow.Shard);
        _insertFlow.Bind(3, flow.Key.Type);
        _insertFlow.Bind(4, flow.Key.Id);
        _insertFlow.Bind(5, flow.Version);
        _insertFlow.Bind(6, flow.CreatedAt);
        BindParent(_insertFlow, 7, flow.Parent);
        _insertFlow.Bind(10, flow.TraceParent);
        BindState(_insertFlow, 11, flow.State);
        _insertFlow.Bind(16, flow.Correlation);
        _insertFlow.Bind(17, flow.Cause);
        _insertFlow.Run();
    }

    private void Insert(HistoryRow row)
    {
        _insertHistory.Bind(1, row.Run);
        _insertHistory.Bind(2, row.Position);
        _insertHistory.Bind(3, row.At);
        _insertHistory.Bind(4, (int)row.Kind);
        _insertHistory.Bind(5, row.Ask);
        _insertHistory.Bind(6, row.Name);
        _insertHistory.Bind(7, row.SenderId);
        _insertHistory.Bind(8, row.Attempts);
        _insertHistory.Bind(9, row.StartedAt);
        _insertHistory.Bind(10, row.Payload);
        _insertHistory.Bind(11, row.Asks);
        _insertHistory.Bind(12, row.Result);
        _insertHistory.Run();
    }

    private void WriteBackoffs(ShardBatch batch)
    {
        foreach (BackoffRow backoff in batch.Backoffs)
        {
            _putBackoff.Bind(1, backoff.Run);
            _putBackoff.Bind(2, backoff.Ask);
            _putBackoff.Bind(3, backoff.Attempts);
            _putBackoff.Bind(4, backoff.StartedAt);
            _putBackoff.Bind(5, backoff.NextAt);
            _putBackoff.Bind(6, backoff.LastError);
            _putBackoff.Run();
        }

        foreach ((long run, int ask) in batch.EndedBackoffs)
        {
            _endBackoff.Bind(1, run);
            _endBackoff.Bind(2, ask);
            _endBackoff.Run();
        }
    }

    private void WriteMessages(ShardBatch batch)
    {
        foreach (InboxRow message in batch.Sent)
        {
            _send.Bind(1, message.Shard);
            _send.Bind(2, message.Id);
            _send.Bind(3, (int)message.Kind);
            _send.Bind(4, message.To.Type);
            _send.Bind(5, message.To.Id);
            BindParent(_send, 6, message.From);
            _send.Bind(9, message.Name);
            _send.Bind(10, message.Payload);
            _send.Bind(11, message.Correlation);
            _send.Bind(12, message.Cause);
            _send.Run();
        }

        foreach (string id in batch.Received)
        {
            _receive.Bind(1, batch.Lease.Shard);
            _receive.Bind(2, id);
            _receive.Run();
        }
    }

    private void RequireChange(string otherwise, long run)
    {
        if (_connection.Changes == 0)
        {
            throw new SqliteFailure((int)ResultCode.Constraint, $"{otherwise} {run}");
        }
    }
}
