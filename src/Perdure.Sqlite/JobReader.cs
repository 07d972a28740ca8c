using Perdure.Sqlite.Native;
using Perdure.Storage;

namespace Perdure.Sqlite;

/// <summary>Reads jobs, their ends and what their homes remember, with prepared statements.</summary>
internal sealed class JobReader
{
    private readonly SqliteStatement _jobs;
    private readonly SqliteStatement _payload;
    private readonly SqliteStatement _end;
    private readonly SqliteStatement _forgettable;
    private readonly SqliteStatement _memos;
    private readonly PreparedQueries _queries;
    private string _lastQueue = "";
    private string _lastType = "";

    public JobReader(SqliteConnection connection)
    {
        _queries = new PreparedQueries(connection);
        _jobs = connection.Prepare(JobQuery.Page);
        _payload = connection.Prepare(
            """
            SELECT coalesce((SELECT payload FROM job WHERE number = ?2 AND shard = ?1),
                            (SELECT payload FROM job_end WHERE number = ?2 AND shard = ?1))
            """);
        _end = connection.Prepare(JobQuery.End);
        _forgettable = connection.Prepare(JobQuery.Forgettable);
        _memos = connection.Prepare("SELECT name, value FROM memo WHERE shard = ?1 ORDER BY name");
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
        List(JobQuery.List(filter), filter, before, limit, ToJob);

    /// <summary>Reads a page of a list: ends of jobs before a number, the newest first.</summary>
    public List<JobEndRow> ListEnds(JobFilter filter, long before, int limit) =>
        List(JobQuery.ListEnds(filter), filter, before, limit, ToEnd);

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

    private List<T> List<T>(string sql, JobFilter filter, long before, int limit, Func<SqliteStatement, T> toRow)
    {
        List<T> rows = [];
        SqliteStatement query = _queries.Of(sql);
        JobQuery.Bind(query, filter, before, limit);
        while (query.Step())
        {
            rows.Add(toRow(query));
        }

        return rows;
    }
}
