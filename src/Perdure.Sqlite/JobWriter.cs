using System.Buffers;
using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>Writes what a batch says of jobs with prepared statements, within the caller's transaction.</summary>
/// <remarks>A number alone finds its row. The shard beside it keeps a batch that names another shard's job from touching it.</remarks>
internal sealed class JobWriter
{
    private readonly SqliteConnection _connection;
    private readonly SqliteStatement _insert;
    private readonly SqliteStatement _update;
    private readonly SqliteStatement _putEnd;
    private readonly SqliteStatement _delete;
    private readonly SqliteStatement _forget;
    private readonly SqliteStatement _putMemo;
    private readonly SqliteStatement _deleteMemo;

    public JobWriter(SqliteConnection connection)
    {
        _connection = connection;
        _insert = connection.Prepare(
            """
            INSERT INTO job (number, shard, queue, type, created_at, priority, attempts, key, not_before, more, payload)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
            """);
        _update = connection.Prepare(
            """
            UPDATE job SET priority = ?3, attempts = ?4, not_before = ?5, more = ?6, payload = coalesce(?7, payload)
            WHERE number = ?1 AND shard = ?2
            """);
        _putEnd = connection.Prepare(
            """
            INSERT INTO job_end (number, shard, queue, type, status, created_at, ended_at, keep_until, priority, attempts,
                                 key, correlation, result, more, payload)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14,
                    CASE ?15 WHEN 1 THEN (SELECT payload FROM job WHERE number = ?1 AND shard = ?2) END)
            ON CONFLICT (number) DO UPDATE SET
                queue = excluded.queue, type = excluded.type, status = excluded.status, created_at = excluded.created_at,
                ended_at = excluded.ended_at, keep_until = excluded.keep_until, priority = excluded.priority,
                attempts = excluded.attempts, key = excluded.key, correlation = excluded.correlation, result = excluded.result,
                more = excluded.more, payload = excluded.payload
            WHERE shard = excluded.shard
            """);
        _delete = connection.Prepare(JobQuery.Delete);
        _forget = connection.Prepare(JobQuery.Forget);
        _putMemo = connection.Prepare("INSERT OR REPLACE INTO memo (shard, name, value) VALUES (?1, ?2, ?3)");
        _deleteMemo = connection.Prepare("DELETE FROM memo WHERE shard = ?1 AND name = ?2");
    }

    /// <exception cref="SqliteFailure">A row cannot be written; a constraint's failure is the batch's own fault.</exception>
    public void Write(ShardBatch batch)
    {
        int shard = batch.Lease.Shard;
        foreach (JobRow job in batch.NewJobs)
        {
            Insert(shard, job);
        }

        foreach (JobUpdate update in batch.JobUpdates)
        {
            Update(shard, update);
        }

        foreach (JobEndRow end in batch.JobEnds)
        {
            Put(shard, end);
        }

        Delete(_delete, shard, batch.EndedJobs);
        Delete(_forget, shard, batch.ForgottenJobs);
        foreach (MemoRow memo in batch.Memos)
        {
            Put(shard, memo);
        }
    }

    /// <summary>Jobs that came together have consecutive numbers, and most often end together: one statement deletes those. The batch keeps its order.</summary>
    private static void Delete(SqliteStatement statement, int shard, List<long> numbers)
    {
        long[] rented = ArrayPool<long>.Shared.Rent(numbers.Count);
        numbers.CopyTo(rented);
        Span<long> sorted = rented.AsSpan(0, numbers.Count);
        sorted.Sort();
        for (int first = 0, next; first < sorted.Length; first = next)
        {
            next = first + 1;
            while (next < sorted.Length && sorted[next] == sorted[next - 1] + 1)
            {
                next++;
            }

            statement.Bind(1, sorted[first]);
            statement.Bind(2, sorted[next - 1]);
            statement.Bind(3, shard);
            statement.Run();
        }

        ArrayPool<long>.Shared.Return(rented);
    }

    private void Insert(int shard, JobRow job)
    {
        _insert.Bind(1, job.Number);
        _insert.Bind(2, shard);
        _insert.BindRepeated(3, job.Queue);
        _insert.BindRepeated(4, job.Type);
        _insert.Bind(5, job.CreatedAt);
        _insert.Bind(6, job.State.Priority);
        _insert.Bind(7, job.State.Attempts);
        _insert.Bind(8, job.Key);
        _insert.Bind(9, job.State.NotBefore);
        _insert.Bind(10, job.State.More);
        _insert.Bind(11, job.Payload);
        _insert.Run();
    }

    private void Update(int shard, JobUpdate update)
    {
        _update.Bind(1, update.Number);
        _update.Bind(2, shard);
        _update.Bind(3, update.State.Priority);
        _update.Bind(4, update.State.Attempts);
        _update.Bind(5, update.State.NotBefore);
        _update.Bind(6, update.State.More);
        _update.Bind(7, update.Payload);
        _update.Run();
        RequireChange("there is no job to update:", update.Number);
    }

    private void Put(int shard, JobEndRow end)
    {
        _putEnd.Bind(1, end.Number);
        _putEnd.Bind(2, shard);
        _putEnd.BindRepeated(3, end.Queue);
        _putEnd.BindRepeated(4, end.Type);
        _putEnd.Bind(5, (int)end.Status);
        _putEnd.Bind(6, end.CreatedAt);
        _putEnd.Bind(7, end.EndedAt);
        _putEnd.Bind(8, end.KeepUntil);
        _putEnd.Bind(9, end.Priority);
        _putEnd.Bind(10, end.Attempts);
        _putEnd.Bind(11, end.Key);
        _putEnd.Bind(12, end.Correlation);
        _putEnd.Bind(13, end.Result);
        _putEnd.Bind(14, end.More);
        _putEnd.Bind(15, end.KeepsPayload ? 1 : 0);
        _putEnd.Run();
        RequireChange("another shard has the end of job", end.Number);
    }

    private void Put(int shard, MemoRow memo)
    {
        SqliteStatement statement = memo.Value is null ? _deleteMemo : _putMemo;
        statement.Bind(1, shard);
        statement.Bind(2, memo.Name);
        if (memo.Value is not null)
        {
            statement.Bind(3, memo.Value);
        }

        statement.Run();
    }

    private void RequireChange(string otherwise, long number)
    {
        if (_connection.Changes == 0)
        {
            throw new SqliteFailure((int)ResultCode.Constraint, $"{otherwise} {number}");
        }
    }
}
