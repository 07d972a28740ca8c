using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>Writes what a batch says of events with prepared statements, within the caller's transaction.</summary>
internal sealed class EventWriter
{
    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _insert;
    private readonly SqliteStatement _update;
    private readonly SqliteStatement _deliver;
    private readonly SqliteStatement _beginWait;
    private readonly SqliteStatement _endWait;
    private readonly SqliteStatement _forget;
    private readonly SqliteStatement _forgetDeliveries;

    public EventWriter(SqliteConnection connection)
    {
        _connection = connection;
        _insert = connection.Prepare(
            """
            INSERT INTO event (shard, topic, position, id, type, published_at, key, source, time, correlation, cause, data, more, fate, held_until)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
            """);
        _update = connection.Prepare("UPDATE event SET fate = ?4, held_until = ?5 WHERE shard = ?1 AND topic = ?2 AND position = ?3");
        _deliver = connection.Prepare(
            """
            INSERT OR REPLACE INTO delivery (shard, topic, position, subscription, generation, started_at, ended_at, attempts, status)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            """);
        _beginWait = connection.Prepare(
            """
            INSERT INTO event_wait (shard, flow_type, flow_id, ask, type, key, since)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (shard, flow_type, flow_id, ask) DO NOTHING
            """);
        _endWait = connection.Prepare("DELETE FROM event_wait WHERE shard = ?1 AND flow_type = ?2 AND flow_id = ?3 AND ask = ?4");
        _forget = connection.Prepare("DELETE FROM event WHERE shard = ?1 AND topic = ?2 AND position <= ?3");
        _forgetDeliveries = connection.Prepare("DELETE FROM delivery WHERE shard = ?1 AND topic = ?2 AND position <= ?3");
    }

    /// <exception cref="SqliteFailure">A row cannot be written; a constraint's failure is the batch's own fault.</exception>
    public void Write(ShardBatch batch)
    {
        int shard = batch.Lease.Shard;
        foreach (EventRow row in batch.NewEvents)
        {
            Insert(shard, row);
        }

        foreach (EventUpdate update in batch.EventUpdates)
        {
            Update(shard, update);
        }

        foreach (DeliveryRow delivery in batch.Deliveries)
        {
            Put(shard, delivery);
        }

        WriteWaits(batch);
        foreach (ForgottenEvents forgotten in batch.ForgottenEvents)
        {
            Forget(_forget, shard, forgotten);
            Forget(_forgetDeliveries, shard, forgotten);
        }
    }

    private static void Forget(SqliteStatement statement, int shard, ForgottenEvents forgotten)
    {
        statement.Bind(1, shard);
        statement.Bind(2, forgotten.Topic);
        statement.Bind(3, forgotten.UpTo);
        statement.Run();
    }

    private static void BindFlow(SqliteStatement statement, int shard, ParentRef flow)
    {
        statement.Bind(1, shard);
        statement.Bind(2, flow.Flow.Type);
        statement.Bind(3, flow.Flow.Id);
        statement.Bind(4, flow.Ask);
    }

    private void Insert(int shard, EventRow row)
    {
        _insert.Bind(1, shard);
        _insert.Bind(2, row.Topic);
        _insert.Bind(3, row.Position);
        _insert.Bind(4, row.Id);
        _insert.Bind(5, row.Type);
        _insert.Bind(6, row.PublishedAt);
        _insert.Bind(7, row.Key);
        _insert.Bind(8, row.Source);
        _insert.Bind(9, row.Time);
        _insert.Bind(10, row.Correlation);
        _insert.Bind(11, row.Cause);
        _insert.Bind(12, row.Data);
        _insert.Bind(13, row.More);
        _insert.Bind(14, (int)row.State.Fate);
        _insert.Bind(15, row.State.HeldUntil);
        _insert.Run();
    }

    private void Update(int shard, EventUpdate update)
    {
        _update.Bind(1, shard);
        _update.Bind(2, update.Topic);
        _update.Bind(3, update.Position);
        _update.Bind(4, (int)update.State.Fate);
        _update.Bind(5, update.State.HeldUntil);
        _update.Run();
        if (_connection.Changes == 0)
        {
            throw new SqliteFailure((int)ResultCode.Constraint, $"topic {update.Topic} has no event to update at position {update.Position}");
        }
    }

    private void Put(int shard, DeliveryRow delivery)
    {
        _deliver.Bind(1, shard);
        _deliver.Bind(2, delivery.Topic);
        _deliver.Bind(3, delivery.Position);
        _deliver.Bind(4, delivery.Subscription);
        _deliver.Bind(5, delivery.Generation);
        _deliver.Bind(6, delivery.StartedAt);
        _deliver.Bind(7, delivery.EndedAt);
        _deliver.Bind(8, delivery.Attempts);
        _deliver.Bind(9, (int)delivery.Status);
        _deliver.Run();
    }

    private void WriteWaits(ShardBatch batch)
    {
        int shard = batch.Lease.Shard;
        foreach (EventWaitRow wait in batch.EventWaits)
        {
            BindFlow(_beginWait, shard, wait.Flow);
            _beginWait.Bind(5, wait.Type);
            _beginWait.Bind(6, wait.Key);
            _beginWait.Bind(7, wait.Since);
            _beginWait.Run();
        }

        foreach (ParentRef flow in batch.EndedEventWaits)
        {
            BindFlow(_endWait, shard, flow);
            _endWait.Run();
        }
    }
}
