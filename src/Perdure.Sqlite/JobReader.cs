using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>Reads jobs, their ends and what their homes remember, with prepared statements.</summary>
internal sealed class JobReader
{
    private const string JobColumns = "number, shard, queue, type, created_at, key, priority, not_before, attempts, more";

    private const string EndColumns =
        "number, shard, queue, type, status, created_at, ended_at, keep_until, key, priority, attempts, result, more, payload NOTNULL, correlation";

    private readonly SqliteStatement _jobs;
    private readonly SqliteStatement _payload;
    private readonly SqliteStatement _end;
    private readonly SqliteStatement _forgettable;
    private readonly SqliteStatement _memos;
    private readonly SqliteStatement _jobShard;
    private readonly SqliteStatement _endShard;
    private readonly PreparedQueries _queries;
    private string _lastQueue = "";
    private string _lastType = "";

    public JobReader(SqliteConnection connection)
    {
        _queries = new PreparedQueries(connection);
        _jobs = connection.Prepare($"SELECT {JobColumns} FROM job WHERE shard = ?1 AND number > ?2 ORDER BY number LIMIT ?3");
        _payload = connection.Prepare(
            """
            SELECT coalesce((SELECT payload FROM job WHERE shard = ?1 AND number = ?2),
                            (SELECT payload FROM job_end WHERE shard = ?1 AND number = ?2))
            """);
        _end = connection.Prepare($"SELECT {EndColumns} FROM job_end WHERE shard = ?1 AND number = ?2");
        _forgettable = connection.Prepare(
            "SELECT number FROM job_end WHERE shard = ?1 AND keep_until <= ?2 ORDER BY keep_until, number LIMIT ?3");
        _memos = connection.Prepare("SELECT name, value FROM memo WHERE shard = ?1 ORDER BY name");
        _jobShard = connection.Prepare("SELECT shard FROM job WHERE shard > ?1 ORDER BY shard LIMIT 1");
        _endShard = connection.Prepare("SELECT shard FROM job_end WHERE shard > ?1 ORDER BY shard LIMIT 1");
    }

    public List<JobRow> ReadJobs(int shard, long after, int limit)
    {
        List<JobRow> jobs = [];
        _jobs.Bind(1, shard);
        _jobs.Bind(2, after);
        _jobs.Bind(3, limit);
        while (_jobs.Step())
        {
            jobs.Add(ToJob(_jobs));
        }

        return jobs;
    }

    public byte[]? ReadPayload(int shard, long number)
    {
        _payload.Bind(1, shard);
        _payload.Bind(2, number);
        _payload.Step();
        byte[]? payload = _payload.BlobOrNull(0);
        _payload.Reset();
        return payload;
    }

    public JobEndRow? ReadEnd(int shard, long number)
    {
        _end.Bind(1, shard);
        _end.Bind(2, number);
        if (!_end.Step())
        {
            return null;
        }

        JobEndRow end = ToEnd(_end);
        _end.Reset();
        return end;
    }

    public List<long> ReadForgettable(int shard, DateTimeOffset until, int limit)
    {
        List<long> numbers = [];
        _forgettable.Bind(1, shard);
        _forgettable.Bind(2, until);
        _forgettable.Bind(3, limit);
        while (_forgettable.Step())
        {
            numbers.Add(_forgettable.Number(0));
        }

        return numbers;
    }

    /// <summary>Reads a page of a list: jobs before a number, the newest first.</summary>
    public List<JobRow> List(JobFilter filter, long before, int limit) =>
        List(JobQuery.List(filter, JobColumns), _jobShard, filter, before, limit, ToJob, job => job.Number);

    /// <summary>Reads a page of a list: ends of jobs before a number, the newest first.</summary>
    public List<JobEndRow> ListEnds(JobFilter filter, long before, int limit) =>
        List(JobQuery.ListEnds(filter, EndColumns), _endShard, filter, before, limit, ToEnd, end => end.Number);

    public List<MemoRow> ReadMemos(int shard)
    {
        List<MemoRow> memos = [];
        _memos.Bind(1, shard);
        while (_memos.Step())
        {
            memos.Add(new MemoRow(_memos.Text(0), _memos.Blob(1)));
        }

        return memos;
    }

    private JobRow ToJob(SqliteStatement row) => new(
        row.Number(0), (int)row.Number(1), row.Text(2, ref _lastQueue), row.Text(3, ref _lastType), row.Time(4))
    {
        Key = row.TextOrNull(5),
        State = new JobState((int)row.Number(6), row.TimeOrNull(7), (int)row.Number(8), row.BlobOrNull(9)),
    };

    private static JobEndRow ToEnd(SqliteStatement row) => new(
        row.Number(0), (int)row.Number(1), row.Text(2), row.Text(3), (JobStatus)row.Number(4), row.Time(5), row.Time(6), row.Time(7))
    {
        Key = row.TextOrNull(8),
        Priority = (int)row.Number(9),
        Attempts = (int)row.Number(10),
        Result = row.BlobOrNull(11),
        More = row.BlobOrNull(12),
        KeepsPayload = row.Number(13) != 0,
        Correlation = row.TextOrNull(14),
    };

    /// <summary>Reads the newest rows of each shard that has any, and gives the newest of them all. Most often that is one shard.</summary>
    private List<T> List<T>(
        string sql, SqliteStatement nextShard, JobFilter filter, long before, int limit, Func<SqliteStatement, T> toRow, Func<T, long> number)
    {
        List<T> rows = [];
        SqliteStatement query = _queries.Of(sql);
        foreach (long shard in Shards(nextShard))
        {
            JobQuery.Bind(query, filter, shard, before, limit);
            while (query.Step())
            {
                rows.Add(toRow(query));
            }
        }

        rows.Sort((one, other) => number(other).CompareTo(number(one)));
        return rows.Count <= limit ? rows : rows[..limit];
    }

    private static List<long> Shards(SqliteStatement next)
    {
        List<long> shards = [];
        next.Bind(1, -1);
        while (next.Step())
        {
            shards.Add(next.Number(0));
            next.Reset();
            next.Bind(1, shards[^1]);
        }

        return shards;
    }
}
